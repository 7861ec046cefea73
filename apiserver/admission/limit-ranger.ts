/** LimitRanger: fills in what a namespace's LimitRanges give by default, and refuses what lies outside of them. */
import type { Quantity } from '../../api/quantity.ts';
import { formatQuantity, milliValue } from '../../api/quantity.ts';
import { limitranges } from '../../api/resources.ts';
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Reader } from '../auth/reader.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import type { Amounts } from '../../api/quota/amounts.ts';
import { amountsOf } from '../../api/quota/amounts.ts';
import { podAmounts } from '../../api/quota/pod-amounts.ts';
import { isAbout, refused, together } from './refuse.ts';

export function limitRanger(reader: Reader): AdmissionPlugin {
  return {
    name: 'LimitRanger',
    handles(request) {
      if (request.old?.metadata.deletionTimestamp) return false;
      if (isAbout(request, 'pods', 'resize')) return request.operation === 'UPDATE';
      if (isAbout(request, 'pods')) return request.operation === 'CREATE';
      return isAbout(request, 'persistentvolumeclaims') && (request.operation === 'CREATE' || request.operation === 'UPDATE');
    },
    mutate(request) {
      if (request.kind.plural === 'pods') for (const range of reader.list(limitranges, request.namespace)) fillIn(request.object as unknown as Pod, range);
    },
    validate(request) {
      for (const range of reader.list(limitranges, request.namespace)) {
        const violations = (range.spec?.limits ?? []).flatMap((item) => check(request, item));
        if (violations.length > 0) throw refused(request, together(violations));
      }
    },
  };
}

function fillIn(pod: Pod, range: DeepReadonly<LimitRange>): void {
  const limits: Record<string, string> = {};
  const requests: Record<string, string> = {};
  for (const item of range.spec?.limits ?? []) {
    if (item.type !== 'Container') continue;
    Object.assign(requests, item.defaultRequest);
    Object.assign(limits, item.default);
  }
  const notes: string[] = [];
  for (const container of pod.spec?.containers ?? []) fillContainer(container, 'container', requests, limits, notes);
  for (const container of pod.spec?.initContainers ?? []) fillContainer(container, 'init container', requests, limits, notes);
  if (notes.length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, 'kubernetes.io/limit-ranger': `LimitRanger plugin set: ${notes.join('; ')}` };
}

function fillContainer(container: Container, kind: string, requests: Readonly<Record<string, string>>, limits: Readonly<Record<string, string>>, notes: string[]): void {
  for (const [side, values, word] of [['requests', requests, 'request'], ['limits', limits, 'limit']] as const) {
    const missing = Object.keys(values).filter((name) => container.resources?.[side]?.[name] === undefined).sort();
    if (missing.length === 0) continue;
    container.resources = { ...container.resources, [side]: { ...container.resources?.[side], ...Object.fromEntries(missing.map((name) => [name, values[name] as string])) } };
    notes.push(`${missing.join(', ')} ${word} for ${kind} ${container.name}`);
  }
}

function check(request: AdmissionRequest, item: DeepReadonly<LimitRangeItem>): string[] {
  if (request.kind.plural === 'persistentvolumeclaims') {
    if (item.type !== 'PersistentVolumeClaim') return [];
    const claim = amountsOf((request.object as unknown as PersistentVolumeClaim).spec?.resources?.requests);
    return [...least(item, claim, {}), ...mostRequested(item, claim)];
  }
  const { spec } = request.object as unknown as Pod;
  if (!spec) return [];
  if (item.type === 'Pod') return bounds(item, podAmounts(spec, 'requests', { overhead: false }), podAmounts(spec, 'limits', { overhead: false }));
  if (item.type !== 'Container') return [];
  return [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) => bounds(item, amountsOf(resources?.requests), amountsOf(resources?.limits)));
}

function bounds(item: DeepReadonly<LimitRangeItem>, requests: Amounts, limits: Amounts): string[] {
  return [...least(item, requests, limits), ...most(item, requests, limits), ...ratio(item, requests, limits)];
}

function least({ type, min }: DeepReadonly<LimitRangeItem>, requests: Amounts, limits: Amounts): string[] {
  return Object.entries(amountsOf(min)).flatMap(([name, bound]) => {
    const head = `minimum ${name} usage per ${type} is ${formatQuantity(bound)}`;
    const { [name]: request } = requests;
    const { [name]: limit } = limits;
    if (!request) return [`${head}.  No request is specified`];
    if (request.nano < bound.nano) return [`${head}, but request is ${formatQuantity(request)}`];
    return limit && limit.nano < bound.nano ? [`${head}, but limit is ${formatQuantity(limit)}`] : [];
  });
}

function most({ type, max }: DeepReadonly<LimitRangeItem>, requests: Amounts, limits: Amounts): string[] {
  return Object.entries(amountsOf(max)).flatMap(([name, bound]) => {
    const head = `maximum ${name} usage per ${type} is ${formatQuantity(bound)}`;
    const { [name]: request } = requests;
    const { [name]: limit } = limits;
    if (!limit) return [`${head}.  No limit is specified`];
    if (limit.nano > bound.nano) return [`${head}, but limit is ${formatQuantity(limit)}`];
    return request && request.nano > bound.nano ? [`${head}, but request is ${formatQuantity(request)}`] : [];
  });
}

function mostRequested({ type, max }: DeepReadonly<LimitRangeItem>, requests: Amounts): string[] {
  return Object.entries(amountsOf(max)).flatMap(([name, bound]) => {
    const head = `maximum ${name} usage per ${type} is ${formatQuantity(bound)}`;
    const { [name]: request } = requests;
    if (!request) return [`${head}.  No request is specified`];
    return request.nano > bound.nano ? [`${head}, but request is ${formatQuantity(request)}`] : [];
  });
}

function ratio({ type, maxLimitRequestRatio }: DeepReadonly<LimitRangeItem>, requests: Amounts, limits: Amounts): string[] {
  return Object.entries(amountsOf(maxLimitRequestRatio)).flatMap(([name, bound]) => {
    const head = `${name} max limit to request ratio per ${type} is ${formatQuantity(bound)}`;
    if (isNothing(requests[name])) return [`${head}, but no request is specified or request is 0`];
    if (isNothing(limits[name])) return [`${head}, but no limit is specified or limit is 0`];
    const found = milliValue(limits[name] as Quantity) / milliValue(requests[name] as Quantity);
    return found * 1000 > milliValue(bound) ? [`${head}, but provided ratio is ${found.toFixed(6)}`] : [];
  });
}

function isNothing(quantity: Quantity | undefined): boolean {
  return !quantity || quantity.nano === 0n;
}
