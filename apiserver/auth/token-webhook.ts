/** Tokens that another server knows: asked by TokenReview, answers kept for a while. Provenance: plugin/pkg/authenticator/token/webhook of apiserver v0.36. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../std/clock.ts';
import { createReviewClient, type WebhookConnection } from './review-client.ts';
import type { VerifiedToken } from './service-account-tokens.ts';

export interface TokenWebhookSettings {
  readonly connection: WebhookConnection;
  readonly version: 'v1' | 'v1beta1';
  /** How long answers are kept. */
  readonly ttlMs: number;
}

export interface TokenWebhook {
  /** Undefined: nobody there knows the token. Rejects when nobody could be asked. No audiences: those that the other server takes for its own. */
  verify(token: string, audiences: readonly string[]): Promise<VerifiedToken | undefined>;
  close(): void;
}

const TIMEOUT_MS = 30_000;
const KEPT = 4096;

interface Status {
  readonly authenticated?: boolean;
  readonly error?: string;
  readonly audiences?: readonly string[];
  readonly user?: { readonly username?: string; readonly uid?: string; readonly groups?: readonly string[]; readonly extra?: Readonly<Record<string, readonly string[]>> };
}

export function createTokenWebhook({ connection, version, ttlMs }: TokenWebhookSettings, clock: Clock): TokenWebhook {
  const client = createReviewClient(connection, { clock, timeoutMs: TIMEOUT_MS });
  /** Under hashes: tokens are not kept. */
  const kept = new Map<string, { readonly status: Status; readonly until: number }>();
  return {
    async verify(token, audiences) {
      const id = createHash('sha256').update(JSON.stringify([token, audiences])).digest('base64');
      const known = kept.get(id);
      if (known && known.until > clock.now()) return verdict(known.status, audiences);
      const status: Status = await client.ask({ kind: 'TokenReview', apiVersion: `authentication.k8s.io/${version}`, metadata: { creationTimestamp: null }, spec: { token, audiences }, status: { user: {} } });
      kept.delete(id);
      kept.set(id, { status, until: clock.now() + ttlMs });
      if (kept.size > KEPT) kept.delete(kept.keys().next().value as string);
      return verdict(status, audiences);
    },
    close: () => client.close(),
  };
}

function verdict({ authenticated, error, audiences: given, user = {} }: Status, asked: readonly string[]): VerifiedToken | undefined {
  if (!authenticated) {
    if (error) throw new Error(error);
    return undefined;
  }
  // A webhook that knows nothing of audiences vouches for this server.
  const audiences = !given ? asked : asked.length === 0 ? given : asked.filter((one) => given.includes(one));
  if (asked.length > 0 && audiences.length === 0) return undefined;
  const { username = '', uid, groups = [], extra } = user;
  return { user: { name: username, groups, ...(uid && { uid }), ...(extra && Object.keys(extra).length > 0 && { extra }) }, audiences };
}
