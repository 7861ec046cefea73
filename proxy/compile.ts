/**
 * The proxy's waist: Services and EndpointSlices in, rules out, as data. Pure. `iptables.ts` renders rules and applies them
 * in one transaction, only where they changed; `run.ts` is the shell that watches.
 */
import type { Service, ServicePort } from '../api/types/core.v1.ts';
import type { Endpoint, EndpointSlice } from '../api/types/discovery.v1.ts';
import type { Stored } from '../client/client.ts';
import type { DeepReadonly } from '../std/deep.ts';

export interface ProxyNode {
  readonly name: string;
  readonly zone?: string;
  /** Pod addresses of the cluster; traffic from elsewhere to a ClusterIP is masqueraded. */
  readonly podCidrs: readonly string[];
}

export type Protocol = 'tcp' | 'udp' | 'sctp';
export type Family = 'ipv4' | 'ipv6';

export interface Backend {
  readonly ip: string;
  readonly port: number;
  /** On this node: for `Local` traffic policies. */
  readonly local: boolean;
}

/** One Service port in one address family. */
export interface PortRule {
  /** `namespace/name:port/protocol`, stable and unique within a family. */
  readonly id: string;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly clusterIp: string;
  readonly port: number;
  readonly nodePort?: number;
  /** externalIPs and load-balancer addresses; the latter with the sources that are let in (empty: all). */
  readonly external: readonly { readonly ip: string; readonly sources: readonly string[] }[];
  readonly affinitySeconds?: number;
  /** Where traffic from inside goes; nowhere means: reject. */
  readonly internal: readonly Backend[];
  /** Where traffic from outside goes; nowhere means: reject, or drop where backends are elsewhere (`Local`, `anywhere`). */
  readonly outside: readonly Backend[];
  readonly externalLocal: boolean;
  readonly anywhere: boolean;
}

export interface Rules {
  readonly ports: readonly PortRule[];
  readonly node: ProxyNode;
}

/** Services that another proxy serves carry the first label; headless ones of old style the second. */
const OTHER_PROXY = 'service.kubernetes.io/service-proxy-name';
const HEADLESS = 'service.kubernetes.io/headless';
const SERVICE_NAME = 'kubernetes.io/service-name';

type Slice = Stored<EndpointSlice>;
type Hints = DeepReadonly<NonNullable<Endpoint['hints']>>;
type SlicePort = NonNullable<Slice['ports']>[number];

export function compile(services: Iterable<Stored<Service>>, slices: Iterable<Slice>, node: ProxyNode): Rules {
  const byService = new Map<string, Slice[]>();
  for (const slice of slices) {
    const key = `${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME] ?? ''}`;
    byService.set(key, [...(byService.get(key) ?? []), slice]);
  }
  const ports: PortRule[] = [];
  for (const service of services) {
    if (!isProxied(service)) continue;
    const own = byService.get(`${service.metadata.namespace}/${service.metadata.name}`) ?? [];
    for (const clusterIp of service.spec.clusterIPs ?? [service.spec.clusterIP ?? '']) {
      for (const port of service.spec.ports ?? []) ports.push(rule(service, port, clusterIp, own, node));
    }
  }
  return { ports, node };
}

function isProxied({ metadata, spec }: Stored<Service>): boolean {
  if (spec.type === 'ExternalName' || !spec.clusterIP || spec.clusterIP === 'None') return false;
  return metadata.labels?.[OTHER_PROXY] === undefined && metadata.labels?.[HEADLESS] === undefined;
}

function rule(service: Stored<Service>, port: DeepReadonly<ServicePort>, clusterIp: string, slices: readonly Slice[], node: ProxyNode): PortRule {
  const { spec, metadata } = service;
  const family: Family = clusterIp.includes(':') ? 'ipv6' : 'ipv4';
  const protocol = (port.protocol ?? 'TCP').toLowerCase() as Protocol;
  const all = backends(slices, port, family, node);
  const local = all.filter((backend) => backend.local);
  const externalLocal = spec.externalTrafficPolicy === 'Local';
  const sources = (spec.loadBalancerSourceRanges ?? []).filter((range) => range.includes(':') === (family === 'ipv6'));
  const addresses = [
    ...(spec.externalIPs ?? []).map((ip) => ({ ip, sources: [] })),
    ...(service.status?.loadBalancer?.ingress ?? []).filter((i) => i.ip && i.ipMode !== 'Proxy').map((i) => ({ ip: i.ip as string, sources })),
  ].filter(({ ip }) => ip.includes(':') === (family === 'ipv6'));
  return {
    id: `${metadata.namespace}/${metadata.name}${port.name ? `:${port.name}` : ''}/${protocol}/${port.port}`,
    family,
    protocol,
    clusterIp,
    port: port.port,
    ...(port.nodePort && { nodePort: port.nodePort }),
    external: addresses,
    ...(spec.sessionAffinity === 'ClientIP' && { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800 }),
    internal: spec.internalTrafficPolicy === 'Local' ? local : nearby(all, slices, node, family),
    outside: externalLocal ? local : nearby(all, slices, node, family),
    externalLocal,
    anywhere: all.length > 0,
  };
}

/** Ready backends; where there is none, those that end but still serve. */
function backends(slices: readonly Slice[], port: DeepReadonly<ServicePort>, family: Family, node: ProxyNode): Backend[] {
  const ready = new Map<string, Backend>();
  const ending = new Map<string, Backend>();
  for (const slice of slices) {
    if (slice.addressType.toLowerCase() !== family) continue;
    for (const target of slice.ports ?? []) {
      if (!target.port || !isTarget(target, port)) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const ip = endpoint.addresses[0];
        if (!ip) continue;
        const backend: Backend = { ip, port: target.port, local: endpoint.nodeName === node.name };
        if (endpoint.conditions?.ready !== false) ready.set(`${ip} ${target.port}`, backend);
        else if (endpoint.conditions.serving && endpoint.conditions.terminating) ending.set(`${ip} ${target.port}`, backend);
      }
    }
  }
  const chosen = ready.size > 0 ? ready : ending;
  return [...chosen.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, backend]) => backend);
}

function isTarget(target: DeepReadonly<SlicePort>, port: DeepReadonly<ServicePort>): boolean {
  return (target.name ?? '') === (port.name ?? '') && (target.protocol ?? 'TCP') === (port.protocol ?? 'TCP');
}

/** Backends that the slices' hints keep for this node or zone; all, unless every backend has a hint and some are for us. */
function nearby(all: Backend[], slices: readonly Slice[], node: ProxyNode, family: Family): Backend[] {
  const hints = new Map<string, Hints>();
  for (const slice of slices) {
    if (slice.addressType.toLowerCase() !== family) continue;
    for (const { addresses, hints: own } of slice.endpoints ?? []) if (own && addresses[0]) hints.set(addresses[0], own);
  }
  if (hints.size === 0) return all;
  const kept = (isOurs: (hint: Hints) => boolean | undefined): Backend[] | undefined => {
    const verdicts = all.map(({ ip }) => isOurs(hints.get(ip) ?? {}));
    if (verdicts.includes(undefined) || !verdicts.includes(true)) return undefined;
    return all.filter((_, i) => verdicts[i]);
  };
  return kept((hint) => hint.forNodes?.some(({ name }) => name === node.name)) ?? kept((hint) => (node.zone ? hint.forZones?.some(({ name }) => name === node.zone) : undefined)) ?? all;
}
