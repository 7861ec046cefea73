/** PersistentVolumes. */
import { canonicalQuantity } from '../../quantity.ts';
import type { PersistentVolume } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { showAccessModes } from '../shared/access-modes.ts';
import { AGE, NAME, text, wide } from '../shared/columns.ts';
import { roundUpToMilli } from '../shared/resource-list.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { defaultOldDrivers } from '../shared/volume-defaults.ts';
import { validateVolume, validateVolumeUpdate } from './persistentvolume-rules.ts';

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

export const persistentvolume = rulesFor<PersistentVolume>({
  updates: 'all, then changes',
  defaults(object) {
    object.status = { ...object.status, phase: object.status?.phase || 'Pending' };
    const spec = object.spec;
    if (!spec) return;
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    roundUpToMilli(spec.capacity);
    if (spec.hostPath) spec.hostPath.type ??= '';
    defaultOldDrivers(spec as Parameters<typeof defaultOldDrivers>[0]);
  },
  strategy: splitStrategy<PersistentVolume>({
    prepareForCreate(object, { now }) {
      object.status = { phase: 'Pending', lastPhaseTransitionTime: timestamp(now) };
    },
    prepareStatus(object, old, { now }) {
      const [status, before] = [object.status, old.status];
      if (!status) return;
      const changed = status.phase !== before?.phase;
      const unmoved = status.lastPhaseTransitionTime === undefined || status.lastPhaseTransitionTime === before?.lastPhaseTransitionTime;
      if (changed && unmoved) status.lastPhaseTransitionTime = timestamp(now);
      else if (!changed && before?.lastPhaseTransitionTime !== undefined) status.lastPhaseTransitionTime ??= before.lastPhaseTransitionTime;
    },
    validate: validateVolume,
    validateUpdate: validateVolumeUpdate,
  }),
  columns: [
    NAME,
    text('Capacity', (object) => canonicalQuantity(object.spec?.capacity?.['storage'] ?? '0') ?? ''),
    text('Access Modes', (object) => showAccessModes(object.spec?.accessModes ?? [])),
    text('Reclaim Policy', (object) => object.spec?.persistentVolumeReclaimPolicy ?? ''),
    text('Status', (object) => (object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? ''))),
    text('Claim', ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '')),
    text('StorageClass', (object) => object.metadata.annotations?.[BETA_CLASS] ?? object.spec?.storageClassName ?? ''),
    text('VolumeAttributesClass', (object) => object.spec?.volumeAttributesClassName ?? '<unset>'),
    text('Reason', (object) => object.status?.reason ?? ''),
    AGE,
    wide('VolumeMode', (object) => object.spec?.volumeMode ?? '<unset>'),
  ],
});

function timestamp(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}
