/** The kinds of dynamic resource allocation. Their validation is that of their schemas. */
import { Path } from '../../field-error.ts';
import type { DeviceClass, DeviceClaim, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from '../../types/resource.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { immutable } from '../shared/object-meta.ts';
import { ALL_METADATA, splitStrategy } from '../shared/split-strategy.ts';
import { timestamp } from '../shared/timestamp.ts';

export const deviceclass = rulesFor<DeviceClass>({
  metadataChecks: { '': 2 },
  strategy: splitStrategy<DeviceClass>({ noStatus: true, generation: ['spec'] }),
  columns: [NAME, AGE],
});

export const resourceclaim = rulesFor<ResourceClaim>({
  metadataChecks: { '': 2 },
  defaults: ({ spec }) => defaultClaim(spec?.devices),
  strategy: splitStrategy<ResourceClaim>({
    statusKeeps: ALL_METADATA,
    validateUpdate: (object, old) => immutable(object.spec, old.spec, Path.of('spec')),
  }),
  columns: [NAME, text('State', showState), AGE],
});

export const resourceclaimtemplate = rulesFor<ResourceClaimTemplate>({
  metadataChecks: { '': 2 },
  defaults: ({ spec }) => defaultClaim(spec?.spec?.devices),
  strategy: { validateUpdate: (object, old) => immutable(object.spec, old.spec, Path.of('spec')) },
  columns: [NAME, AGE],
});

export const resourceslice = rulesFor<ResourceSlice>({
  strategy: splitStrategy<ResourceSlice>({
    noStatus: true,
    generation: ['spec'],
    // When a taint was added is told here, where there is a clock.
    prepareForCreate: (object, { now }) => stampTaints(object, now),
    prepareForUpdate: (object, _old, { now }) => stampTaints(object, now),
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

function stampTaints({ spec }: ResourceSlice, now: number): void {
  const time = timestamp(now);
  for (const device of spec?.devices ?? []) for (const taint of device.taints ?? []) taint.timeAdded ??= time;
}

function showState({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp ? ['deleted'] : [];
  if (!status?.allocation) return deleted[0] ?? 'pending';
  return [...deleted, 'allocated', ...(status.reservedFor?.length ? ['reserved'] : [])].join(',');
}
