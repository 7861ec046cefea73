/** What a claim has got: the devices, who uses them, and what drivers tell of them. Provenance: pkg/apis/resource/validation of v1.36. */
import { type FieldError, Path, duplicate, forbiddenField, invalid, notSupported, required, tooLong, tooMany } from '../../field-error.ts';
import type { AllocatedDeviceStatus, AllocationResult, NetworkDeviceData, ResourceClaim, ResourceClaimConsumerReference } from '../../types/resource.v1.ts';
import { checkNodeSelector } from '../shared/affinity-rules.ts';
import { checkConditions } from '../shared/condition-rules.ts';
import { bytes } from '../shared/formats.ts';
import { checkInterfaceAddress } from '../shared/ip-address.ts';
import { checkLabelKey, immutable } from '../shared/object-meta.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { isDnsLabel } from '../shared/text-rules.ts';
import { checkDriverName } from '../shared/volume-rules.ts';
import { CONFIG_LIMIT, checkConfiguration, checkParameters, checkRequestReference, checkRequestReferences, claimMayNotGrow, requestNames, type RequestNames } from './claim-rules.ts';
import { checkItems, checkPoolName, checkSet, checkUid } from './device-names.ts';

const STATUS = Path.of('status');
const RESERVED_LIMIT = 256;
const RESULTS_LIMIT = 32;
const BINDING_CONDITIONS_LIMIT = 4;
const CONDITIONS_LIMIT = 8;
const DATA_LIMIT_BYTES = 10 * 1024;
const INTERFACE_LIMIT_BYTES = 256;
const HARDWARE_ADDRESS_LIMIT_BYTES = 128;
const ADDRESSES_LIMIT = 16;
const SOURCES = ['FromClaim', 'FromClass'];

export function validateClaimStatus(claim: ResourceClaim, old: ResourceClaim): FieldError[] {
  const { reservedFor, allocation, devices } = claim.status ?? {};
  const allocated = new Set((allocation?.devices?.results ?? []).map(idOf));
  const errors = [
    ...checkSet(reservedFor, STATUS.child('reservedFor'), { limit: RESERVED_LIMIT, key: ({ uid }) => uid, check: checkConsumer }),
    ...checkSet(devices, STATUS.child('devices'), {
      limit: Infinity, key: idOf, shown: sharedId, check: (device, path) => checkDevice(device, allocated, path),
    }),
  ];
  if (reservedFor?.length) {
    const path = STATUS.child('reservedFor');
    const isNew = (consumer: ResourceClaimConsumerReference): boolean => !(old.status?.reservedFor ?? []).some((known) => semanticEqual(known, consumer));
    if (!allocation) errors.push(forbiddenField(path, 'may not be specified when `allocated` is not set'));
    else if (claim.metadata.deletionTimestamp && reservedFor.some(isNew)) errors.push(claimMayNotGrow(path));
  }
  const path = STATUS.child('allocation');
  if (!allocation) return errors;
  if (old.status?.allocation) return [...errors, ...immutable(allocation, old.status.allocation, path, 'AllocationResult')];
  return [...errors, ...checkAllocation(allocation, requestNames(claim.spec?.devices), path)];
}

interface DeviceId {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly shareID?: string;
}

function idOf({ driver, pool, device, shareID = '' }: DeviceId): string {
  return `${driver}/${pool}/${device}${shareID && `/${shareID}`}`;
}

/** As upstream shows it. */
function sharedId({ driver, pool, device, shareID = '' }: DeviceId): unknown {
  return { Driver: driver, Pool: pool, Device: device, ShareID: shareID };
}

function checkConsumer(reference: ResourceClaimConsumerReference, path: Path): FieldError[] {
  return (['resource', 'name', 'uid'] as const).filter((field) => !reference[field]).map((field) => required(path.child(field)));
}

