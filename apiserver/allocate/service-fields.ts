/**
 * What a Service leaves out and gets from its former self, from its type, or from a single-stack cluster of IPv4. Pure.
 * Provenance: pkg/registry/core/service/storage of v1.36.
 */
import { invalid, Path, type FieldError } from '../../api/field-error.ts';
import { checkAddresses } from '../../api/kinds/core/service-address-rules.ts';
import { needsClusterIP, needsHealthCheckPort } from '../../api/kinds/core/service-update.ts';
import type { ServiceSpec } from '../../api/types/core.v1.ts';
import { deepEqual } from '../../std/deep.ts';

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

/** Sets the policy and the families; returns what contradicts them. */
export function initFamilies(spec: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const loose = spec.clusterIP === NONE && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (loose ? 'RequireDualStack' : 'SingleStack');
  const errors = checkAddresses(spec, old);
  if (errors.length > 0) return errors;
  const conflicts = familyConflicts(spec, old);
  inferFamilies(spec, conflicts);
  if (conflicts.length > 0) return conflicts;
  const families = (spec.ipFamilies ??= []);
  if (loose) {
    if (families.length === 0) families.push('IPv4');
    if (families.length < 2 && spec.ipFamilyPolicy !== 'SingleStack') families.push(families[0] === 'IPv4' ? 'IPv6' : 'IPv4');
    return [];
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack') {
    conflicts.push(invalid(Path.of('spec', 'ipFamilyPolicy'), spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  }
  for (const [at, family] of families.entries()) {
    if (family !== 'IPv4') conflicts.push(invalid(Path.of('spec', 'ipFamilies').index(at), family, 'not configured on this cluster'));
  }
  if (conflicts.length === 0 && families.length === 0) families.push('IPv4');
  return conflicts;
}

function familyConflicts(spec: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  const field = Path.of('spec', 'ipFamilyPolicy');
  const conflicts: FieldError[] = [];
  if (old && spec.ipFamilyPolicy === 'SingleStack') {
    if (deepEqual(old.clusterIPs, spec.clusterIPs) && (spec.clusterIPs?.length ?? 0) > 1) spec.clusterIPs = spec.clusterIPs?.slice(0, 1) ?? [];
    if (deepEqual(old.ipFamilies, spec.ipFamilies) && (spec.ipFamilies?.length ?? 0) > 1) spec.ipFamilies = spec.ipFamilies?.slice(0, 1) ?? [];
  }
  if (spec.ipFamilyPolicy === 'SingleStack') {
    const words = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
    if (spec.clusterIPs?.length === 2) conflicts.push(invalid(field, spec.ipFamilyPolicy, `${words} cluster IPs are specified`));
    if (spec.ipFamilies?.length === 2) conflicts.push(invalid(field, spec.ipFamilyPolicy, `${words} IP families are specified`));
  }
  return conflicts;
}

function inferFamilies(spec: ServiceSpec, conflicts: FieldError[]): void {
  for (const [at, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === NONE) return;
    if (at < (spec.ipFamilies?.length ?? 0)) continue;
    if (address.includes(':')) conflicts.push(invalid(Path.of('spec', 'clusterIPs').index(at), spec.clusterIPs, 'IPv6 is not configured on this cluster'));
    else spec.ipFamilies = [...(spec.ipFamilies ?? []), 'IPv4'];
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
