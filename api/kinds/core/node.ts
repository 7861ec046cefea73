/** Nodes: what a kubelet says of its machine, and what people add to it. */
import { goQuote } from '../../go-quote.ts';
import { type FieldError, Path, duplicate, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { Node, NodeAddress, Taint } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text, wide } from '../shared/columns.ts';
import { labelValue } from '../shared/formats.ts';
import { checkLegacyCidr, cidrWarnings, isIPv6, parseCidr } from '../shared/ip-address.ts';
import { checkLabelKey } from '../shared/object-meta.ts';
import { checkAmount, positive } from '../shared/quantity-rules.ts';
import { roundUpToMilli } from '../shared/resource-list.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { splitStrategy } from '../shared/split-strategy.ts';

const POD_CIDRS = Path.of('spec', 'podCIDRs');

export const node = rulesFor<Node>({
  storagePath: 'minions',
  updates: 'all, then changes',
  defaults(object) {
    const { spec, status } = object;
    if (spec?.podCIDR && spec.podCIDR !== spec.podCIDRs?.[0]) spec.podCIDRs = [spec.podCIDR];
    else if (spec?.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0];
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
    roundUpToMilli(status?.capacity);
    roundUpToMilli(status?.allocatable);
  },
  strategy: splitStrategy<Node>({
    keepsStatusOnCreate: true,
    prepareForCreate(object) {
      delete object.spec?.configSource;
      delete object.status?.config;
    },
    prepareForUpdate(object, old) {
      if (!old.spec?.configSource) delete object.spec?.configSource;
    },
    prepareStatus(object, old) {
      if (!old.status?.config) delete object.status?.config;
    },
    validate: (object) => [
      ...checkTaints(object.spec?.taints ?? []),
      ...checkResources(object),
      ...checkSwap(object),
      ...checkFeatures(object.status?.declaredFeatures ?? []),
      ...checkPodCidrs(object.spec?.podCIDRs ?? []),
    ],
    validateUpdate: checkChanges,
    validateStatus: checkChanges,
    warnings: (object) => [
      ...(object.spec?.configSource ? ['spec.configSource: the feature is removed'] : []),
      ...(object.spec?.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
      ...(object.spec?.podCIDRs ?? []).flatMap((cidr, at) => cidrWarnings(POD_CIDRS.index(at), cidr)),
    ],
  }),
  columns: [
    NAME,
    text('Status', showStatus),
    text('Roles', (object) => roles(object).join(',') || '<none>'),
    AGE,
    text('Version', (object) => object.status?.nodeInfo?.kubeletVersion ?? ''),
    wide('Internal-IP', (object) => addressOf(object, 'InternalIP')),
    wide('External-IP', (object) => addressOf(object, 'ExternalIP')),
    wide('OS-Image', (object) => object.status?.nodeInfo?.osImage || '<unknown>'),
    wide('Kernel-Version', (object) => {
      const info = object.status?.nodeInfo;
      return `${info?.kernelVersion || '<unknown>'}${info?.architecture ? ` (${info.architecture})` : ''}`;
    }),
    wide('Container-Runtime', (object) => object.status?.nodeInfo?.containerRuntimeVersion || '<unknown>'),
  ],
  selectableFields: { 'spec.unschedulable': (object) => String(object.spec?.unschedulable ?? false) },
});

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function checkTaints(taints: readonly Taint[]): FieldError[] {
  const path = Path.of('metadata', 'taints');
  const seen = new Set<string>();
  return taints.flatMap((taint, at) => {
    const here = path.index(at);
    const errors = checkLabelKey(taint.key, here.child('key'));
    const wrong = labelValue(taint.value ?? '');
    if (wrong.length > 0) errors.push(invalid(here.child('value'), taint.value ?? '', wrong.join(';')));
    if (!taint.effect) errors.push(required(here.child('effect')));
    else if (!EFFECTS.includes(taint.effect)) errors.push(notSupported(here.child('effect'), taint.effect, EFFECTS));
    const key = `${taint.effect}/${taint.key}`;
    if (seen.has(key)) {
      const shown = { Key: taint.key, Value: taint.value ?? '', Effect: taint.effect, TimeAdded: taint.timeAdded ?? null };
      const error = duplicate(here, shown);
      errors.push({ ...error, message: `${error.message}: taints must be unique by key and effect pair` });
    }
    seen.add(key);
    return errors;
  });
}

function checkResources(object: Node): FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap((list) =>
    Object.entries(object.status?.[list] ?? {}).flatMap(([name, amount]) => checkAmount(name, amount, Path.of('status', list, name))),
  );
}

