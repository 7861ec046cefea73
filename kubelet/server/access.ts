/**
 * Who may ask a kubelet: whom a certificate of the cluster's authority names, or the API server a token's owner (TokenReview),
 * and whom it then lets at this node (SubjectAccessReview). Nobody in particular is let in nowhere.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { subjectaccessreviews, tokenreviews } from '../../api/resources.ts';
import type { Client } from '../../client/client.ts';
import type { Clock } from '../../std/clock.ts';
import type { Log } from '../context.ts';
import { BackendRefusal } from '../backend.ts';
import { AnswerCache } from './answer-cache.ts';
import { attributesOf } from './attributes.ts';

export interface AccessOptions {
  /** The node's own: nodes may ask for both kinds of reviews. */
  readonly client: Client;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Access {
  /** Throws 401, 403, or 500 when the API server cannot be asked. */
  check(request: IncomingMessage, path: string): Promise<void>;
}

export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Upstream's defaults: `authentication.webhook.cacheTTL` and the two of `authorization.webhook`. */
export const TOKEN_TTL_MS = 120_000;
export const ALLOWED_TTL_MS = 300_000;
export const REFUSED_TTL_MS = 30_000;
const TOKENS_LIMIT = 4096;
const DECISIONS_LIMIT = 8192;
/** Who names so much is asked about each time anew. */
const KEY_LIMIT = 10_000;
const REVIEW_TIMEOUT_MS = 10_000;
const COMPLAINT_MS = 10_000;
const AUTHENTICATED = 'system:authenticated';
const WEBSOCKET_TOKEN = 'base64url.bearer.authorization.k8s.io.';

export function openAccess({ client, nodeName, clock, log }: AccessOptions): Access {
  const owners = new AnswerCache<UserInfo | undefined>({ clock, limit: TOKENS_LIMIT, ttlMs: () => TOKEN_TTL_MS });
  const decisions = new AnswerCache<boolean>({ clock, limit: DECISIONS_LIMIT, ttlMs: (allowed) => (allowed ? ALLOWED_TTL_MS : REFUSED_TTL_MS) });

  let complained = -Infinity;
  /** Anybody can show a token: what they make us say is said now and then. */
  const complain = (error: unknown): undefined => {
    if (clock.monotonic() - complained < COMPLAINT_MS) return;
    complained = clock.monotonic();
    log.warn({ error: String(error) }, 'the API server does not say who may ask the kubelet');
  };
  /** A door that does not answer must not hold requests for good. */
  const inTime = async <T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const limit = new AbortController();
    const timer = clock.after(REVIEW_TIMEOUT_MS, () => limit.abort(new Error('the API server does not answer')));
    try {
      return await ask(limit.signal);
    } finally {
      timer.cancel();
    }
  };
  const ownerOf = async (token: string): Promise<UserInfo | undefined> => {
    const { status } = await inTime((signal) => client.create(tokenreviews, { metadata: {}, spec: { token } }, { signal }));
    if (status?.authenticated) {
      const { username = '', uid, groups = [], extra } = status.user ?? {};
      return { name: username, groups, ...(uid && { uid }), ...(extra && { extra: extra as Record<string, string[]> }) };
    }
    if (status?.error) throw new Error(status.error);
    return undefined;
  };
  const mayAsk = async ({ name: user, uid, groups, extra }: UserInfo, verb: string, subresource: string): Promise<boolean> => {
    const spec = {
      user, groups: [...groups], ...(uid && { uid }), ...(extra && { extra: extra as Record<string, string[]> }),
      resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName },
    };
    const ask = async (): Promise<boolean> => (await inTime((signal) => client.create(subjectaccessreviews, { metadata: {}, spec }, { signal }))).status?.allowed === true;
    const key = JSON.stringify(spec);
    return key.length > KEY_LIMIT ? ask() : decisions.get(key, ask);
  };
  const userOf = async (request: IncomingMessage): Promise<UserInfo | undefined> => {
    const named = certificateUser(request.socket as TLSSocket);
    if (named) return named;
    const token = bearerToken(request);
    if (token === undefined) return undefined;
    // Tokens are not kept, nor told to anybody but the API server.
    const key = createHash('sha256').update(token).digest('base64');
    return owners.get(key, () => ownerOf(token)).catch((error: unknown) => complain(error));
  };

  return {
    async check(request, path) {
      const found = await userOf(request);
      if (!found) throw new BackendRefusal(401, 'Unauthorized');
      const user = found.groups.includes(AUTHENTICATED) ? found : { ...found, groups: [...found.groups, AUTHENTICATED] };
      const { verb, subresources } = attributesOf(request.method ?? 'GET', path);
      for (const subresource of subresources) {
        const allowed = await mayAsk(user, verb, subresource).catch((error: unknown) => {
          complain(error);
          throw new BackendRefusal(500, `Authorization error (user=${user.name}, verb=${verb}, resource=nodes, subresource=${subresource})`);
        });
        if (allowed) return;
      }
      throw new BackendRefusal(403, `Forbidden (user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])\n`);
    },
  };
}

/** Whom a client certificate names, if the connection showed one that the authority signed for clients. */
function certificateUser(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized) return undefined;
  const { subject, fingerprint256 = '' } = socket.getPeerCertificate() as { subject?: { CN?: string | string[]; O?: string | string[] }; fingerprint256?: string };
  const name = [subject?.CN ?? []].flat().at(-1);
  if (!name) return undefined;
  const credential = `X509SHA256=${fingerprint256.replaceAll(':', '').toLowerCase()}`;
  return { name, groups: [subject?.O ?? []].flat(), extra: { 'authentication.kubernetes.io/credential-id': [credential] } };
}

/** Browsers, which cannot set headers, send it among the protocols of a WebSocket; the container's side must not see it there. */
function bearerToken({ headers }: IncomingMessage): string | undefined {
  const [scheme = '', token] = (headers.authorization ?? '').trim().split(' ');
  if (scheme.toLowerCase() === 'bearer') return token || undefined;
  if ((headers.upgrade ?? '').toLowerCase() !== 'websocket') return undefined;
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  const found = offered.find((one) => one.startsWith(WEBSOCKET_TOKEN));
  return found && (Buffer.from(found.slice(WEBSOCKET_TOKEN.length), 'base64url').toString('utf8') || undefined);
}
