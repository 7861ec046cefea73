/** The flags of the `coracle` command as its subcommands get them, and what they are when not given. */
import { InvalidArgumentError } from 'commander';
import type { AccessFlags } from './access-flags.ts';
import type { AdmissionFlags } from './admission-flags.ts';
import type { DiagnosticsFlags } from './diagnostics/flags.ts';
import type { ServingFlags } from './server-flags.ts';

export const COMPONENTS = ['apiserver', 'controllers', 'scheduler', 'kubelet', 'proxy'] as const;
export type ComponentName = (typeof COMPONENTS)[number];

export interface ApiServerFlags extends ServingFlags, AccessFlags, AdmissionFlags {
  /** What else runs in this process. */
  readonly components?: readonly ComponentName[];
  readonly dataDir?: string;
  readonly port?: number;
  readonly bindAddress?: string;
  readonly kubeconfig?: string;
  readonly store?: 'sqlite' | 'etcd' | 'memory';
  readonly etcdServers?: string;
  readonly etcdCafile?: string;
  readonly etcdCertfile?: string;
  readonly etcdKeyfile?: string;
  readonly etcdPrefix?: string;
  readonly serviceClusterIpRange?: string;
  readonly advertiseAddress?: string;
  readonly serverThreads?: number | 'auto';
  readonly encryptionProviderConfig?: string;
  readonly encryptionProviderConfigAutomaticReload?: boolean;
}

export interface UpFlags extends ApiServerFlags {
  readonly runtime?: 'auto' | 'cri' | 'hollow' | 'none';
  readonly criSocket?: string;
  readonly hollowNodes?: number;
  readonly hollowRules?: string;
  readonly schedulerConfig?: string;
  readonly nodeName?: string;
  readonly evictionHard?: Readonly<Record<string, string>>;
  readonly ephemeral?: boolean;
}

export interface ComponentFlags extends DiagnosticsFlags {
  readonly kubeconfig: string;
  readonly leaderElect?: boolean;
  /** Of the scheduler: the file of its configuration. */
  readonly config?: string;
  readonly nodeName?: string;
  readonly dataDir?: string;
  readonly runtime?: 'auto' | 'cri' | 'hollow';
  readonly criSocket?: string;
  readonly port?: number;
  readonly nodeIp?: string;
  readonly evictionHard?: Readonly<Record<string, string>>;
}

export const DEFAULT_PORT = 6443;
export const KUBELET_PORT = 10250;
export const SERVICE_CIDR = '10.96.0.0/16';
export const POD_CIDR = '10.244.0.0/16';
/** The tenth address of the Service range, as everywhere. */
export const DNS_ADDRESS = '10.96.0.10';
export const CLUSTER_DOMAIN = 'cluster.local';

export function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.');
  return port;
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it must be a whole number.');
  return Number(text);
}

/** `memory.available<100Mi,nodefs.available<10%`; which signals there are, the kubelet knows. */
export function thresholds(text: string): Readonly<Record<string, string>> {
  const parts = text.split(',').filter((part) => part !== '').map((part) => /^\s*([a-zA-Z.]+)<([0-9][0-9a-zA-Z.]*%?)\s*$/.exec(part));
  if (parts.includes(null)) throw new InvalidArgumentError('it must be like memory.available<100Mi,nodefs.available<10%.');
  return Object.fromEntries(parts.map((part) => [part?.[1], part?.[2]]) as [string, string][]);
}

/** A number, or as many as there is work for. */
export function threadCount(text: string): number | 'auto' {
  return text === 'auto' ? text : wholeNumber(text);
}

export function componentList(text: string): ComponentName[] {
  const names = text.split(',').map((name) => name.trim()).filter(Boolean);
  for (const name of names) {
    if (!(COMPONENTS as readonly string[]).includes(name)) throw new InvalidArgumentError(`there is no component ${JSON.stringify(name)}; there are ${COMPONENTS.join(', ')}.`);
  }
  return names as ComponentName[];
}
