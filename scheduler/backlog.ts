/** Pods that wait to be placed: ready ones by priority and age, others backing off or parked until the cluster changes. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { backoff } from '../std/backoff.ts';
import { Heap } from '../std/heap.ts';
import { PLUGINS } from './profile.ts';
import type { QueueEvent } from './series.ts';

export interface BackoffLimits {
  readonly baseMs: number;
  readonly limitMs: number;
}

const BACKOFF: BackoffLimits = { baseMs: 1_000, limitMs: 10_000 };
/** A node that appears seldom is as it will be: what it may help is looked at so much later. */
export const SETTLE_MS = 50;
/** Of the pods that a change stirs so many are tried before their back-off is over. */
const EARLY_LIMIT = 16;
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
  /** Pods of one kind are refused alike; '' where that is not known. */
  kind: string;
  /** See `Parking`. */
  held: boolean;
  /** Where it is parked. */
  groups: readonly Group[];
  /** How often those groups had been stirred before it joined them, in sum. */
  stirsBefore: number;
}

/** Parked pods of one kind that one filter refused. */
interface Group {
  readonly plugin: string;
  readonly kind: string;
  readonly entries: Set<Waiting>;
  /** They are told when they are released: a change need not look at each of them. */
  readonly held: Set<Waiting>;
  stirs: number;
}

export interface Stirring {
  /** When those who are helped may be tried; default: now. */
  readonly from?: number;
  /** Asked once for all pods of a kind that a filter refused. Default: anybody is helped. */
  readonly helps?: (plugin: string, pod: Stored<Pod>, kind: string) => boolean;
  /** Filters whose view is not the same for all pods of a kind: each pod is asked, and those for whom others are being evicted are taken to be helped. */
  readonly apart?: ReadonlySet<string>;
}

export interface Parking {
  /** Pods of one kind are refused alike. */
  readonly kind?: string | undefined;
  /** Pods are being evicted for it: until `release` it would only have others evicted as well. It is tried before only if it is known to fit. */
  readonly held?: boolean;
}

export class Backlog {
  readonly #waiting = new Map<string, Waiting>();
  readonly #ready = new Heap<Waiting>(before);
  readonly #later = new Heap<{ readonly entry: Waiting; readonly at: number }>((a, b) => a.at - b.at);
  /** The parked ones by each filter that refused them, so that a change concerns only those whom it may help. */
  readonly #parked = new Map<string, Map<string, Group>>();
  readonly #deciding = new Set<Waiting>();
  /** Stirred by the latest change: while there is nothing else to do they need not wait for their back-off. */
  #early: Waiting[] = [];
  /** The refused ones by kind, whether parked or backing off. */
  readonly #refused = new Map<string, Refused>();
  readonly #limits: BackoffLimits;
  readonly #onQueued: ((queue: 'active' | 'backoff' | 'unschedulable', event: QueueEvent) => void) | undefined;