function checkSwap(object: Node): FieldError[] {
  const capacity = object.status?.nodeInfo?.swap?.capacity;
  return capacity === undefined ? [] : positive(capacity, Path.of('metadata', 'nodeSwapStatus', 'capacity'));
}

const FEATURE_LIMIT = 253;
const FEATURE = /^([A-Z][a-zA-Z0-9]*)(\/[a-zA-Z0-9]+)*$/;

function featureWrong(feature: string): string | undefined {
  if (feature.length > FEATURE_LIMIT) return `must be no more than ${FEATURE_LIMIT} characters`;
  if (FEATURE.test(feature)) return undefined;
  return "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";
}

function checkFeatures(features: readonly string[]): FieldError[] {
  const path = Path.of('status', 'declaredFeatures');
  return features.flatMap((feature, at) => {
    const next = features[at + 1];
    const why = featureWrong(feature);
    const errors = why === undefined ? [] : [invalid(path.index(at), feature, `invalid feature name ${goQuote(feature)}: ${why}`)];
    if (next === undefined || feature < next) return errors;
    return [...errors, feature === next ? duplicate(path.index(at + 1), next) : invalid(path.index(at + 1), next, 'list must be sorted alphabetically')];
  });
}

function checkPodCidrs(cidrs: readonly string[]): FieldError[] {
  const errors = cidrs.flatMap((cidr, at) => checkLegacyCidr(POD_CIDRS.index(at), cidr));
  const families = new Set(cidrs.map((cidr) => isIPv6(cidr.split('/')[0] ?? '')));
  const wrong = cidrs.findIndex((cidr) => !parseCidr(cidr));
  if (cidrs.length > 1 && wrong >= 0) {
    const why = `invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[${wrong}]: <nil> (invalid CIDR address: ${cidrs[wrong]})`;
    errors.push({ type: 'InternalError', field: POD_CIDRS.text, message: `Internal error: ${why}` });
  }
  if (cidrs.length > 1 && (wrong >= 0 || families.size < 2 || cidrs.length > 2)) {
    errors.push(invalid(POD_CIDRS, cidrs, 'may specify no more than one CIDR for each IP family'));
  }
  return errors;
}

function checkChanges(object: Node, old: Node): FieldError[] {
  const errors = [...checkResources(object), ...checkFeatures(object.status?.declaredFeatures ?? []), ...checkAddresses(object.status?.addresses ?? [])];
  const before = old.spec?.podCIDRs ?? [];
  const now = object.spec?.podCIDRs ?? [];
  const cidrChanges = before.length === 0 ? 0 : before.length === now.length ? before.filter((cidr, at) => cidr !== now[at]).length : 1;
  for (let n = 0; n < cidrChanges; n++) errors.push(forbiddenField(POD_CIDRS, 'node updates may not change podCIDR except from "" to valid'));
  if (old.spec?.providerID && old.spec.providerID !== object.spec?.providerID) {
    errors.push(forbiddenField(Path.of('spec', 'providerID'), 'node updates may not change providerID except from "" to valid'));
  }
  errors.push(...checkTaints(object.spec?.taints ?? []));
  if ((object.spec?.externalID ?? '') !== (old.spec?.externalID ?? '')) errors.push(forbiddenField(Path.of('spec', 'externalID'), 'may not be updated'));
  return errors;
}

function checkAddresses(addresses: readonly NodeAddress[]): FieldError[] {
  return addresses.flatMap((address, at) => {
    const again = addresses.slice(0, at).some((earlier) => semanticEqual(earlier, address));
    return again ? [duplicate(Path.of('status', 'addresses').index(at), { Type: address.type, Address: address.address })] : [];
  });
}

function showStatus(object: Node): string {
  const ready = object.status?.conditions?.find((condition) => condition.type === 'Ready');
  const status = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return object.spec?.unschedulable ? `${status},SchedulingDisabled` : status;
}

const ROLE_PREFIX = 'node-role.kubernetes.io/';

function roles(object: Node): string[] {
  const found = Object.entries(object.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(ROLE_PREFIX)) return [key.slice(ROLE_PREFIX.length)];
    return key === 'kubernetes.io/role' ? [value] : [];
  });
  return [...new Set(found.filter((role) => role !== ''))].sort();
}

function addressOf(object: Node, type: string): string {
  return object.status?.addresses?.find((address) => address.type === type)?.address ?? '<none>';
}
