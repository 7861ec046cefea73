/** Bootstrap tokens: the expired ones go, and the valid ones sign what new nodes read before they trust the cluster. */
import { createHmac } from 'node:crypto';
import { configmaps, secrets } from '../api/resources.ts';
import type { Secret } from '../api/types/core.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { deepEqual } from '../std/deep.ts';
import { remove, update } from './actions.ts';
import { watch, type Controller } from './controller.ts';
import { isDeleting } from './owners.ts';

const TYPE = 'bootstrap.kubernetes.io/token';
const NAMESPACE = 'kube-system';
const NAME_PREFIX = 'bootstrap-token-';
const CLUSTER_INFO = { namespace: 'kube-public', name: 'cluster-info' };
const CONTENT = 'kubeconfig';
const SIGNATURE_PREFIX = 'jws-kubeconfig-';

type StoredSecret = Stored<Secret>;

/** The Secrets of that type, in the one namespace where they count. */
const tokens = { resource: secrets, selection: { namespace: NAMESPACE, fieldSelector: `type=${TYPE}` } } as const;

/** Off by default, as upstream's: nobody has tokens who did not ask for them. */
export const tokenCleanerController: Controller = {
  name: 'token-cleaner-controller',
  account: 'token-cleaner',
  offByDefault: true,
  watches: [watch({ ...tokens, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] })],
  reconcile(key, view, { now }) {
    const secret = view.of(secrets).get(parseKey(key));
    const end = secret && !isDeleting(secret) ? expiration(secret) : undefined;
    if (!secret || end === undefined) return { actions: [] };
    return end > now ? { actions: [], requeueAfterMs: end - now } : { actions: [remove(secrets, secret)] };
  },
};

export const bootstrapSignerController: Controller = {
  name: 'bootstrap-signer-controller',
  account: 'bootstrap-signer',
  offByDefault: true,
  watches: [
    watch({ ...tokens, keys: () => [CLUSTER_INFO.name] }),
    watch({ resource: configmaps, selection: { namespace: CLUSTER_INFO.namespace, fieldSelector: `metadata.name=${CLUSTER_INFO.name}` }, keys: () => [CLUSTER_INFO.name] }),
  ],
  reconcile(_, view, { now }) {
    const info = view.of(configmaps).get(CLUSTER_INFO);
    const content = info?.data?.[CONTENT];
    if (!info || content === undefined) return { actions: [] };
    const valid = view.of(secrets).list(NAMESPACE).map((secret) => ({ token: tokenOf(secret), end: expiration(secret) })).filter(({ end }) => end === undefined || end > now);
    const others = Object.entries(info.data ?? {}).filter(([name]) => !name.startsWith(SIGNATURE_PREFIX));
    const signatures = valid.flatMap(({ token }) => (token ? [[SIGNATURE_PREFIX + token.id, detachedSignature(content, token)] as const] : []));
    const data = Object.fromEntries([...others, ...signatures]);
    const ends = valid.flatMap(({ end }) => (end === undefined ? [] : [end - now]));
    const again = ends.length > 0 ? { requeueAfterMs: Math.max(1, Math.min(...ends)) } : {};
    return { actions: deepEqual(data, info.data) ? [] : [update(configmaps, { ...info, data })], ...again };
  },
};

interface Token {
  readonly id: string;
  readonly secret: string;
}

/** One that may sign. */
function tokenOf(secret: StoredSecret): Token | undefined {
  const id = text(secret, 'token-id');
  const value = text(secret, 'token-secret');
  if (secret.type !== TYPE || isDeleting(secret) || !id || !value || secret.metadata.name !== NAME_PREFIX + id || text(secret, 'usage-bootstrap-signing') !== 'true') return undefined;
  return { id, secret: value };
}

/** A time that cannot be read is over. */
function expiration(secret: StoredSecret): number | undefined {
  const at = text(secret, 'expiration');
  if (!at) return undefined;
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? 0 : ms;
}

function text({ data }: StoredSecret, key: string): string {
  return Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
}

/** JWS with HMAC-SHA-256, its content left out. */
export function detachedSignature(content: string, { id, secret }: Token): string {
  const header = Buffer.from(`{"alg":"HS256","kid":${JSON.stringify(id)}}`).toString('base64url');
  const signature = createHmac('sha256', secret).update(`${header}.${Buffer.from(content).toString('base64url')}`).digest('base64url');
  return `${header}..${signature}`;
}