  /** `onQueued` is told whenever a pod joins a queue. */
  constructor(limits: BackoffLimits = BACKOFF, onQueued?: (queue: 'active' | 'backoff' | 'unschedulable', event: QueueEvent) => void) {
    this.#limits = limits;
    this.#onQueued = onQueued;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How many are where. */
  counts(): Readonly<Record<'active' | 'backoff' | 'unschedulable', number>> {
    const out = { active: 0, backoff: 0, unschedulable: 0 };
    for (const { state } of this.#waiting.values()) out[state === 'parked' ? 'unschedulable' : state === 'backoff' ? 'backoff' : 'active']++;
    return out;
  }

  /** The parked ones, with the filters that refused them. */
  *parked(): Generator<{ readonly pod: Stored<Pod>; readonly plugins: ReadonlySet<string> }> {
    for (const entry of this.#waiting.values()) if (entry.state === 'parked') yield entry;
  }

  /** How often a pod has been decided, and since when it waits. */
  historyOf(uid: string): { readonly attempts: number; readonly since: number } | undefined {
    return this.#waiting.get(uid);
  }

  has(uid: string): boolean {
    return this.#waiting.has(uid);
  }

  /** A pod that is new, or that changed: one that is parked is tried again where the change helps with a filter that refused it. */
  put(pod: Stored<Pod>, now: number, helps: (plugin: string) => boolean = anybody): void {
    const known = this.#waiting.get(pod.metadata.uid);
    if (!known) {
      const entry: Waiting = { pod, attempts: 0, since: now, state: 'ready', failedAt: 0, until: 0, moved: false, plugins: NO_PLUGINS, kind: '', held: false, groups: [], stirsBefore: 0 };
      this.#waiting.set(pod.metadata.uid, entry);
      this.#ready.push(entry);
      this.#onQueued?.('active', 'UnschedulablePodAdd');
      return;
    }
    known.pod = pod;
    if (known.state !== 'parked') known.moved = true;
    else if (groupsOf(known).some((plugin) => plugin === UNKNOWN || (plugin !== '' && helps(plugin)))) this.#wait(known, now, now, 'ClusterChange');
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
    this.#setKind(known, '');
    this.#waiting.delete(uid);
  }

  /** The pods that may be decided now, the most important first. */
  take(now: number, limit: number): Stored<Pod>[] {
    for (let due = this.#later.peek(); due && due.at <= now; due = this.#later.peek()) {
      this.#later.pop();
      const { entry } = due;
      if (this.#isCurrent(entry) && (entry.state === 'backoff' || entry.state === 'parked') && entry.until <= now) {
        this.#makeReady(entry);
      }
    }
    if (!this.#ready.peek()) {
      for (const entry of this.#early) if (this.#isCurrent(entry) && entry.state === 'backoff') this.#makeReady(entry);
      this.#early = [];
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
  park(uid: string, now: number, plugins: ReadonlySet<string> = NO_PLUGINS, { kind = '', held = false }: Parking = {}): void {
    const entry = this.#waiting.get(uid);
    if (!entry) return;
    entry.failedAt = now;
    this.#setKind(entry, kind);
    entry.held = held;
    if (entry.moved && !held) return this.#wait(entry, now, now, 'ScheduleAttemptFailure');
    this.#leave(entry);
    entry.state = 'parked';
    this.#onQueued?.('unschedulable', 'ScheduleAttemptFailure');
    entry.plugins = plugins;
    entry.groups = groupsOf(entry).map((plugin) => this.#groupOf(plugin, kind));
    entry.stirsBefore = stirsOf(entry);
    for (const group of entry.groups) (held ? group.held : group.entries).add(entry);
    this.#schedule(entry, now + PARKED_LIMIT_MS);
  }

  /** Something failed on the way: back off, then try again. */
  retry(uid: string, now: number): void {
    const entry = this.#waiting.get(uid);
    if (!entry) return;
    entry.failedAt = now;
    this.#setKind(entry, '');
    this.#wait(entry, now, now, 'ScheduleAttemptFailure');
  }

  /**
   * The cluster changed in a way that may help every pod, or those that one of these filters refused and whom it `helps`: at once, or `from` then on.
   * Who was refused by no filter in particular is always tried again.
   */
  stir(now: number, plugins: readonly string[] = [''], { from = now, helps = anybody, apart = NO_PLUGINS }: Stirring = {}): void {
    for (const plugin of plugins.includes('') ? plugins : [UNKNOWN, ...plugins]) {
      const isAsked = plugin !== UNKNOWN && plugin !== '';
      for (const group of this.#parked.get(plugin)?.values() ?? []) {
        const isApart = group.kind === '' || apart.has(plugin);
        const [one] = group.entries.size > 0 ? group.entries : group.held;
        if (isAsked && !isApart && one && !helps(plugin, one.pod, group.kind)) continue;
        group.stirs++;
        for (const entry of group.entries) {
          if (isAsked && isApart && !helps(plugin, entry.pod, group.kind)) continue;
          this.#wait(entry, now, from, 'ClusterChange');
          if (from === now && this.#early.length < EARLY_LIMIT) this.#early.push(entry);
        }
      }
    }
    for (const entry of this.#deciding) entry.moved = true;
  }

  /** The most important refused pod of each kind, of so many kinds. */
  refused(limit = Infinity): Stored<Pod>[] {
    const out: Stored<Pod>[] = [];
    for (const group of this.#refused.values()) {
      if (out.length === limit) break;
      const best = group.best();
      if (best) out.push(best.pod);
    }
    return out;
  }

  release(uid: string, now: number): void {
    const entry = this.#waiting.get(uid);
    if (!entry?.held) return;
    entry.held = false;
    if (entry.state !== 'parked') return;
    if (entry.moved || stirsOf(entry) > entry.stirsBefore) return this.#wait(entry, now, now, 'ClusterChange');
    for (const group of entry.groups) if (group.held.delete(entry)) group.entries.add(entry);
  }

  /** It is known that a refused pod fits now: it does not wait for its back-off. */
  hurry(uid: string, now: number): void {
    const entry = this.#waiting.get(uid);
    if (!entry || entry.kind === '' || (entry.state !== 'parked' && entry.state !== 'backoff') || entry.until <= now + SETTLE_MS) return;
    this.#leave(entry);
    entry.state = 'backoff';
    this.#onQueued?.('backoff', 'ClusterChange');
    this.#schedule(entry, now);
  }

  /** When `take` will next have something that it has not now. */
  nextAt(): number | undefined {
    return this.#later.peek()?.at;
  }

  /** Counted from its last attempt: what has been parked for long enough is ready `from` then on. */
  #wait(entry: Waiting, now: number, from: number, event: QueueEvent): void {
    if (entry.held && entry.state === 'parked') {
      entry.moved = true;
      return;
    }
    entry.held = false;
    this.#leave(entry);
    entry.state = 'backoff';
    this.#onQueued?.('backoff', event);
    const delay = backoff(Math.max(0, entry.attempts - 1), this.#limits);
    this.#schedule(entry, Math.max(from, entry.attempts === 0 ? now : entry.failedAt + delay));
  }

  #makeReady(entry: Waiting): void {
    this.#leave(entry);
    this.#setKind(entry, '');
    entry.held = false;
    this.#onQueued?.('active', 'BackoffComplete');
    entry.state = 'ready';
    this.#ready.push(entry);
  }

  #setKind(entry: Waiting, kind: string): void {
    if (entry.kind !== '') {
      const group = this.#refused.get(entry.kind);
      if (group?.delete(entry) === 0) this.#refused.delete(entry.kind);
    }
    entry.kind = kind;
    if (kind === '') return;
    const group = this.#refused.get(kind);
    if (group) group.add(entry);
    else this.#refused.set(kind, new Refused(entry));
  }

  #leave(entry: Waiting): void {
    this.#deciding.delete(entry);
    for (const group of entry.groups) {
      group.entries.delete(entry);
      group.held.delete(entry);
      if (group.entries.size + group.held.size === 0) this.#parked.get(group.plugin)?.delete(group.kind);
    }
    entry.groups = [];
  }

  #groupOf(plugin: string, kind: string): Group {
    let kinds = this.#parked.get(plugin);
    if (!kinds) this.#parked.set(plugin, (kinds = new Map()));
    let group = kinds.get(kind);
    if (!group) kinds.set(kind, (group = { plugin, kind, entries: new Set(), held: new Set(), stirs: 0 }));
    return group;
  }

  #schedule(entry: Waiting, at: number): void {
    entry.until = at;
    this.#later.push({ entry, at });
  }

  #isCurrent(entry: Waiting): boolean {
    return this.#waiting.get(entry.pod.metadata.uid) === entry;
  }
}

/** Of those whom no filter in particular refused, or one whose view nobody here knows. */
const UNKNOWN = '*';

function groupsOf({ plugins }: Waiting): readonly string[] {
  const isKnown = plugins.size > 0 && [...plugins].every((plugin) => KNOWN.has(plugin));
  return isKnown ? ['', ...plugins] : ['', UNKNOWN, ...plugins];
}

const KNOWN: ReadonlySet<string> = new Set(PLUGINS);

function stirsOf({ groups }: Waiting): number {
  let stirs = 0;
  for (const group of groups) stirs += group.stirs;
  return stirs;
}

function anybody(): boolean {
  return true;
}

/** Refused pods of one kind, and which of them comes first. */
class Refused {
  readonly #entries = new Set<Waiting>();
  /** May hold those that have left, until they come up. */
  #order = new Heap<Waiting>(before);

  constructor(first: Waiting) {
    this.add(first);
  }

  add(entry: Waiting): void {
    this.#entries.add(entry);
    this.#order.push(entry);
    if (this.#order.size <= 2 * this.#entries.size + SLACK) return;
    this.#order = new Heap(before);
    for (const one of this.#entries) this.#order.push(one);
  }

  /** How many are left. */
  delete(entry: Waiting): number {
    this.#entries.delete(entry);
    return this.#entries.size;
  }

  best(): Waiting | undefined {
    for (let first = this.#order.peek(); first; first = this.#order.peek()) {
      if (this.#entries.has(first)) return first;
      this.#order.pop();
    }
    return undefined;
  }
}

const SLACK = 64;

/** Less than zero: `a` comes before `b`. */
function before(a: Waiting, b: Waiting): number {
  return priority(b) - priority(a) || a.since - b.since;
}

function priority({ pod }: Waiting): number {
  return pod.spec.priority ?? 0;
}
