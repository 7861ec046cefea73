/** The kinds of the storage group that have few rules: CSINode, CSIStorageCapacity, VolumeAttachment, VolumeAttributesClass. */
import { type FieldError, Path, duplicate, forbiddenField, invalid, required, tooLong } from '../../field-error.ts';
import type { CSINode, CSIStorageCapacity, VolumeAttachment, VolumeAttributesClass } from '../../types/storage.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, boolean, integer, text } from '../shared/columns.ts';
import { checkLabelSelector } from '../shared/label-selector.ts';
import { immutable } from '../shared/object-meta.ts';
import { ALL_METADATA, splitStrategy } from '../shared/split-strategy.ts';
import { checkAmount, notNegative } from '../shared/quantity-rules.ts';
import { checkParameters } from './parameter-rules.ts';
import { checkInlineVolume } from '../core/persistentvolume-rules.ts';
import { qualifiedName } from '../shared/formats.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { roundUpToMilli } from '../shared/resource-list.ts';
import { isDnsSubdomain } from '../shared/text-rules.ts';
import { defaultOldDrivers } from '../shared/volume-defaults.ts';
import { checkDriverName } from '../shared/volume-rules.ts';

export const csinode = rulesFor<CSINode>({
  metadataChecks: { '': 'as new' },
  strategy: { unconditionalUpdate: false, validate: checkDrivers, validateUpdate: (object, old) => [...checkDrivers(object), ...driversKept(object, old)] },
  columns: [NAME, integer('Drivers', (object) => object.spec?.drivers?.length ?? 0), AGE],
});

const NODE_ID_LIMIT = 256;

function checkDrivers({ spec }: CSINode): FieldError[] {
  const drivers = spec?.drivers ?? [];
  return drivers.flatMap(({ name = '', nodeID, topologyKeys = [], allocatable }, at) => {
    const path = Path.of('spec', 'drivers').index(at);
    const id = path.child('nodeID');
    const errors = checkDriverName(name, path.child('name'));
    if (!nodeID) errors.push(required(id));
    else if (nodeID.length > NODE_ID_LIMIT) errors.push(invalid(id, nodeID, `must be ${NODE_ID_LIMIT} characters or less`));
    errors.push(...notNegative(allocatable?.count, path.child('allocatable', 'count')));
    if (drivers.slice(0, at).some((other) => (other.name ?? '') === name)) errors.push(duplicate(path.child('name'), name));
    for (const [n, key] of (topologyKeys ?? []).entries()) {
      if (key === '') errors.push(required(path));
      if (topologyKeys.indexOf(key) < n) errors.push(duplicate(path, key));
      errors.push(...qualifiedName(key).map((why) => invalid(path, key, why)));
    }
    return errors;
  });
}

/** Of a driver that stays, only how many volumes it takes may change. */
function driversKept(object: CSINode, old: CSINode): FieldError[] {
  type Driver = NonNullable<NonNullable<CSINode['spec']>['drivers']>[number];
  const shown = ({ name, nodeID, topologyKeys }: Driver): unknown => ({ Name: name, NodeID: nodeID, TopologyKeys: topologyKeys ?? null, Allocatable: null });
  return (old.spec?.drivers ?? []).flatMap((before) =>
    (object.spec?.drivers ?? []).filter(({ name }) => name === before.name).flatMap((driver) => immutable(shown(driver), shown(before), Path.of('spec', 'drivers'))),
  );
}

export const csistoragecapacity = rulesFor<CSIStorageCapacity>({
  updates: 'all, then changes',
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
});

export const volumeattachment = rulesFor<VolumeAttachment>({
  defaults({ spec }) {
    const inline = spec?.source?.inlineVolumeSpec;
    if (!inline) return;
    roundUpToMilli(inline.capacity);
    if (inline.hostPath) inline.hostPath.type ??= '';
    defaultOldDrivers(inline as Parameters<typeof defaultOldDrivers>[0]);
  },
  metadataChecks: { '': 'as new' },
  strategy: splitStrategy<VolumeAttachment>({
    unconditionalUpdate: false,
    statusKeeps: ALL_METADATA,
    validate: checkAttachment,
    validateUpdate: attachmentKept,
    validateStatus: attachmentKept,
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

const MESSAGE_LIMIT = 1024;

function checkAttachment({ spec, status }: VolumeAttachment): FieldError[] {
  const path = Path.of('spec', 'source');
  const { persistentVolumeName: name, inlineVolumeSpec: inline } = spec?.source ?? {};
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  const errors = checkDriverName(spec?.attacher ?? '', Path.of('spec', 'attacher'));
  if (name === undefined && !inline) errors.push(required(path, one));
  else if (name !== undefined && inline) errors.push(forbiddenField(path, one));
  else if (name === '') errors.push(required(path.child('persistentVolumeName'), 'must specify non empty persistentVolumeName'));
  else if (inline) errors.push(...checkInlineVolume(inline as never, path.child('inlineVolumeSpec')));
  errors.push(...isDnsSubdomain(spec?.nodeName ?? '', Path.of('spec', 'nodeName')));
  for (const field of ['attachError', 'detachError'] as const) {
    const here = Path.of('status', field);
    const { message = '', errorCode: code } = status?.[field] ?? {};
    if (message.length > MESSAGE_LIMIT) errors.push(tooLong(here.child('message'), MESSAGE_LIMIT));
    if (code !== undefined && code < 0) errors.push(invalid(here.child('errorCode'), code, 'must be between 0 and 2147483647, inclusive'));
  }
  return name === undefined ? errors : [...errors, ...isDnsSubdomain(name, path.child('persistentVolumeName'))];
}

function attachmentKept(object: VolumeAttachment, old: VolumeAttachment): FieldError[] {
  return [...checkAttachment(object), ...immutable(object.spec, old.spec, Path.of('spec'), 'VolumeAttachmentSpec')];
}

export const volumeattributesclass = rulesFor<VolumeAttributesClass>({
  updates: 'changes, then all',
  strategy: {
    validate: ({ driverName, parameters }) => [
      ...(driverName ? qualifiedName(driverName.toLowerCase()).map((why) => invalid(Path.of('driverName'), driverName.toLowerCase(), why)) : [required(Path.of('driverName'))]),
      ...checkParameters(parameters, Path.of('parameters')),
      ...(Object.keys(parameters ?? {}).length > 0 ? [] : [required(Path.of('parameters'), 'must contain at least one key/value pair')]),
    ],
    validateUpdate: (object, old) => [
      ...(object.driverName === old.driverName ? [] : [forbiddenField(Path.of('driverName'), 'updates to driverName are forbidden.')]),
      ...(semanticEqual(object.parameters, old.parameters) ? [] : [forbiddenField(Path.of('parameters'), 'updates to parameters are forbidden.')]),
    ],
  },
  columns: [NAME, text('DriverName', (object) => object.driverName), AGE],
});
