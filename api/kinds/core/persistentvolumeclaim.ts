/** PersistentVolumeClaims. */
import { Path } from '../../field-error.ts';
import { canonicalQuantity } from '../../quantity.ts';
import type { PersistentVolumeClaim, TypedLocalObjectReference } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { showAccessModes } from '../shared/access-modes.ts';
import { claimSpecWarnings } from '../shared/claim-warnings.ts';
import { AGE, NAME, text, wide } from '../shared/columns.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { roundUpToMilli } from '../shared/resource-list.ts';
import { defaultClaimSpec } from '../shared/volume-defaults.ts';
import { validateClaim, validateClaimStatus, validateClaimUpdate } from './persistentvolumeclaim-rules.ts';

export const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';
const OLD_CLASS = 'deprecated since v1.8; use "storageClassName" attribute instead';

export const persistentvolumeclaim = rulesFor<PersistentVolumeClaim>({
  metadataChecks: { '': 2 },
  defaults(object) {
    object.status = { ...object.status, phase: object.status?.phase || 'Pending' };
    if (object.spec) defaultClaimSpec(object.spec);
    roundUpToMilli(object.status.capacity);
    roundUpToMilli(object.status.allocatedResources);
  },
  strategy: splitStrategy<PersistentVolumeClaim>({
    prepareForCreate(object) {
      object.status = { phase: 'Pending' };
      pairDataSources(object);
    },
    prepareForUpdate: (object, old) => pairDataSources(object, old),
    validate: validateClaim,
    validateUpdate: validateClaimUpdate,
    validateStatus: validateClaimStatus,
    warnings: (object) => [
      ...(object.metadata.annotations?.[BETA_CLASS] === undefined ? [] : [`metadata.annotations[${BETA_CLASS}]: ${OLD_CLASS}`]),
      ...(object.spec ? claimSpecWarnings(object.spec, Path.of('spec')) : []),
    ],
  }),
  columns: [
    NAME,
    text('Status', (object) => (object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? ''))),
    text('Volume', (object) => object.spec?.volumeName ?? ''),
    text('Capacity', ({ spec, status }) => (spec?.volumeName ? (canonicalQuantity(status?.capacity?.['storage'] ?? '0') ?? '') : '')),
    text('Access Modes', ({ spec, status }) => (spec?.volumeName ? showAccessModes(status?.accessModes ?? []) : '')),
    text('StorageClass', (object) => object.metadata.annotations?.[BETA_CLASS] ?? object.spec?.storageClassName ?? ''),
    text('VolumeAttributesClass', (object) => object.spec?.volumeAttributesClassName ?? '<unset>'),
    AGE,
    wide('VolumeMode', (object) => object.spec?.volumeMode ?? '<unset>'),
  ],
});

/** `dataSource` and `dataSourceRef` show the same, unless the source is in another namespace. */
function pairDataSources({ spec }: PersistentVolumeClaim, old?: PersistentVolumeClaim): void {
  if (!spec) return;
  const before = old?.spec;
  if (spec.dataSourceRef?.namespace && !before?.dataSourceRef) delete spec.dataSourceRef;
  const wasThere = before?.dataSource !== undefined || before?.dataSourceRef !== undefined;
  if (!wasThere && !spec.dataSourceRef && spec.dataSource && !isOldKindOfSource(spec.dataSource)) delete spec.dataSource;
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { apiGroup, kind, name } = spec.dataSourceRef;
    spec.dataSource = { ...(apiGroup !== undefined && { apiGroup }), kind, name };
  }
}

/** What `dataSource` took before there was `dataSourceRef`. Anything else is dropped without a word. */
function isOldKindOfSource({ apiGroup, kind }: TypedLocalObjectReference): boolean {
  return kind === 'PersistentVolumeClaim' ? !apiGroup : kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io';
}
