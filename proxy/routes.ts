/** Ways to the pods of other nodes: one for each range of addresses, by the node that has it. Pure; `route-table.ts` puts them into the kernel. */
import type { Node } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Family } from './compile.ts';

export interface PodRoute {
  readonly family: Family;
  /** `10.244.1.0/24` */
  readonly to: string;
  readonly via: string;
}

/** `own`: this machine's addresses. None to nodes that have no range yet, and none to this machine's, as simulated nodes are. */
export function routesToPods(nodes: readonly Stored<Node>[], own: ReadonlySet<string>): readonly PodRoute[] {
  return nodes.flatMap((node) =>
    rangesOf(node).flatMap((to) => {
      const family = familyOf(to);
      const via = addressesOf(node).find((address) => familyOf(address) === family);
      return via === undefined || own.has(via) || isLoopback(via) ? [] : [{ family, to, via }];
    }),
  );
}

/** Whether a change of a node can change routes; heartbeats do not. */
export function movesRoutes(before: Stored<Node>, after: Stored<Node>): boolean {
  return [rangesOf(before), addressesOf(before)].join() !== [rangesOf(after), addressesOf(after)].join();
}

function rangesOf({ spec }: Stored<Node>): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
}

function addressesOf({ status }: Stored<Node>): readonly string[] {
  return (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
}

function familyOf(text: string): Family {
  return text.includes(':') ? 'ipv6' : 'ipv4';
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
