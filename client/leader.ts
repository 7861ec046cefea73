/**
 * Leader election over a Lease: of many candidates with one lease, one leads at a time.
 *
 * Another's lease is judged by when this process saw it change, never by the times written in it: clocks differ.
 */
import { leases } from '../api/resources.ts';
import { isReason } from '../api/status.ts';
import type { Lease } from '../api/types/coordination.v1.ts';
import { sleep, type Clock } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import type { Client, Stored } from './client.ts';
import { microTimeText } from './time.ts';

export interface LeaderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Unique among the candidates. */
  readonly identity: string;
  /** Told of what becomes of it. */
  readonly observer?: { leads(isLeader: boolean): void; renewed(): void };
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
}

/**
 * Waits for the lease, then calls `lead` with a signal that is aborted when leadership is lost or `signal` is.
 * Resolves when `lead` has ended and the lease, if still held, has been released. The caller decides whether to stand again.
 */
export async function runAsLeader(options: LeaderOptions, lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  const { clock, random, log, lease, identity, observer } = options;
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2000 } = options;
  const candidate = new Candidate(options, leaseDurationMs);
  while (!(await candidate.tryAcquire())) {
    await sleep(clock, retryPeriodMs * (1 + JITTER * random.next()), signal);
    if (signal.aborted) return;
  }
  log.info({ lease: lease.name, identity }, 'leading');
  observer?.leads(true);
  observer?.renewed();
  const term = new AbortController();
  const end = (): void => term.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const leading = lead(term.signal);
  void leading.catch(() => undefined).finally(end);
  let renewedAt = clock.monotonic();
  while (!term.signal.aborted) {
    await sleep(clock, retryPeriodMs, term.signal);
    if (term.signal.aborted) break;
    if (await Promise.race([candidate.tryAcquire(), sleep(clock, renewDeadlineMs - (clock.monotonic() - renewedAt), term.signal).then(() => false)])) {
      renewedAt = clock.monotonic();
      observer?.renewed();
    } else if (candidate.lost || clock.monotonic() - renewedAt >= renewDeadlineMs) {
      log.warn({ lease: lease.name, identity }, 'leadership lost');
      end();
    }
  }
  signal.removeEventListener('abort', end);
  observer?.leads(false);
  try {
    await leading;
  } finally {
    await candidate.release();
  }
}

const JITTER = 1.2;

/** One candidate's view of the lease. */
class Candidate {
  readonly #options: LeaderOptions;
  readonly #durationMs: number;
  #observed: Stored<Lease> | undefined;
  #observedAt = 0;

  constructor(options: LeaderOptions, durationMs: number) {
    this.#options = options;
    this.#durationMs = durationMs;
  }

  /** Somebody else holds it. */
  get lost(): boolean {
    const holder = this.#observed?.spec.holderIdentity;
    return holder !== undefined && holder !== '' && holder !== this.#options.identity;
  }

  /** Takes or renews the lease if it is free, expired or one's own. */
  async tryAcquire(): Promise<boolean> {
    const { client, clock, lease, identity, log } = this.#options;
    try {
      this.#observe(await client.get(leases, lease));
    } catch (error) {
      if (!isReason(error, 'NotFound')) {
        log.warn({ lease: lease.name, error: String(error) }, 'the lease cannot be read');
        return false;
      }
      this.#observed = undefined;
    }
    const known = this.#observed;
    const holder = known?.spec.holderIdentity;
    const durationMs = (known?.spec.leaseDurationSeconds ?? this.#durationMs / 1000) * 1000;
    if (holder && holder !== identity && clock.monotonic() < this.#observedAt + durationMs) return false;
    const now = microTimeText(clock.now());
    const mine = holder === identity;
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#durationMs / 1000),
      acquireTime: (mine && known?.spec.acquireTime) || now,
      renewTime: now,
      leaseTransitions: known ? (known.spec.leaseTransitions ?? 0) + (mine ? 0 : 1) : 0,
    };
    return this.#write(known ? { ...known, spec } : { metadata: { ...lease }, spec });
  }

  /** Gives a held lease back, so that the next need not wait for it to expire. */
  async release(): Promise<void> {
    const known = this.#observed;
    if (!known || known.spec.holderIdentity !== this.#options.identity) return;
    const now = microTimeText(this.#options.clock.now());
    const { leaseTransitions = 0 } = known.spec;
    await this.#write({ ...known, spec: { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now, leaseTransitions } });
  }

  async #write(object: Lease | Stored<Lease>): Promise<boolean> {
    const { client, log, lease } = this.#options;
    try {
      const known = object.metadata.resourceVersion !== undefined;
      this.#observe(await (known ? client.update(leases, object) : client.create(leases, object)));
      return true;
    } catch (error) {
      if (!isReason(error, 'Conflict') && !isReason(error, 'AlreadyExists')) log.warn({ lease: lease.name, error: String(error) }, 'the lease cannot be written');
      return false;
    }
  }

  #observe(lease: Stored<Lease>): void {
    if (this.#observed?.metadata.resourceVersion === lease.metadata.resourceVersion) return;
    this.#observed = lease;
    this.#observedAt = this.#options.clock.monotonic();
  }
}
