/**
 * A layer over any store that keeps the values of some resources encrypted; keys, revisions and all else stay as they are.
 *
 * Who reads through it sees plain text. Caches do so once per write, so that reads of the API cost nothing more. A value that
 * does not open is an error where it is asked for by name; lists and watches hand it on as it is, so that one bad value does
 * not take the resource away, and nothing is ever overwritten that could not be read. A key that has to be asked for and is not
 * given may be given later: then lists fail and watches end.
 */
import type { Clock } from '../../std/clock.ts';
import { preparedWatch } from './encryption-watch.ts';
import { Conflict, type Change, type Entry, type ListOptions, type Page, type Store, type Watch, type WatchSink, type WriteOptions } from './store.ts';
import type { Transformer } from './encryption-ciphers.ts';
import type { EncryptionSeries } from './kms/series.ts';

export interface EncryptionPolicy {
  /** Of a resource by its place in the store, `secrets` or `example.com/widgets`; undefined: its values are stored as they are. */
  transformerOf(place: string): Transformer | undefined;
}

export interface EncryptedStore extends Store {
  /** Writes the values of some places anew that the present key has not sealed, until there are none; returns how many. Safe beside other writers. `begin` runs before the first of them. */
  rewrite(places: readonly string[], begin?: () => void): Promise<number>;
}

