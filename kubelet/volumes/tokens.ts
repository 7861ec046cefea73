/** Service account tokens for pods: asked for once, and again when four fifths of their time, or a day, are over. */
import { serviceaccounts } from '../../api/resources.ts';
import type { Client } from '../../client/client.ts';
import type { Clock } from '../../std/clock.ts';
import type { PodObject } from '../pod.ts';
import type { TokenRequest } from './payload.ts';

const MAX_AGE_MS = 24 * 3600_000;
const FRACTION = 0.8;

interface Held {
  readonly token: string;
  readonly requestedAt: number;
  readonly expiresAt: number;
}

interface TokenAnswer {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

export class Tokens {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #held = new Map<string, Map<string, Held>>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async get(pod: PodObject, { audience, expirationSeconds }: TokenRequest): Promise<string> {
    const { uid, name, namespace } = pod.metadata;
    const key = JSON.stringify([audience, expirationSeconds]);
    const held = this.#held.get(uid)?.get(key);
    if (held && !this.#isStale(held)) return held.token;
    const account = pod.spec.serviceAccountName || 'default';
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: audience ? [audience] : [], expirationSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
    };
    try {
      const { status } = await this.#client.post<unknown, TokenAnswer>(serviceaccounts, { namespace, name: account }, 'token', body);
      const ofPod = this.#held.get(uid) ?? new Map<string, Held>();
      this.#held.set(uid, ofPod.set(key, { token: status.token, requestedAt: this.#clock.now(), expiresAt: Date.parse(status.expirationTimestamp) }));
      return status.token;
    } catch (error) {
      // One that has not expired does until the next attempt.
      if (held && held.expiresAt > this.#clock.now()) return held.token;
      throw new Error(`failed to fetch token: ${(error as Error).message}`, { cause: error });
    }
  }

  forget(uid: string): void {
    this.#held.delete(uid);
  }

  #isStale({ requestedAt, expiresAt }: Held): boolean {
    const now = this.#clock.now();
    return now >= requestedAt + FRACTION * (expiresAt - requestedAt) || now >= requestedAt + MAX_AGE_MS;
  }
}
