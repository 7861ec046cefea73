/** Pods that wait to be placed: ready ones by priority and age, others backing off or parked until the cluster changes. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { backoff } from '../std/backoff.ts';
import { Heap } from '../std/heap.ts';

const BACKOFF = { baseMs: 1_000, limitMs: 10_000 };
/** A parked pod is tried again after this time even when nothing seems to have changed. */
const PARKED_LIMIT_MS = 5 * 60_000;

interface Waiting {
  pod: Stored<Pod>;
  attempts: number;
  /** When it joined, for the order among equal priorities. */
  readonly since: number;
  state: 'ready' | 'deciding' | 'backoff' | 'parked';
  /** Not before. */
  until: number;
  /** The cluster changed while it was being decided: do not park it. */
  moved: boolean;
}

export class Backlog {
  readonly #waiting = new Map<string, Waiting>();
  readonly #ready = new Heap<Waiting>((a, b) => priority(b) - priority(a) || a.since - b.since);
  readonly #later = new Heap<{ readonly entry: Waiting; readonly at: number }>((a, b) => a.at - b.at);

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
      const entry: Waiting = { pod, attempts: 0, since: now, state: 'ready', until: 0, moved: false };
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
    this.#waiting.delete(uid);
  }

  /** The pods that may be decided now, the most important first. */
  take(now: number, limit: number): Stored<Pod>[] {
    for (let due = this.#later.peek(); due && due.at <= now; due = this.#later.peek()) {
      this.#later.pop();
      const { entry } = due;
      if (this.#isCurrent(entry) && (entry.state === 'backoff' || entry.state === 'parked') && entry.until <= now) {
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
      out.push(entry.pod);
    }
    return out;
  }

  /** It fits nowhere: parked until `stir`, or backing off when the cluster moved meanwhile. */
  park(uid: string, now: number): void {
    const entry = this.#waiting.get(uid);
    if (!entry) return;
    if (entry.moved) return this.#wait(entry, now);
    entry.state = 'parked';
    this.#schedule(entry, now + PARKED_LIMIT_MS);
  }

  /** Something failed on the way: back off, then try again. */
  retry(uid: string, now: number): void {
    const entry = this.#waiting.get(uid);
    if (entry) this.#wait(entry, now);
  }

  /** The cluster changed in a way that may make room. */
  stir(now: number): void {
    for (const entry of this.#waiting.values()) {
      if (entry.state === 'parked') this.#wait(entry, now);
      else if (entry.state === 'deciding') entry.moved = true;
    }
  }

  /** When `take` will next have something that it has not now. */
  nextAt(): number | undefined {
    return this.#later.peek()?.at;
  }

  #wait(entry: Waiting, now: number): void {
    entry.state = 'backoff';
    this.#schedule(entry, now + backoff(Math.max(0, entry.attempts - 1), BACKOFF));
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
