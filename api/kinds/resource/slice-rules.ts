/** The devices that a driver offers. Provenance: pkg/apis/resource/validation of v1.36. */
import { type FieldError, Path, invalid, notFoundValue, notSupported, required, tooLong } from '../../field-error.ts';
import { canonicalQuantity, parseQuantity } from '../../quantity.ts';
import type { NodeSelector } from '../../types/core.v1.ts';
import type { CounterSet, Device, DeviceAttribute, DeviceCapacity, DeviceCounterConsumption, DeviceTaint, NodeAllocatableResourceMapping, ResourceSlice, ResourceSliceSpec } from '../../types/resource.v1.ts';
import { checkNodeSelector } from '../shared/affinity-rules.ts';
import { bytes, dnsSubdomain, labelValue } from '../shared/formats.ts';
import { checkLabelKey, immutable } from '../shared/object-meta.ts';
import { isNativeResource } from '../shared/resource-list.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { isDnsLabel } from '../shared/text-rules.ts';
import { checkDriverName } from '../shared/volume-rules.ts';
import { checkBinding } from './allocation-rules.ts';
import { checkMultiCapacity, checkSingleCapacity } from './capacity-rules.ts';
import { EFFECTS } from './claim-rules.ts';
import { checkDeviceKey, checkItems, checkMap, checkPoolName, checkSet } from './device-names.ts';

const SPEC = Path.of('spec');
const DEVICES_LIMIT = 128;
/** Where devices have taints, share counters or have lists as attributes. */
const RICH_DEVICES_LIMIT = 64;
const COUNTER_SETS_LIMIT = 8;
const COUNTERS_LIMIT = 32;
const CONSUMPTIONS_LIMIT = 2;
const TAINTS_LIMIT = 16;
const FACTS_LIMIT = 32;
const VALUES_LIMIT = 48;
const VALUE_LIMIT_BYTES = 64;
const LABEL_LIMIT_BYTES = 63;

export function validateSlice({ spec }: ResourceSlice, old?: ResourceSlice): FieldError[] {
  const before = old?.spec;
  const driver = SPEC.child('driver');
  const pool = SPEC.child('pool');
  const errors = [...checkDriverName(spec?.driver ?? '', driver), ...checkPoolName(spec?.pool?.name ?? '', pool.child('name'))];
  const { resourceSliceCount: count = 0, generation = 0 } = spec?.pool ?? {};
  if (count <= 0) errors.push(invalid(pool.child('resourceSliceCount'), count, 'must be greater than zero'));
  if (generation < 0) errors.push(invalid(pool.child('generation'), generation, 'must be greater than or equal to zero'));
  if (!spec) return errors;
  if (before) {
    errors.push(...immutable(spec.pool?.name ?? '', before.pool?.name ?? '', pool.child('name')));
    errors.push(...immutable(spec.driver ?? '', before.driver ?? '', driver), ...immutable(spec.nodeName, before.nodeName, SPEC.child('nodeName')));
  }
  errors.push(...checkPlace(spec));
  if (spec.sharedCounters && spec.devices) errors.push(invalid(SPEC, '', 'only one of `sharedCounters` or `devices` is allowed'));
  const check = (device: Device, path: Path): FieldError[] => checkDevice(device, before?.devices?.find(({ name }) => name === device.name), spec, path);
  return [
    ...errors,
    ...checkSet(spec.devices, SPEC.child('devices'), { limit: isRich(spec) ? RICH_DEVICES_LIMIT : DEVICES_LIMIT, key: ({ name }) => name, check }),
    ...checkSet(spec.sharedCounters, SPEC.child('sharedCounters'), { limit: COUNTER_SETS_LIMIT, key: ({ name }) => name, check: checkCounterSet }),
  ];
}

function checkPlace(spec: ResourceSliceSpec): FieldError[] {
  const why = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  const given: string[] = [];
  const errors: FieldError[] = [];
  if (spec.nodeName === '') errors.push(invalid(SPEC.child('nodeName'), '', 'must be either unset or set to a non-empty string'));
  else if (spec.nodeName !== undefined) {
    given.push('`nodeName`');
    errors.push(...checkNodeName(spec.nodeName, SPEC.child('nodeName')));
  }
  if (spec.nodeSelector) {
    given.push('`nodeSelector`');
    errors.push(...checkNodeSelector(spec.nodeSelector as NodeSelector, SPEC.child('nodeSelector')));
    const terms = spec.nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1) errors.push(invalid(SPEC.child('nodeSelector', 'nodeSelectorTerms'), spec.nodeSelector.nodeSelectorTerms ? shownTerms(terms) : null, 'must have exactly one node selector term'));
  }
  for (const field of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[field]) given.push(`\`${field}\``);
    else if (spec[field] === false) errors.push(invalid(SPEC.child(field), false, 'must be either unset or set to true'));
  }
  if (given.length === 0) return [...errors, required(SPEC, why)];
  return given.length === 1 ? errors : [...errors, invalid(SPEC, `{${given.join(', ')}}`, `${why}, but multiple fields are set`)];
}

