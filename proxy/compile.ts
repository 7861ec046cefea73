/**
 * The proxy's waist: Services and EndpointSlices in, rules out, as data. Pure. `iptables.ts` renders rules and applies them
 * in one transaction, only where they changed; `run.ts` is the shell that watches.
 */
import type { EndpointSlice } from '../api/types/discovery.v1.ts';
import type { Service } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';

export interface ProxyNode {
  readonly name: string;
  readonly zone?: string;
  /** Addresses of the node, on which NodePorts answer. */
  readonly addresses: readonly string[];
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
  /** `namespace/name:port`, stable. */
  readonly id: string;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly clusterIp: string;
  readonly port: number;
  readonly nodePort?: number;
  readonly healthCheckNodePort?: number;
  /** externalIPs and load-balancer addresses; the latter with the sources that are let in (empty: all). */
  readonly external: readonly { readonly ip: string; readonly sources: readonly string[]; readonly loadBalancer: boolean }[];
  readonly affinitySeconds?: number;
  /** Where traffic from inside goes, and from outside; each empty list is a reject (or a drop for outside with `Local`). */
  readonly internal: readonly Backend[];
  readonly outside: readonly Backend[];
  readonly externalLocal: boolean;
  readonly internalLocal: boolean;
}

export interface Rules {
  readonly ports: readonly PortRule[];
  readonly node: ProxyNode;
}

export type Compile = (services: Iterable<Stored<Service>>, slices: Iterable<Stored<EndpointSlice>>, node: ProxyNode) => Rules;
