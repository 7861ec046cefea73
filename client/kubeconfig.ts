/** Reads a kubeconfig: the current context's server and credentials, inline or in files beside it. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { HttpDoorOptions } from './http.ts';

export type Connection = Omit<HttpDoorOptions, 'clock' | 'userAgent'>;

export async function readKubeconfig(file: string, options: { readonly context?: string } = {}): Promise<Connection & { readonly namespace?: string }> {
  const { load } = await import('js-yaml');
  const config = load(await readFile(file, 'utf8')) as Kubeconfig | undefined;
  const wanted = options.context ?? config?.['current-context'];
  const context = find(config?.contexts, wanted)?.context;
  if (!context) throw new Error(`${file}: no context ${JSON.stringify(wanted ?? '')}`);
  const cluster = find(config?.clusters, context.cluster)?.cluster;
  if (!cluster?.server) throw new Error(`${file}: no cluster ${JSON.stringify(context.cluster)}`);
  const user = find(config?.users, context.user)?.user ?? {};
  for (const method of ['exec', 'auth-provider', 'username'] as const) {
    if (user[method]) throw new Error(`${file}: user ${JSON.stringify(context.user)}: ${method} is not supported`);
  }
  const beside = (path: string): string => resolve(dirname(file), path);
  const pem = async (data: string | undefined, path: string | undefined): Promise<string | undefined> => {
    if (data) return Buffer.from(data, 'base64').toString('utf8');
    return path ? readFile(beside(path), 'utf8') : undefined;
  };
  const [ca, cert, key] = await Promise.all([
    pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    pem(user['client-certificate-data'], user['client-certificate']),
    pem(user['client-key-data'], user['client-key']),
  ]);
  return {
    server: cluster.server,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(user.token && { token: user.token }),
    ...(user.tokenFile && { tokenFile: beside(user.tokenFile) }),
    ...(cluster['tls-server-name'] && { serverName: cluster['tls-server-name'] }),
    ...(cluster['insecure-skip-tls-verify'] && { insecureSkipTlsVerify: true }),
    ...(context.namespace && { namespace: context.namespace }),
  };
}

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly { readonly name: string; readonly context: { readonly cluster: string; readonly user: string; readonly namespace?: string } }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster: Cluster }[];
  readonly users?: readonly { readonly name: string; readonly user: User }[];
}

interface Cluster {
  readonly server: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'tls-server-name'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
}

interface User {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly exec?: unknown;
  readonly 'auth-provider'?: unknown;
  readonly username?: string;
}

function find<T extends { readonly name: string }>(entries: readonly T[] | undefined, name: string | undefined): T | undefined {
  return entries?.find((entry) => entry.name === name);
}
