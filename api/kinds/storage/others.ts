/** The kinds of the storage group that have few rules: CSINode, CSIStorageCapacity, VolumeAttachment, VolumeAttributesClass. */
import { Path, required } from '../../field-error.ts';
import { canonicalQuantity } from '../../quantity.ts';
import type { CSINode, CSIStorageCapacity, VolumeAttachment, VolumeAttributesClass } from '../../types/storage.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, boolean, integer, text } from '../shared/columns.ts';
import { checkLabelSelector } from '../shared/label-selector.ts';
import { immutable } from '../shared/object-meta.ts';
import { ALL_METADATA, splitStrategy } from '../shared/split-strategy.ts';
import { checkAmount } from '../shared/quantity-rules.ts';
import { isDnsSubdomain } from '../shared/text-rules.ts';
import { checkDriverName } from '../shared/volume-rules.ts';

export const csinode = rulesFor<CSINode>({
  strategy: { unconditionalUpdate: false },
  columns: [NAME, integer('Drivers', (object) => object.spec?.drivers?.length ?? 0), AGE],
});

export const csistoragecapacity = rulesFor<CSIStorageCapacity>({
  metadataChecks: { '': 2 },
  strategy: {
    unconditionalUpdate: false,
    validate: ({ storageClassName, nodeTopology, capacity }) => [
      ...checkLabelSelector(nodeTopology, Path.of('nodeTopology')),
      ...isDnsSubdomain(storageClassName, Path.of('storageClassName')),
      ...(capacity === undefined ? [] : checkAmount('', capacity, Path.of('capacity'))),
    ],
    validateUpdate: (object, old) => [
      ...immutable(object.nodeTopology, old.nodeTopology, Path.of('nodeTopology')),
      ...immutable(object.storageClassName, old.storageClassName, Path.of('storageClassName')),
    ],
  },
  columns: [
    NAME,
    text('StorageClassName', (object) => object.storageClassName),
    text('Capacity', ({ capacity }) => (capacity === undefined ? '<unset>' : (canonicalQuantity(capacity) ?? capacity))),
  ],
});

export const volumeattachment = rulesFor<VolumeAttachment>({
  strategy: splitStrategy<VolumeAttachment>({
    unconditionalUpdate: false,
    statusKeeps: ALL_METADATA,
    validate: ({ spec }) => [
      ...checkDriverName(spec?.attacher ?? '', Path.of('spec', 'attacher')),
      ...(spec?.source?.persistentVolumeName === undefined && spec?.source?.inlineVolumeSpec === undefined
        ? [required(Path.of('spec', 'source'), 'must specify exactly one of inlineVolumeSpec and persistentVolumeName')]
        : []),
      ...(spec?.nodeName ? [] : isDnsSubdomain('', Path.of('spec', 'nodeName'))),
    ],
    validateUpdate: (object, old) => immutable(object.spec, old.spec, Path.of('spec')),
  }),
  columns: [
    NAME,
    { ...text<VolumeAttachment>('Attacher', (object) => object.spec?.attacher ?? ''), format: 'name' },
    text('PV', (object) => object.spec?.source?.persistentVolumeName ?? ''),
    text('Node', (object) => object.spec?.nodeName ?? ''),
    boolean('Attached', (object) => object.status?.attached ?? false),
    AGE,
  ],
});

export const volumeattributesclass = rulesFor<VolumeAttributesClass>({
  metadataChecks: { '': 2 },
  strategy: {
    validate: ({ driverName, parameters }) => [
      ...checkDriverName(driverName, Path.of('driverName')),
      ...(Object.keys(parameters ?? {}).length > 0 ? [] : [required(Path.of('parameters'), 'must contain at least one key/value pair')]),
    ],
    validateUpdate: (object, old) => [
      ...immutable(object.driverName, old.driverName, Path.of('driverName')),
      ...immutable(object.parameters, old.parameters, Path.of('parameters')),
    ],
  },
  columns: [NAME, text('DriverName', (object) => object.driverName), AGE],
});
