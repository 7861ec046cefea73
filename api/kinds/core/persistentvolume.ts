/** PersistentVolumes. */
import { Path } from '../../field-error.ts';
import { canonicalQuantity } from '../../quantity.ts';
import type { PersistentVolume } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { showAccessModes } from '../shared/access-modes.ts';
import { AGE, NAME, text, wide } from '../shared/columns.ts';
import { termWarnings } from '../shared/node-label-warnings.ts';
import { roundUpToMilli } from '../shared/resource-list.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { timestamp } from '../../timestamp.ts';
import { defaultOldDrivers } from '../shared/volume-defaults.ts';
import { validateVolume, validateVolumeUpdate } from './persistentvolume-rules.ts';

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';
const NO_RECYCLING = 'The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.';
const OLD_ANNOTATIONS = {
  [BETA_CLASS]: 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
};
const OLD_DRIVERS = [
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
] as const;

export const persistentvolume = rulesFor<PersistentVolume>({
  updates: 'all, then changes',
  metadataChecks: { '': 'as new' },
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
    warnings: warningsOf,
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

function warningsOf({ metadata, spec }: PersistentVolume): string[] {
  const annotations = Object.entries(OLD_ANNOTATIONS).filter(([key]) => metadata.annotations?.[key] !== undefined);
  const warnings = annotations.map(([key, why]) => `metadata.annotations[${key}]: ${why}`);
  if (spec?.persistentVolumeReclaimPolicy === 'Recycle') warnings.push(`spec.persistentVolumeReclaimPolicy: ${NO_RECYCLING}`);
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const path = Path.of('spec', 'nodeAffinity', 'required', 'nodeSelectorTerms');
  warnings.push(...terms.flatMap((term, at) => termWarnings(term, path.index(at))));
  const drivers = OLD_DRIVERS.filter(([field]) => (spec as Record<string, unknown> | undefined)?.[field] !== undefined);
  return [...warnings, ...drivers.map(([field, why]) => `spec.${field === 'storageos' ? 'storageOS' : field}: ${why}`)];
}
