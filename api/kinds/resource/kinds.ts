/** The kinds of dynamic resource allocation. That expressions compile is checked where they are evaluated. */
import { dropField } from '../../codec/empties.ts';
import { type FieldError, Path, forbiddenField, invalid } from '../../field-error.ts';
import type { DeviceClass, DeviceClaim, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from '../../types/resource.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { qualifiedName } from '../shared/formats.ts';
import { checkAnnotations, checkLabels, immutable } from '../shared/object-meta.ts';
import { isExtendedResource } from '../shared/resource-list.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { ALL_METADATA, splitStrategy } from '../shared/split-strategy.ts';
import { timestamp } from '../../timestamp.ts';
import { checkAdminRequests, checkAdminResults } from './admin-access.ts';
import { validateClaimStatus } from './allocation-rules.ts';
import { CONFIG_LIMIT, checkConfiguration, checkDeviceClaim, checkSelectors } from './claim-rules.ts';
import { checkItems } from './device-names.ts';
import { validateSlice } from './slice-rules.ts';

const SPEC = Path.of('spec');

export const deviceclass = rulesFor<DeviceClass>({
  metadataChecks: { '': 2 },
  strategy: splitStrategy<DeviceClass>({ noStatus: true, generation: ['spec'], validate: checkClass, validateUpdate: checkClass }),
  columns: [NAME, AGE],
});

function checkClass({ spec }: DeviceClass): FieldError[] {
  const { selectors, config, extendedResourceName: name } = spec ?? {};
  const path = SPEC.child('extendedResourceName');
  return [
    ...checkSelectors(selectors, SPEC.child('selectors')),
    ...checkItems(config, CONFIG_LIMIT, SPEC.child('config'), checkConfiguration),
    ...(name === undefined || (isExtendedResource(name) && qualifiedName(`requests.${name}`).length === 0) ? [] : [invalid(path, name, 'must be a valid extended resource name')]),
  ];
}

export const resourceclaim = rulesFor<ResourceClaim>({
  metadataChecks: { '': 2 },
  defaults({ spec, status }) {
    defaultClaim(spec?.devices);
    for (const { tolerations } of status?.allocation?.devices?.results ?? []) for (const toleration of tolerations ?? []) toleration.operator ||= 'Equal';
  },
  strategy: splitStrategy<ResourceClaim>({
    statusKeeps: ALL_METADATA,
    prepareStatus: dropReleasedDevices,
    needsNamespaceLabels: true,
    validate: ({ spec }, context) => [...checkAdminRequests(spec?.devices?.requests, context), ...checkDeviceClaim(spec?.devices, SPEC.child('devices'))],
    validateUpdate: (object, old) => immutable(object.spec, old.spec, SPEC, 'ResourceClaimSpec'),
    validateStatus: (object, old, context) => [...checkAdminResults(object, old, context), ...validateClaimStatus(object, old)],
  }),
  columns: [NAME, text('State', showState), AGE],
});

/** What drivers tell of devices goes with the devices. */
function dropReleasedDevices(object: ResourceClaim, old: ResourceClaim): void {
  const { status } = object;
  const before = old.status?.allocation?.devices?.results ?? [];
  if (!status?.devices?.length || before.length === 0) return;
  const id = (device: { driver: string; pool: string; device: string; shareID?: string }): string => JSON.stringify([device.driver, device.pool, device.device, device.shareID ?? '']);
  const now = new Set((status.allocation?.devices?.results ?? []).map(id));
  const released = new Set(before.map(id).filter((one) => !now.has(one)));
  if (released.size === 0) return;
  const kept = status.devices.filter((device) => !released.has(id(device)));
  if (kept.length > 0) status.devices = kept;
  else delete status.devices;
}

export const resourceclaimtemplate = rulesFor<ResourceClaimTemplate>({
  updates: 'all, then changes',
  defaults: ({ spec }) => defaultClaim(spec?.spec?.devices),
  strategy: {
    needsNamespaceLabels: true,
    validate: ({ spec }, context) => [
      ...checkAdminRequests(spec?.spec?.devices?.requests, context),
      ...checkAnnotations(spec?.metadata?.annotations, SPEC.child('metadata', 'annotations')),
      ...checkLabels(spec?.metadata?.labels, SPEC.child('metadata', 'labels')),
      ...onlyLabels(spec?.metadata),
      ...checkDeviceClaim(spec?.spec?.devices, SPEC.child('spec', 'devices')),
    ],
    validateUpdate: (object, old) => immutable(object.spec, old.spec, SPEC, 'ResourceClaimTemplateSpec'),
  },
  columns: [NAME, AGE],
});

/** A template's metadata may hold labels and annotations. */
function onlyLabels(metadata: object | undefined): FieldError[] {
  const others = Object.entries(metadata ?? {}).filter(([field, value]) => field !== 'labels' && field !== 'annotations' && value !== null);
  return others.map(([field]) => forbiddenField(SPEC.child('metadata', field === 'uid' ? 'uID' : field), 'cannot be set'));
}

export const resourceslice = rulesFor<ResourceSlice>({
  strategy: splitStrategy<ResourceSlice>({
    noStatus: true,
    generation: ['spec'],
    validate: (object) => validateSlice(object),
    validateUpdate: validateSlice,
    // When a taint was added is told here, where there is a clock.
    prepareForCreate(object, { now }) {
      dropGated(object);
      stampTaints(object, now);
    },
    prepareForUpdate(object, old, { now }) {
      // What is dropped counts as a change, as with upstream.
      if (!semanticEqual(object.spec, old.spec)) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
      dropGated(object);
      stampTaints(object, now);
    },
    warnings({ spec }) {
      const driver = spec?.driver ?? '';
      const upper = driver !== driver.toLowerCase();
      return upper ? [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`] : [];
    },
  }),
  columns: [
    NAME,
    text('Node', (object) => object.spec?.nodeName ?? ''),
    text('Driver', (object) => object.spec?.driver ?? ''),
    text('Pool', (object) => object.spec?.pool?.name ?? ''),
    AGE,
  ],
  selectableFields: {
    'spec.nodeName': (object) => object.spec?.nodeName ?? '',
    'spec.driver': (object) => object.spec?.driver ?? '',
  },
});

function defaultClaim(devices: DeviceClaim | undefined): void {
  for (const request of devices?.requests ?? []) {
    const all = [...(request.exactly ? [request.exactly] : []), ...(request.firstAvailable ?? [])];
    for (const one of all) {
      one.allocationMode ||= 'ExactCount';
      if (one.allocationMode === 'ExactCount') one.count ||= 1;
      for (const toleration of one.tolerations ?? []) toleration.operator ||= 'Equal';
    }
  }
}

/** Fields of gates that are off. */
function dropGated({ spec }: ResourceSlice): void {
  for (const device of spec?.devices ?? []) {
    delete device.nodeAllocatableResourceMappings;
    for (const attribute of Object.values(device.attributes ?? {})) for (const list of ['ints', 'bools', 'strings', 'versions'] as const) dropField(attribute, list);
  }
}

function stampTaints({ spec }: ResourceSlice, now: number): void {
  const time = timestamp(now);
  for (const device of spec?.devices ?? []) for (const taint of device.taints ?? []) taint.timeAdded ??= time;
}

function showState({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp ? ['deleted'] : [];
  if (!status?.allocation) return deleted[0] ?? 'pending';
  return [...deleted, 'allocated', ...(status.reservedFor?.length ? ['reserved'] : [])].join(',');
}