function shownTerms(terms: NodeSelector['nodeSelectorTerms']): unknown {
  const shown = (list: readonly { key: string; operator: string; values?: string[] }[] | undefined): unknown =>
    list?.map(({ key, operator, values }) => ({ Key: key, Operator: operator, Values: values ?? null })) ?? null;
  return terms.map(({ matchExpressions, matchFields }) => ({ MatchExpressions: shown(matchExpressions), MatchFields: shown(matchFields) }));
}

function checkNodeName(name: string, path: Path): FieldError[] {
  return dnsSubdomain(name).map((why) => invalid(path, name, why));
}

function isRich({ devices = [] }: ResourceSliceSpec): boolean {
  const lists = ({ bools, ints, strings, versions }: DeviceAttribute): boolean => [bools, ints, strings, versions].some((list) => list !== undefined);
  return devices.some(({ taints, consumesCounters, attributes }) => taints?.length || consumesCounters?.length || Object.values(attributes ?? {}).some(lists));
}

function checkCounterSet({ name, counters }: CounterSet, path: Path): FieldError[] {
  return [...checkCounterName(name, path.child('name')), ...checkCounters(counters, path.child('counters'))];
}

function checkConsumption({ counterSet, counters }: DeviceCounterConsumption, path: Path): FieldError[] {
  return [...checkCounterName(counterSet, path.child('counterSet')), ...checkCounters(counters, path.child('counters'))];
}

function checkCounterName(name: string, path: Path): FieldError[] {
  return name ? isDnsLabel(name, path) : [required(path)];
}

function checkCounters(counters: Readonly<Record<string, unknown>> | undefined, path: Path): FieldError[] {
  if (Object.keys(counters ?? {}).length === 0) return [required(path)];
  return checkMap(counters, path, { limit: COUNTERS_LIMIT, keyLimit: LABEL_LIMIT_BYTES, checkKey: isDnsLabel, check: () => [] });
}

function checkDevice(device: Device, old: Device | undefined, spec: ResourceSliceSpec, path: Path): FieldError[] {
  const { attributes = {}, capacity = {} } = device;
  const errors = isDnsLabel(device.name ?? '', path.child('name'));
  const facts = Object.keys(attributes).length + Object.keys(capacity).length;
  if (facts > FACTS_LIMIT) errors.push(invalid(path, facts, `the total number of attributes and capacities must not exceed ${FACTS_LIMIT}`));
  const values = Object.values(attributes).reduce((sum, { bools = [], ints = [], strings = [], versions = [] }) => sum + Math.max(1, bools.length + ints.length + strings.length + versions.length), 0);
  if (values > VALUES_LIMIT) errors.push(invalid(path, values, `the total number of attribute values must not exceed ${VALUES_LIMIT}`));
  const checkCapacity: (capacity: DeviceCapacity, path: Path) => FieldError[] = device.allowMultipleAllocations ? checkMultiCapacity : checkSingleCapacity;
  return [
    ...errors,
    ...checkMap(attributes, path.child('attributes'), { checkKey: checkDeviceKey, check: checkAttribute }),
    ...checkMap(capacity, path.child('capacity'), { checkKey: checkDeviceKey, check: checkCapacity }),
    ...(old && semanticEqual(old.taints ?? [], device.taints ?? []) ? [] : checkItems(device.taints, TAINTS_LIMIT, path.child('taints'), checkTaint)),
    ...checkSet(device.consumesCounters, path.child('consumesCounters'), { limit: CONSUMPTIONS_LIMIT, key: ({ counterSet }) => counterSet, check: checkConsumption }),
    ...checkOwnPlace(device, spec.perDeviceNodeSelection ?? false, path),
    ...checkBinding(device.bindingConditions, device.bindingFailureConditions, path),
    ...checkMappings(device, path.child('nodeAllocatableResourceMappings')),
  ];
}

