/** Programs of the distribution that real containers need: finds them, and installs what is missing where that is possible and allowed. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program and the Debian package that brings it. */
interface Component {
  readonly package: string;
  /** Where it may lie besides PATH. */
  readonly folders: readonly string[];
}

const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/local/bin'];
const CNI_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin'];

const COMPONENTS = {
  containerd: { package: 'containerd', folders: SYSTEM_FOLDERS },
  ctr: { package: 'containerd', folders: SYSTEM_FOLDERS },
  runc: { package: 'runc', folders: SYSTEM_FOLDERS },
  iptables: { package: 'iptables', folders: SYSTEM_FOLDERS },
  'iptables-restore': { package: 'iptables', folders: SYSTEM_FOLDERS },
  ip: { package: 'iproute2', folders: SYSTEM_FOLDERS },
  conntrack: { package: 'conntrack', folders: SYSTEM_FOLDERS },
  bridge: { package: 'containernetworking-plugins', folders: CNI_FOLDERS },
  'host-local': { package: 'containernetworking-plugins', folders: CNI_FOLDERS },
  portmap: { package: 'containernetworking-plugins', folders: CNI_FOLDERS },
  busybox: { package: 'busybox-static', folders: SYSTEM_FOLDERS },
  etcd: { package: 'etcd-server', folders: SYSTEM_FOLDERS },
  'docker-registry': { package: 'docker-registry', folders: SYSTEM_FOLDERS },
  nft: { package: 'nftables', folders: SYSTEM_FOLDERS },
  curl: { package: 'curl', folders: SYSTEM_FOLDERS },
  kubectl: { package: 'kubernetes-client', folders: SYSTEM_FOLDERS },
} as const satisfies Record<string, Component>;

export type ComponentName = keyof typeof COMPONENTS;

/** What a node with real containers needs, and what the tests need besides. */
export const NODE_COMPONENTS = ['containerd', 'ctr', 'runc', 'iptables', 'iptables-restore', 'ip', 'conntrack', 'bridge', 'host-local', 'portmap', 'busybox'] as const satisfies readonly ComponentName[];
export const TEST_COMPONENTS = [...NODE_COMPONENTS, 'etcd', 'docker-registry', 'nft', 'curl', 'kubectl'] as const satisfies readonly ComponentName[];

/** CNI plugins share names with other programs, so they are looked for in their own folders only. */
export function find(name: ComponentName): string | undefined {
  const component: Component = COMPONENTS[name];
  const path = component.folders === CNI_FOLDERS ? [] : (process.env.PATH ?? '').split(delimiter);
  return [...path, ...component.folders].map((folder) => join(folder, name)).find(isExecutable);
}

export function missing(names: readonly ComponentName[]): ComponentName[] {
  return names.filter((name) => find(name) === undefined);
}

export function packagesFor(names: readonly ComponentName[]): string[] {
  return [...new Set(names.map((name) => COMPONENTS[name].package))].sort();
}

export type Setup = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** Makes sure of the components: installs missing ones from the distribution's packages, as root, unless `CORACLE_INSTALL=no`. */
export function ensure(names: readonly ComponentName[], say: (line: string) => void): Setup {
  const absent = missing(names);
  if (absent.length === 0) return { ok: true };
  const packages = packagesFor(absent);
  const byHand = `install them with: apt-get install ${packages.join(' ')}`;
  if (process.env.CORACLE_INSTALL === 'no') return { ok: false, why: `${absent.join(', ')} missing and CORACLE_INSTALL=no; ${byHand}` };
  if (process.getuid?.() !== 0) return { ok: false, why: `${absent.join(', ')} missing and only root can install; ${byHand}` };
  if (!existsSync('/usr/bin/apt-get')) return { ok: false, why: `${absent.join(', ')} missing and this system has no apt-get; install what provides them` };
  say(`installing ${packages.join(', ')} from the distribution's packages (CORACLE_INSTALL=no declines)`);
  const problem = install(packages);
  const left = missing(names);
  if (left.length === 0) return { ok: true };
  return { ok: false, why: `${left.join(', ')} still missing after the installation${problem ? ` (${problem})` : ''}; ${byHand}` };
}

/** The packages' own services are not started: Coracle runs its own instances. */
const POLICY = '/usr/sbin/policy-rc.d';

function install(packages: readonly string[]): string | undefined {
  const ours = !existsSync(POLICY);
  if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const install = ['install', '-y', '-q', '--no-install-recommends', ...packages];
    if (apt(install) === undefined) return undefined;
    return apt(['update', '-q']) ?? apt(install);
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}

function apt(args: readonly string[]): string | undefined {
  const run = spawnSync('apt-get', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  if (run.status === 0) return undefined;
  return (run.stderr ?? '').trim().split('\n').at(-1) || `apt-get ${args[0]} failed`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
