/**
 * What a Service leaves out and gets from its former self, from its type, or from the families of the cluster's ranges. Pure.
 * Provenance: pkg/registry/core/service/storage of v1.36.
 */
import { invalid, Path, type FieldError } from '../../api/field-error.ts';
import { checkAddresses } from '../../api/kinds/core/service-address-rules.ts';
import { needsClusterIP, needsHealthCheckPort } from '../../api/kinds/core/service-update.ts';
import type { ServiceSpec } from '../../api/types/core.v1.ts';
import { deepEqual } from '../../std/deep.ts';
import { familyOf, type Family } from './ip-range.ts';

const NONE = 'None';

/** Makes an update that leaves allocated values out mean the old ones. */
export function keepAllocated(spec: ServiceSpec, old: ServiceSpec): void {
  if (needsClusterIP(old) && needsClusterIP(spec)) {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if (!spec.clusterIPs?.length && old.clusterIPs?.length) spec.clusterIPs = [...old.clusterIPs];
  }
  if (allocatesNodePorts(old) && allocatesNodePorts(spec)) keepNodePorts(spec, old);
  if (needsHealthCheckPort(old) && needsHealthCheckPort(spec) && !spec.healthCheckNodePort && old.healthCheckNodePort) {
    spec.healthCheckNodePort = old.healthCheckNodePort;
  }
}

function keepNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const used = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort));
  const byName = new Map((old.ports ?? []).map(({ name, nodePort }) => [name ?? '', nodePort]));
  for (const port of spec.ports ?? []) {
    const before = byName.get(port.name ?? '');
    if (!port.nodePort && before && !used.has(before)) port.nodePort = before;
  }
}

/** `clusterIP` and `clusterIPs` say the same, whichever of them the client knows. */
export function alignAddresses(spec: ServiceSpec, old: ServiceSpec | undefined): void {
  if (!old) {
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
    return;
  }
  const sameList = deepEqual(spec.clusterIPs ?? [], old.clusterIPs ?? []);
  if (old.clusterIPs?.length && !spec.clusterIPs?.length && old.clusterIP === spec.clusterIP) spec.clusterIPs = [...old.clusterIPs];
  if ((old.clusterIP ?? '') === (spec.clusterIP ?? '') || !sameList) return;
  if (!spec.clusterIP) delete spec.clusterIPs;
  else spec.clusterIPs = [spec.clusterIP];
}

/** Sets the policy and the families; returns what contradicts them. `families` are the cluster's, the default one first. */
export function initFamilies(spec: ServiceSpec, old: ServiceSpec | undefined, families: readonly Family[]): FieldError[] {
  if (spec.type === 'ExternalName' || staysPreferred(spec, old)) return [];
  const loose = spec.clusterIP === NONE && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (loose ? 'RequireDualStack' : 'SingleStack');
  const errors = checkAddresses(spec, old);
  if (errors.length > 0) return errors;
  const conflicts = familyConflicts(spec, old);
  inferFamilies(spec, conflicts, families);
  if (conflicts.length > 0) return conflicts;
  const own = (spec.ipFamilies ??= []);
  const [first = 'IPv4'] = families;
  if (loose) {
    if (own.length === 0) own.push(first);
    if (own.length < 2 && spec.ipFamilyPolicy !== 'SingleStack') own.push(otherOf(own[0]));
    return [];
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && families.length < 2) {
    conflicts.push(invalid(Path.of('spec', 'ipFamilyPolicy'), spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  }
  for (const [at, family] of own.entries()) {
    if (!families.includes(family as Family)) conflicts.push(invalid(Path.of('spec', 'ipFamilies').index(at), family, 'not configured on this cluster'));
  }
  if (conflicts.length > 0) return conflicts;
  if (own.length === 0) own.push(first);
  if (spec.ipFamilyPolicy !== 'SingleStack' && own.length === 1 && families.length === 2) own.push(otherOf(own[0]));
  return [];
}

function otherOf(family: string | undefined): Family {
  return family === 'IPv4' ? 'IPv6' : 'IPv4';
}

/** Who prefers two families and has what the cluster could give keeps it, also when the cluster could give more by now. */
function staysPreferred(spec: ServiceSpec, old: ServiceSpec | undefined): boolean {
  if (!old || spec.type !== old.type || spec.ipFamilyPolicy !== 'PreferDualStack' || (old.ipFamilyPolicy ?? 'PreferDualStack') !== 'PreferDualStack') return false;
  return deepEqual(spec.clusterIPs ?? [], old.clusterIPs ?? []) && deepEqual(spec.ipFamilies ?? [], old.ipFamilies ?? []);
}

function familyConflicts(spec: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  const field = Path.of('spec', 'ipFamilyPolicy');
  const conflicts: FieldError[] = [];
  if (old && spec.ipFamilyPolicy === 'SingleStack') {
    if (deepEqual(old.clusterIPs, spec.clusterIPs) && (spec.clusterIPs?.length ?? 0) > 1) spec.clusterIPs = spec.clusterIPs?.slice(0, 1) ?? [];
    if (deepEqual(old.ipFamilies, spec.ipFamilies) && (spec.ipFamilies?.length ?? 0) > 1) spec.ipFamilies = spec.ipFamilies?.slice(0, 1) ?? [];
  } else if (old) {
    if (isReduced(old.clusterIPs, spec.clusterIPs)) conflicts.push(invalid(field, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP"));
    if (isReduced(old.ipFamilies, spec.ipFamilies)) conflicts.push(invalid(field, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary IP family"));
  }
  if (spec.ipFamilyPolicy === 'SingleStack') {
    const words = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
    if (spec.clusterIPs?.length === 2) conflicts.push(invalid(field, spec.ipFamilyPolicy, `${words} cluster IPs are specified`));
    if (spec.ipFamilies?.length === 2) conflicts.push(invalid(field, spec.ipFamilyPolicy, `${words} IP families are specified`));
  }
  return conflicts;
}

/** Of two the first was kept. */
function isReduced(old: readonly string[] = [], now: readonly string[] = []): boolean {
  return old.length === 2 && now.length === 1 && old[0] === now[0];
}

function inferFamilies(spec: ServiceSpec, conflicts: FieldError[], families: readonly Family[]): void {
  for (const [at, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === NONE) return;
    if (at < (spec.ipFamilies?.length ?? 0)) continue;
    const family = familyOf(address);
    if (!families.includes(family)) conflicts.push(invalid(Path.of('spec', 'clusterIPs').index(at), spec.clusterIPs, `${family} is not configured on this cluster`));
    else spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
  }
}

/** LoadBalancers may do without ports on nodes. */
export function allocatesNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

export function isHeadless(spec: ServiceSpec): boolean {
  return spec.clusterIPs?.[0] === NONE || spec.clusterIP === NONE;
}

export interface Holdings {
  readonly addresses: ReadonlySet<string>;
  readonly ports: ReadonlySet<number>;
}

/** The addresses and ports that a Service has. */
export function holdingsOf(spec: ServiceSpec | undefined): Holdings {
  const addresses = new Set<string>();
  const ports = new Set<number>();
  if (spec && spec.type !== 'ExternalName') {
    for (const address of spec.clusterIPs ?? []) if (address && address !== NONE) addresses.add(address);
  }
  if (spec?.type === 'NodePort' || spec?.type === 'LoadBalancer') {
    for (const { nodePort } of spec.ports ?? []) if (nodePort) ports.add(nodePort);
    if (needsHealthCheckPort(spec) && spec.healthCheckNodePort) ports.add(spec.healthCheckNodePort);
  }
  return { addresses, ports };
}