function checkOwnPlace(device: Device, isOwn: boolean, path: Path): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!isOwn) {
    const none = nodeName === undefined && !nodeSelector && allNodes === undefined;
    return none ? [] : [invalid(path, null, '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec')];
  }
  const why = 'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  const given = [...(nodeName ? ['`nodeName`'] : []), ...(nodeSelector ? ['`nodeSelector`'] : []), ...(allNodes ? ['`allNodes`'] : [])];
  const errors = nodeName === undefined ? [] : nodeName === '' ? [invalid(path.child('nodeName'), '', 'must not be empty')] : checkNodeName(nodeName, path.child('nodeName'));
  if (nodeSelector) errors.push(...checkNodeSelector(nodeSelector as NodeSelector, path.child('nodeSelector')));
  if (allNodes === false) errors.push(invalid(path.child('allNodes'), false, 'must be either unset or set to true'));
  if (given.length === 0) return [...errors, required(path, why)];
  return given.length === 1 ? errors : [...errors, invalid(path, `{${given.join(', ')}}`, why)];
}

const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

function checkAttribute(attribute: DeviceAttribute, path: Path): FieldError[] {
  const { int, bool, string, version, ints, bools, strings, versions } = attribute;
  const given = [bool, int, string, version, bools, ints, strings, versions].filter((value) => value !== undefined).length;
  const errors = [
    ...(string === undefined ? [] : checkText(string, path.child('string'))),
    ...(version === undefined ? [] : checkVersion(version, path.child('version'))),
    ...(strings ?? []).flatMap((text, at) => checkText(text, path.child('strings').index(at))),
    ...(versions ?? []).flatMap((text, at) => checkVersion(text, path.child('versions').index(at))),
  ];
  if (given === 1) return errors;
  return [...errors, invalid(path, given === 0 ? '' : shownAttribute(attribute), 'exactly one value must be specified')];
}

function shownAttribute({ int, bool, string, version, ints, bools, strings, versions }: DeviceAttribute): unknown {
  return {
    IntValue: int ?? null, BoolValue: bool ?? null, StringValue: string ?? null, VersionValue: version ?? null,
    IntValues: ints ?? null, BoolValues: bools ?? null, StringValues: strings ?? null, VersionValues: versions ?? null,
  };
}

function checkText(text: string, path: Path): FieldError[] {
  return bytes(text) > VALUE_LIMIT_BYTES ? [tooLong(path, VALUE_LIMIT_BYTES)] : [];
}

function checkVersion(text: string, path: Path): FieldError[] {
  return [...(SEMVER.test(text) ? [] : [invalid(path, text, 'must be a string compatible with semver.org spec 2.0.0')]), ...checkText(text, path)];
}

function checkTaint({ key, value, effect }: DeviceTaint, path: Path): FieldError[] {
  const errors = [...checkLabelKey(key ?? '', path.child('key')), ...(value ? labelValue(value).map((why) => invalid(path.child('value'), value, why)) : [])];
  if (!effect) return [...errors, required(path.child('effect'))];
  return EFFECTS.includes(effect) ? errors : [...errors, notSupported(path.child('effect'), effect, EFFECTS)];
}

function checkMappings({ nodeAllocatableResourceMappings: mappings, capacity }: Device, path: Path): FieldError[] {
  return Object.entries(mappings ?? {}).flatMap(([name, mapping]) => [
    ...(isNativeResource(name) ? [] : [invalid(path.key(name), name, 'must be a node allocatable resource name')]),
    ...checkMapping(mapping, capacity, path.key(name)),
  ]);
}

function checkMapping({ capacityKey, allocationMultiplier }: NodeAllocatableResourceMapping, capacity: Device['capacity'], path: Path): FieldError[] {
  if (capacityKey === undefined && allocationMultiplier === undefined) return [invalid(path, '', 'at least one of allocationMultiplier or capacityKey must be set')];
  const errors: FieldError[] = [];
  const multiplier = allocationMultiplier === undefined ? undefined : parseQuantity(String(allocationMultiplier));
  if (multiplier && multiplier.nano <= 0n) errors.push(invalid(path.child('allocationMultiplier'), canonicalQuantity(String(allocationMultiplier)), 'must be positive'));
  if (capacityKey === undefined) return errors;
  const here = path.child('capacityKey');
  if (capacityKey === '') return [...errors, invalid(here, '', 'capacityKey must not be an empty string')];
  return capacity?.[capacityKey] === undefined ? [...errors, notFoundValue(here, capacityKey)] : errors;
}
