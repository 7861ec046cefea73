/** Pods that wait to be placed: ready ones by priority and age, others backing off or parked until the cluster changes. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { backoff } from '../std/backoff.ts';
import { Heap } from '../std/heap.ts';

const BACKOFF = { baseMs: 1_000, limitMs: 10_000 };
/** A parked pod is tried again after this time even when nothing seems to have changed. */
const PARKED_LIMIT_MS = 5 * 60_000;
const NO_PLUGINS: ReadonlySet<string> = new Set();

interface Waiting {
  pod: Stored<Pod>;
  attempts: number;
  /** When it joined, for the order among equal priorities. */
  readonly since: number;
  state: 'ready' | 'deciding' | 'backoff' | 'parked';
  /** When the last attempt ended: back-off counts from here. */
  failedAt: number;
  /** Not before. */
  until: number;
  /** The cluster changed while it was being decided: do not park it. */
  moved: boolean;
  /** The filters that refused it last. */
  plugins: ReadonlySet<string>;
}

export class Backlog {
  readonly #waiting = new Map<string, Waiting>();
  readonly #ready = new Heap<Waiting>((a, b) => priority(b) - priority(a) || a.since - b.since);
  readonly #later = new Heap<{ readonly entry: Waiting; readonly at: number }>((a, b) => a.at - b.at);
  /** The parked ones by each filter that refused them, so that a change concerns only those whom it may help. */
  readonly #parked = new Map<string, Set<Waiting>>();
  readonly #deciding = new Set<Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  has(uid: string): boolean {
    return this.#waiting.has(uid);
  }

  /** A pod that is new, or that changed in a way that may help it. */
  put(pod: Stored<Pod>, now: number): void {
    const known = this.#waiting.get(pod.metadata.uid);
    if (!known) {
      const entry: Waiting = { pod, attempts: 0, since: now, state: 'ready', failedAt: 0, until: 0, moved: false, plugins: NO_PLUGINS };
      this.#waiting.set(pod.metadata.uid, entry);
      this.#ready.push(entry);
      return;
    }
    known.pod = pod;
    if (known.state === 'parked') this.#wait(known, now);
    else known.moved = true;
  }

  /** A newer state of the same pod that changes nothing about its chances. */
  refresh(pod: Stored<Pod>): void {
    const known = this.#waiting.get(pod.metadata.uid);
    if (known) known.pod = pod;
  }

  remove(uid: string): void {
    const known = this.#waiting.get(uid);
    if (!known) return;
    this.#leave(known);
    this.#waiting.delete(uid);
  }

  /** The pods that may be decided now, the most important first. */
  take(now: number, limit: number): Stored<Pod>[] {
    for (let due = this.#later.peek(); due && due.at <= now; due = this.#later.peek()) {
      this.#later.pop();
      const { entry } = due;
      if (this.#isCurrent(entry) && (entry.state === 'backoff' || entry.state === 'parked') && entry.until <= now) {
        this.#leave(entry);
        entry.state = 'ready';
        this.#ready.push(entry);
      }
    }
    const out: Stored<Pod>[] = [];
    while (out.length < limit) {
      const entry = this.#ready.pop();
      if (!entry) break;
      if (!this.#isCurrent(entry) || entry.state !== 'ready') continue;
      entry.state = 'deciding';
      entry.moved = false;
      entry.attempts++;
      this.#deciding.add(entry);
      out.push(entry.pod);
    }
    return out;
  }

  /** It fits nowhere: parked until `stir`, or backing off when the cluster moved meanwhile. */
  park(uid: string, now: number, plugins: ReadonlySet<string> = NO_PLUGINS): void {
    const entry = this.#waiting.get(uid);
    if (!entry) return;
    entry.failedAt = now;
    if (entry.moved) return this.#wait(entry, now);
    this.#leave(entry);
    entry.state = 'parked';
    entry.plugins = plugins;
    for (const plugin of ['', ...plugins]) {
      const group = this.#parked.get(plugin);
      if (group) group.add(entry);
      else this.#parked.set(plugin, new Set([entry]));
    }
    this.#schedule(entry, now + PARKED_LIMIT_MS);
  }

  /** Something failed on the way: back off, then try again. */
  retry(uid: string, now: number): void {
    const entry = this.#waiting.get(uid);
    if (!entry) return;
    entry.failedAt = now;
    this.#wait(entry, now);
  }

  /** The cluster changed in a way that may help every pod, or those that one of these filters refused. */
  stir(now: number, plugins: readonly string[] = ['']): void {
    for (const plugin of plugins) for (const entry of this.#parked.get(plugin) ?? []) this.#wait(entry, now);
    for (const entry of this.#deciding) entry.moved = true;
  }

  /** When `take` will next have something that it has not now. */
  nextAt(): number | undefined {
    return this.#later.peek()?.at;
  }

  /** Counted from its last attempt: what has been parked for long enough is ready at once. */
  #wait(entry: Waiting, now: number): void {
    this.#leave(entry);
    entry.state = 'backoff';
    const delay = backoff(Math.max(0, entry.attempts - 1), BACKOFF);
    this.#schedule(entry, Math.max(now, entry.attempts === 0 ? now : entry.failedAt + delay));
  }

  #leave(entry: Waiting): void {
    this.#deciding.delete(entry);
    if (entry.state === 'parked') for (const plugin of ['', ...entry.plugins]) this.#parked.get(plugin)?.delete(entry);
  }

  #schedule(entry: Waiting, at: number): void {
    entry.until = at;
    this.#later.push({ entry, at });
  }

  #isCurrent(entry: Waiting): boolean {
    return this.#waiting.get(entry.pod.metadata.uid) === entry;
  }
}

function priority({ pod }: Waiting): number {
  return pod.spec.priority ?? 0;
}
