/** Leases for keys with a time to live, shared among keys so that etcd need not keep one for each (as kube-apiserver's lease manager does). */
import type { LeaseClient } from 'etcd3';
import type { Clock } from '../../std/clock.ts';

/** How many keys share a lease at most: they all go in one revision. */
const KEYS_PER_LEASE = 1_000;
/** A shared lease lives so much longer than what its keys ask for; keys go that much late at most. */
const SLACK_SECONDS = 60;
const SLACK_PART = 0.05;
/** Different times to live whose leases are remembered; there is one in practice. */
const CLASSES = 64;

interface Shared {
  readonly id: Promise<string>;
  readonly expiresAtMs: number;
  keys: number;
}

export class EtcdLeases {
  readonly #client: () => LeaseClient;
  readonly #clock: Clock;
  readonly #byTtl = new Map<number, Shared>();

  constructor(client: () => LeaseClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** A lease that lasts at least this long from now. */
  async get(ttlSeconds: number): Promise<string> {
    const now = this.#clock.monotonic();
    let shared = this.#byTtl.get(ttlSeconds);
    if (!shared || shared.keys >= KEYS_PER_LEASE || shared.expiresAtMs < now + ttlSeconds * 1_000) {
      const seconds = Math.ceil(ttlSeconds + Math.min(SLACK_SECONDS, ttlSeconds * SLACK_PART));
      shared = { id: this.#grant(seconds), expiresAtMs: now + seconds * 1_000, keys: 0 };
      if (this.#byTtl.size >= CLASSES) this.#byTtl.clear();
      this.#byTtl.set(ttlSeconds, shared);
    }
    shared.keys++;
    try {
      return await shared.id;
    } catch (error) {
      this.forget(ttlSeconds);
      throw error;
    }
  }

  /** Makes the next key of this class take a new lease. */
  forget(ttlSeconds: number): void {
    this.#byTtl.delete(ttlSeconds);
  }

  async #grant(seconds: number): Promise<string> {
    const granted = await this.#client().leaseGrant({ TTL: seconds });
    return granted.ID;
  }
}
