/** Certificates and kubeconfigs for the cluster's parts: each its own identity with the least that it needs. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { kubeconfig } from '../apiserver/pki/kubeconfig.ts';
import { type Pki, openPki } from '../apiserver/pki/pki.ts';
import { systemClock } from '../std/clock.ts';
import { systemRandom } from '../std/random.ts';
import { defaultDataDir } from './data-dir.ts';
import { DEFAULT_PORT } from './flags.ts';

export interface Identity {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

export const ADMIN: Identity = { commonName: 'kubernetes-admin', organizations: ['system:masters'] };

/** `admin`, `controllers`, `scheduler`, `proxy`, `kubelet:NODE`, `user:NAME,GROUP,…` */
export function identityOf(who: string): Identity {
  const [kind = '', rest = ''] = who.split(/:(.*)/s);
  if (who === 'admin') return ADMIN;
  if (who === 'controllers') return { commonName: 'system:kube-controller-manager', organizations: [] };
  if (who === 'scheduler') return { commonName: 'system:kube-scheduler', organizations: [] };
  if (who === 'proxy') return { commonName: 'system:kube-proxy', organizations: [] };
  if (kind === 'kubelet' && rest) return { commonName: `system:node:${rest}`, organizations: ['system:nodes'] };
  const [name = '', ...groups] = rest.split(',');
  if (kind === 'user' && name) return { commonName: name, organizations: groups.filter(Boolean) };
  throw new Error(`there are no credentials for ${JSON.stringify(who)}; try admin, controllers, scheduler, proxy, kubelet:NODE or user:NAME`);
}

export function pkiDirectory(dataDir: string): string {
  return join(dataDir, 'pki');
}

export async function kubeconfigFor(pki: Pki, identity: Identity, server: string): Promise<string> {
  const pair = await pki.clientCertificate(identity);
  return kubeconfig({ server, caPem: pki.caPem, certPem: pair.certPem, keyPem: pair.keyPem, user: identity.commonName });
}

/** Written whole or not at all, for its owner alone. */
export function writePrivate(file: string, text: string): void {
  const path = resolve(file);
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

/** Where a kubelet finds what it shows to the API server: beside its kubeconfig. */
export function servingFiles(kubeconfigFile: string): { readonly cert: string; readonly key: string } {
  return { cert: `${kubeconfigFile}.serving.crt`, key: `${kubeconfigFile}.serving.key` };
}

export async function writeCredentials(flags: { readonly for: string; readonly output: string; readonly dataDir?: string; readonly server?: string }): Promise<void> {
  const dataDir = flags.dataDir ?? defaultDataDir();
  const pki = await openPki({ directory: pkiDirectory(dataDir), clock: systemClock, random: systemRandom, addresses: [] });
  try {
    const identity = identityOf(flags.for);
    writePrivate(flags.output, await kubeconfigFor(pki, identity, flags.server ?? `https://127.0.0.1:${DEFAULT_PORT}`));
    if (flags.for.startsWith('kubelet:')) await writeServing(pki, flags.for.slice('kubelet:'.length), flags.output);
  } finally {
    pki.close();
  }
}

export async function writeServing(pki: Pki, node: string, kubeconfigFile: string): Promise<void> {
  const pair = await pki.servingCertificate({ names: [node], ips: [], commonName: `system:node:${node}`, organizations: ['system:nodes'] });
  const files = servingFiles(kubeconfigFile);
  writePrivate(files.cert, pair.certPem);
  writePrivate(files.key, pair.keyPem);
}
