/** The node address controller: gives each node its own block of the cluster's pod addresses. */
import { nodes } from '../api/resources.ts';
import type { Node } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { event, patch, subject } from './actions.ts';
import { watch, type Action, type Controller } from './controller.ts';
import { isDeleting } from './owners.ts';

export interface NodeIpamOptions {
  /** IPv4; `10.244.0.0/16` */
  readonly clusterCidr: string;
  /** The length of each node's prefix. */
  readonly nodeMaskSize: number;
  /** Nodes without a container runtime too: nobody there would use the addresses. */
  readonly everyNode?: boolean;
}

/** All nodes are one key: two blocks must never be chosen from the same picture by two decisions. */
const KEY = 'nodes';

export function nodeIpamController(options: NodeIpamOptions): Controller {
  const blocks = blocksOf(options);
  /** Nodes for which nothing was left, by uid: each is told once. */
  let told: ReadonlySet<string> = new Set();
  return {
    name: 'node-ipam-controller',
    account: 'node-controller',
    component: 'cidrAllocator',
    watches: [watch({ resource: nodes, keys: () => [KEY], matters: (before, after) => before.spec?.podCIDR !== after.spec?.podCIDR || hasRuntime(before) !== hasRuntime(after) })],
    reconcile(_, view) {
      const all = view.of(nodes).list();
      const used = new Set(all.flatMap((node) => cidrsOf(node)).flatMap((cidr) => blocks.indexesIn(cidr)));
      const actions: Action[] = [];
      const lacking = new Set<string>();
      let next = 0;
      for (const node of all) {
        if (cidrsOf(node).length > 0 || isDeleting(node) || !(options.everyNode || hasRuntime(node))) continue;
        while (used.has(next)) next++;
        if (next >= blocks.count) {
          const { name, uid } = node.metadata;
          lacking.add(uid);
          if (!told.has(uid)) actions.push(event(subject(nodes, node), 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`));
          continue;
        }
        const cidr = blocks.at(next);
        used.add(next);
        actions.push(patch(nodes, node.metadata, { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { podCIDR: cidr, podCIDRs: [cidr] } }));
      }
      told = lacking;
      return { actions };
    },
  };
}

function hasRuntime({ status }: Stored<Node>): boolean {
  return Boolean(status?.nodeInfo?.containerRuntimeVersion);
}

function cidrsOf(node: Stored<Node>): readonly string[] {
  return node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : []);
}

interface Blocks {
  readonly count: number;
  at(index: number): string;
  /** The blocks that a range touches. */
  indexesIn(cidr: string): number[];
}

function blocksOf({ clusterCidr, nodeMaskSize }: NodeIpamOptions): Blocks {
  const cluster = parseCidr(clusterCidr);
  if (!cluster || nodeMaskSize < cluster.length || nodeMaskSize > 32) throw new Error(`no /${nodeMaskSize} blocks in ${clusterCidr}: only IPv4 ranges larger than a block are supported`);
  const size = 2 ** (32 - nodeMaskSize);
  const count = 2 ** (nodeMaskSize - cluster.length);
  return {
    count,
    at: (index) => `${formatAddress(cluster.first + index * size)}/${nodeMaskSize}`,
    indexesIn(cidr) {
      const range = parseCidr(cidr);
      if (!range) return [];
      const from = Math.max(0, Math.floor((range.first - cluster.first) / size));
      const to = Math.min(count - 1, Math.floor((range.first + 2 ** (32 - range.length) - 1 - cluster.first) / size));
      return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
    },
  };
}

function parseCidr(text: string): { readonly first: number; readonly length: number } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!match) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, length = 0] = match.slice(1).map(Number);
  if ([a, b, c, d].some((octet) => octet > 255) || length > 32) return undefined;
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const size = 2 ** (32 - length);
  return { first: Math.floor(address / size) * size, length };
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
