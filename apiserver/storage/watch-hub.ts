/** Hands changes to the watchers of a store: replay from its history, slice by slice, then live. */
import { every, type Clock, type Timer } from '../../std/clock.ts';
import { Overflow, WATCH_BACKLOG_LIMIT, type Change, type Watch, type WatchSink } from './store.ts';

export interface Slice {
  readonly changes: readonly Change[];
  /** How far the slice reaches; all changes of this revision are in it. */
  readonly upTo: number;
}

export interface WatchSource {
  /** The revision of what was published last; Infinity while that is not known. */
  head(): number;
  /** Some of the changes under a prefix that follow a revision, oldest first. Throws `Compacted`. */
  read(prefix: string, after: number): Slice | Promise<Slice>;
}

export interface WatchHubOptions {
  readonly source: WatchSource;
  readonly clock: Clock;
  readonly backlogLimit?: number;
}

/** Quiet watchers hear this often how far the store is. */
export const PROGRESS_MS = 5_000;

interface Watcher {
  readonly prefix: string;
  readonly sink: WatchSink;
  phase: 'replaying' | 'live' | 'over';
  /** Everything up to here was delivered. */
  cursor: number;
  /** Changes that arrived while the replay was still under way. */
  missed: number;
}

export class WatchHub {
  readonly #source: WatchSource;
  readonly #clock: Clock;
  readonly #backlogLimit: number;
  readonly #watchers = new Set<Watcher>();
  #timer: Timer | undefined;

  constructor(options: WatchHubOptions) {
    this.#source = options.source;
    this.#clock = options.clock;
    this.#backlogLimit = options.backlogLimit ?? WATCH_BACKLOG_LIMIT;
  }

  /** Nobody would see what is published. */
  get isIdle(): boolean {
    return this.#watchers.size === 0;
  }

  watch(prefix: string, after: number, sink: WatchSink): Watch {
    const watcher: Watcher = { prefix, sink, phase: 'replaying', cursor: after, missed: 0 };
    this.#watchers.add(watcher);
    this.#timer ??= every(this.#clock, PROGRESS_MS, () => this.#progress(), () => undefined);
    if (after >= this.#source.head()) watcher.phase = 'live';
    else setImmediate(() => void this.#replay(watcher));
    return { close: () => this.#drop(watcher) };
  }

  /** Delivers what was just committed, in one call per watcher. The source's head must already stand at `revision`. */
  publish(batch: readonly Change[], revision: number): void {
    const runs = runsOf(batch);
    const first = batch[0]?.revision ?? Infinity;
    for (const watcher of this.#watchers) {
      const { phase, prefix, cursor } = watcher;
      if (phase === 'replaying') {
        watcher.missed += under(prefix, batch, runs).length;
        if (watcher.missed > this.#backlogLimit) this.#end(watcher, new Overflow(`fell more than ${this.#backlogLimit} changes behind`));
      } else if (revision > cursor) {
        const own = under(prefix, batch, runs);
        this.#deliver(watcher, cursor < first ? own : own.filter((change) => change.revision > cursor), revision);
      }
    }
  }

  /** Ends all watches. */
  end(error: Error): void {
    // A copy: who is ended may start anew.
    const all = [...this.#watchers];
    for (const watcher of all) this.#end(watcher, error);
  }

  async #replay(watcher: Watcher): Promise<void> {
    while (watcher.phase === 'replaying') {
      try {
        const { changes, upTo } = await this.#source.read(watcher.prefix, watcher.cursor);
        if (isOver(watcher)) return;
        this.#deliver(watcher, changes, upTo);
      } catch (error) {
        return this.#end(watcher, error as Error);
      }
      if (isOver(watcher)) return;
      if (watcher.cursor >= this.#source.head()) watcher.phase = 'live';
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #deliver(watcher: Watcher, changes: readonly Change[], upTo: number): void {
    watcher.cursor = upTo;
    try {
      if (changes.length > 0) watcher.sink.changes(changes);
      if (watcher.phase !== 'over' && changes.at(-1)?.revision !== upTo) watcher.sink.progress(upTo);
    } catch (error) {
      this.#end(watcher, error as Error);
    }
  }

  #progress(): void {
    const head = this.#source.head();
    for (const watcher of this.#watchers) if (watcher.phase === 'live') this.#deliver(watcher, [], Math.max(head, watcher.cursor));
  }

  #end(watcher: Watcher, error: Error): void {
    if (watcher.phase === 'over') return;
    this.#drop(watcher);
    try {
      watcher.sink.ended(error);
    } catch {
      // It was told; what it makes of it must not stop the store.
    }
  }

  #drop(watcher: Watcher): void {
    watcher.phase = 'over';
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** Asked again after something else ran. */
function isOver(watcher: Watcher): boolean {
  return watcher.phase === 'over';
}

/** Changes that follow each other and are of one place: `/registry/pods/`. Most batches are few, and most watchers are meant by none or all of one. */
interface Run {
  readonly place: string;
  readonly from: number;
  to: number;
}

function runsOf(batch: readonly Change[]): Run[] {
  const runs: Run[] = [];
  let last: Run | undefined;
  for (let at = 0; at < batch.length; at++) {
    const { key } = batch[at] as Change;
    if (last && key.startsWith(last.place)) last.to = at + 1;
    else runs.push((last = { place: key.slice(0, key.indexOf('/', key.indexOf('/', 1) + 1) + 1), from: at, to: at + 1 }));
  }
  return runs;
}

const NONE: readonly Change[] = [];

function under(prefix: string, batch: readonly Change[], runs: readonly Run[]): readonly Change[] {
  let own = NONE as Change[];
  for (const { place, from, to } of runs) {
    const all = place.startsWith(prefix);
    if (!all && !prefix.startsWith(place)) continue;
    const some = all ? (to - from === batch.length ? (batch as Change[]) : batch.slice(from, to)) : batch.slice(from, to).filter((change) => change.key.startsWith(prefix));
    own = own.length === 0 ? some : own.concat(some);
  }
  return own;
}