/** A stored value that no key opens. */
export class Undecipherable extends Error {
  override readonly name = 'Undecipherable';
  constructor(path: string, cause: unknown) {
    super(`unable to transform key ${JSON.stringify(path)}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const ROOT = '/registry/';
const PAGE = 500;

/** `counted`: where what is sealed and opened is counted. */
export function encryptStore(inner: Store, policy: EncryptionPolicy, onFault: (error: Error) => void, counted?: Counted): EncryptedStore {
  return new CipherStore(inner, counted ? { transformerOf: (place) => counting(policy.transformerOf(place), place, counted) } : policy, onFault);
}

export interface Counted {
  readonly series: EncryptionSeries;
  readonly clock: Clock;
}

function counting(transformer: Transformer | undefined, place: string, { series, clock }: Counted): Transformer | undefined {
  if (!transformer) return undefined;
  const [group, plural] = place.split('/');
  const resource = plural === undefined || group === 'services' ? place : `${plural}.${group}`;
  const timed = <T>(direction: 'from_storage' | 'to_storage', prefix: string | undefined, run: () => T): T => {
    if (prefix === undefined) return run();
    const began = clock.monotonic();
    const record = (error: boolean): void => series.transformed(resource, direction, prefix, (clock.monotonic() - began) / 1000, error);
    try {
      const done = run();
      record(false);
      return done;
    } catch (error) {
      record(true);
      throw error;
    }
  };
  return {
    ...transformer,
    seal: (path, plain) => timed('to_storage', transformer.names?.sealing(), () => transformer.seal(path, plain)),
    open: (path, stored) => timed('from_storage', transformer.names?.of(stored), () => transformer.open(path, stored)),
  };
}

class CipherStore implements EncryptedStore {
  readonly #inner: Store;
  readonly #policy: EncryptionPolicy;
  readonly #onFault: (error: Error) => void;
  readonly #places = new Map<string, Transformer | undefined>();
  /** Sealed, and not yet acknowledged. */
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(inner: Store, policy: EncryptionPolicy, onFault: (error: Error) => void) {
    this.#inner = inner;
    this.#policy = policy;
    this.#onFault = onFault;
  }

  revision(): Promise<number> {
    return this.#inner.revision();
  }

  async get(key: string, options?: { readonly revision?: number }): Promise<Entry | undefined> {
    const entry = await this.#inner.get(key, options);
    if (entry) await this.#prepare([entry]);
    return entry && this.#opened(entry);
  }

  async list(prefix: string, options?: ListOptions): Promise<Page> {
    const page = await this.#inner.list(prefix, options);
    if (placeOf(prefix) !== undefined && !this.#of(prefix)) return page;
    await this.#prepare(page.entries);
    return { ...page, entries: page.entries.map((entry) => ({ ...entry, value: this.#read(entry.key, entry.value) })) };
  }

  async write(key: string, expected: number, value: Buffer | undefined, options?: WriteOptions): Promise<number> {
    const transformer = this.#of(key);
    if (!transformer) return this.#inner.write(key, expected, value, options);
    const written = this.#inner.write(key, expected, value && transformer.seal(key, value), options);
    this.#underWay.add(written);
    try {
      return await written;
    } catch (error) {
      if (!(error instanceof Conflict) || !error.current) throw error;
      await this.#prepare([error.current]);
      throw new Conflict(key, this.#opened(error.current));
    } finally {
      this.#underWay.delete(written);
    }
  }

  watch(prefix: string, after: number, sink: WatchSink): Watch {
    if (placeOf(prefix) !== undefined && !this.#of(prefix)) return this.#inner.watch(prefix, after, sink);
    // What is stored as it is passes as it is: a value from before would have to be fetched.
    const isSealed = ({ key }: Change): boolean => this.#of(key) !== undefined;
    const opened = (change: Change): Change => (isSealed(change) ? {
      ...change, value: change.value && this.#read(change.key, change.value), previous: change.previous && this.#read(change.key, change.previous),
    } : change);
    return preparedWatch(this.#inner, { prefix, after, sink, opened, prepare: (batch) => this.#prepare(valuesOf(batch.filter(isSealed))) });
  }

  compact(revision: number): Promise<void> {
    return this.#inner.compact(revision);
  }

  async erase(): Promise<void> {
    await this.#inner.erase?.();
  }

  snapshot(path: string): Promise<void> {
    return this.#inner.snapshot(path);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async rewrite(places: readonly string[], begin: () => void = () => undefined): Promise<number> {
    let written = 0;
    for (;;) {
      // What was sealed before the keys changed must be there to be seen.
      await Promise.allSettled(this.#underWay);
      let found = 0;
      for (const place of places) found += await this.#rewriteOnce(`${ROOT}${place}/`, begin);
      if (found === 0) return written;
      written += found;
    }
  }

  async #rewriteOnce(prefix: string, begin: () => void): Promise<number> {
    let written = 0;
    let from: string | undefined;
    for (;;) {
      const page = await this.#inner.list(prefix, { limit: PAGE, ...(from !== undefined && { from }) });
      await this.#prepare(page.entries);
      const stale = page.entries.filter((entry) => this.#isStale(entry));
      if (stale.length > 0) begin();
      await Promise.all(stale.map((entry) => this.#renew(entry)));
      written += stale.length;
      const last = page.entries.at(-1);
      if (!page.more || !last) return written;
      from = `${last.key}\0`;
    }
  }

  #isStale({ key, value }: Entry): boolean {
    const transformer = this.#of(key);
    return transformer !== undefined && this.#open(transformer, key, value).stale;
  }

  /** Somebody who wrote it meanwhile did so with the present key: the next pass looks. */
  async #renew({ key, value, revision }: Entry): Promise<void> {
    const transformer = this.#of(key);
    if (!transformer) return;
    const { plain } = this.#open(transformer, key, value);
    try {
      await this.#inner.write(key, revision, transformer.seal(key, plain));
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }

  /** Asks for the keys of all of these that are not known yet; undefined where all are. */
  #prepare(stored: Iterable<{ readonly key: string; readonly value: Buffer }>): Promise<void> | undefined {
    const asked: Promise<void>[] = [];
    for (const { key, value } of stored) {
      const asking = this.#asked(key, value);
      if (asking) asked.push(asking);
    }
    return asked.length === 0 ? undefined : Promise.all(asked).then(() => undefined);
  }

  #asked(key: string, value: Buffer): Promise<void> | undefined {
    try {
      return this.#of(key)?.prepare?.(key, value)?.catch((error: unknown) => {
        throw new Undecipherable(key, error);
      });
    } catch {
      // What it is in a key's place will show when it is opened.
      return undefined;
    }
  }

  #opened(entry: Entry): Entry {
    const transformer = this.#of(entry.key);
    if (!transformer) return entry;
    const { plain, stale } = this.#open(transformer, entry.key, entry.value);
    return { ...entry, value: plain, ...(stale && { stale }) };
  }

  #open(transformer: Transformer, key: string, value: Buffer): { readonly plain: Buffer; readonly stale: boolean } {
    try {
      return transformer.open(key, value);
    } catch (error) {
      throw new Undecipherable(key, error);
    }
  }

  #read(key: string, value: Buffer): Buffer {
    const transformer = this.#of(key);
    if (!transformer) return value;
    try {
      return transformer.open(key, value).plain;
    } catch (error) {
      this.#onFault(new Undecipherable(key, error));
      return value;
    }
  }

  #of(key: string): Transformer | undefined {
    const place = placeOf(key);
    if (place === undefined) return undefined;
    if (this.#places.has(place)) return this.#places.get(place);
    const transformer = this.#policy.transformerOf(place);
    this.#places.set(place, transformer);
    return transformer;
  }
}

function* valuesOf(batch: readonly Change[]): Generator<{ readonly key: string; readonly value: Buffer }> {
  for (const { key, value, previous } of batch) {
    if (value) yield { key, value };
    if (previous) yield { key, value: previous };
  }
}

/** The resource's place of `/registry/PLACE/…`; undefined where the key ends before. Groups have a dot, and Services two places. */
function placeOf(key: string): string | undefined {
  const first = key.indexOf('/', ROOT.length);
  if (first < 0) return undefined;
  const place = key.slice(ROOT.length, first);
  if (!place.includes('.') && place !== 'services') return place;
  const second = key.indexOf('/', first + 1);
  return second < 0 ? undefined : key.slice(ROOT.length, second);
}