function checkAllocation({ devices, nodeSelector }: AllocationResult, names: RequestNames, path: Path): FieldError[] {
  const here = path.child('devices');
  return [
    ...checkItems(devices?.results, RESULTS_LIMIT, here.child('results'), (result, at) => [
      ...checkRequestReference(result.request, names, at.child('request')),
      ...checkDriverName(result.driver, at.child('driver')),
      ...checkPoolName(result.pool, at.child('pool')),
      ...isDnsLabel(result.device, at.child('device')),
      ...checkBinding(result.bindingConditions, result.bindingFailureConditions, at),
      ...(result.shareID === undefined ? [] : checkUid(result.shareID, at.child('shareID'))),
    ]),
    ...checkItems(devices?.config, 2 * CONFIG_LIMIT, here.child('config'), (config, at) => [
      ...checkSource(config.source, at.child('source')),
      ...checkRequestReferences(config.requests, names, at.child('requests')),
      ...checkConfiguration(config, at),
    ]),
    ...(nodeSelector ? checkNodeSelector(nodeSelector, path.child('nodeSelector')) : []),
  ];
}

function checkSource(source: string, path: Path): FieldError[] {
  if (!source) return [required(path)];
  return SOURCES.includes(source) ? [] : [notSupported(path, source, SOURCES)];
}

/** The two lists come together and have nothing in common. */
export function checkBinding(conditions: readonly string[] = [], failures: readonly string[] = [], path: Path): FieldError[] {
  const here = path.child('bindingConditions');
  const there = path.child('bindingFailureConditions');
  const errors = [...checkItems(conditions, BINDING_CONDITIONS_LIMIT, here, checkLabelKey), ...checkItems(failures, BINDING_CONDITIONS_LIMIT, there, checkLabelKey)];
  for (const [at, condition] of conditions.entries()) if (conditions.indexOf(condition) < at) errors.push(duplicate(here.index(at), condition));
  for (const [at, condition] of failures.entries()) {
    if (failures.indexOf(condition) < at) errors.push(duplicate(there.index(at), condition));
    if (conditions.includes(condition)) errors.push(invalid(there.index(at), condition, 'bindingFailureConditions must not overlap with bindingConditions'));
  }
  if (conditions.length === 0 && failures.length > 0) errors.push(invalid(here, null, 'bindingConditions are required to use bindingFailureConditions'));
  if (failures.length === 0 && conditions.length > 0) errors.push(invalid(there, null, 'bindingFailureConditions are required to use bindingConditions'));
  return errors;
}

function checkDevice(device: AllocatedDeviceStatus, allocated: ReadonlySet<string>, path: Path): FieldError[] {
  const conditions = device.conditions ?? [];
  return [
    ...checkDriverName(device.driver, path.child('driver')),
    ...checkPoolName(device.pool, path.child('pool')),
    ...isDnsLabel(device.device, path.child('device')),
    ...(device.shareID === undefined ? [] : checkUid(device.shareID, path.child('shareID'))),
    ...(allocated.has(idOf(device)) ? [] : [invalid(path, sharedId(device), 'must be an allocated device in the claim')]),
    ...(conditions.length > CONDITIONS_LIMIT ? [tooMany(path.child('conditions'), conditions.length, CONDITIONS_LIMIT)] : []),
    ...checkConditions(conditions, path.child('conditions')),
    ...(device.data === undefined || device.data === null ? [] : checkParameters(device.data, DATA_LIMIT_BYTES, path.child('data'))),
    ...checkNetworkData(device.networkData, path.child('networkData')),
  ];
}

function checkNetworkData(data: NetworkDeviceData | undefined, path: Path): FieldError[] {
  if (!data) return [];
  const long = (field: 'interfaceName' | 'hardwareAddress', limit: number): FieldError[] => (bytes(data[field] ?? '') > limit ? [tooLong(path.child(field), limit)] : []);
  return [
    ...long('interfaceName', INTERFACE_LIMIT_BYTES),
    ...long('hardwareAddress', HARDWARE_ADDRESS_LIMIT_BYTES),
    ...checkSet(data.ips, path.child('ips'), { limit: ADDRESSES_LIMIT, key: (address) => address, check: (address, here) => checkInterfaceAddress(here, address) }),
  ];
}
