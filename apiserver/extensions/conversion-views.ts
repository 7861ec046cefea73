/**
 * Versions of a custom kind with a conversion webhook, each as a place of its own in the store: what is read there has that
 * version, whatever version it was stored in, and what is written is stored in the storage version. Caches, watches and writes
 * of the API run on such a place as on any other; only here does anybody wait for a webhook.
 *
 * What is stored has its own version's defaults before it is converted, and none are filled in afterwards.
 * A page of a list and a batch of a watch are converted in one call each. Where the webhook fails, reads by name and lists are
 * refused with its words, and a watch ends: whoever follows starts anew.
 */
import { encodeJson } from '../../api/codec/encode.ts';
import { parseExact } from '../../api/codec/json-text.ts';
import type { ApiObject } from '../../api/kind.ts';
import type { VersionForms } from '../../api/structural/custom-kind.ts';
import { Conflict, Overflow, WATCH_BACKLOG_LIMIT, type Change, type Entry, type ListOptions, type Store, type Watch, type WatchSink } from '../storage/store.ts';
import type { Convert } from './conversion-webhook.ts';
import type { Convertible } from './conversion-review.ts';

export interface View extends VersionForms {
  /** Where the objects really are: `example.com/widgets`. */
  readonly place: string;
  /** What is read here: `example.com/v2`. */
  readonly apiVersion: string;
  /** What is stored. */
  readonly storedVersion: string;
  readonly convert: Convert;
}

export interface ConversionViews {
  /** The store with the views in it. */
  readonly store: Store;
  /** `name` is the view's own place: `example.com/widgets@v2`. */
  set(name: string, view: View): void;
  remove(name: string): void;
}

export function openConversionViews(inner: Store): ConversionViews {
  const views = new Map<string, View>();
  const at = (key: string): Opened | undefined => {
    if (views.size === 0 || !key.includes('@')) return undefined;
    const name = VIEWED.exec(key)?.[1];
    const view = name === undefined ? undefined : views.get(name);
    return view && name !== undefined ? { view, inside: `${ROOT}${view.place}`, outside: `${ROOT}${name}` } : undefined;
  };
  const store: Store = {
    revision: () => inner.revision(),
    get(key, options) {
      const opened = at(key);
      return opened ? getIn(inner, opened, key, options) : inner.get(key, options);
    },
    list(prefix, options) {
      const opened = at(prefix);
      return opened ? listIn(inner, opened, prefix, options) : inner.list(prefix, options);
    },
    write(key, expected, value, options) {
      const opened = at(key);
      return opened ? writeIn(inner, opened, { key, expected, value, options }) : inner.write(key, expected, value, options);
    },
    watch(prefix, after, sink) {
      const opened = at(prefix);
      return opened ? new ViewWatch(inner, opened, { prefix, after, sink }) : inner.watch(prefix, after, sink);
    },
    compact: (revision) => inner.compact(revision),
    snapshot: (path) => inner.snapshot(path),
    close: () => inner.close(),
  };
  return { store, set: (name, view) => void views.set(name, view), remove: (name) => void views.delete(name) };
}

const ROOT = '/registry/';
const VIEWED = /^\/registry\/([^/]+\/[^/@]+@[^/]+)\//;

interface Opened {
  readonly view: View;
  /** The beginning of keys in the store, and in the view. */
  readonly inside: string;
  readonly outside: string;
}

function inwards({ inside, outside }: Opened, key: string): string {
  return inside + key.slice(outside.length);
}

function outwards({ inside, outside }: Opened, key: string): string {
  return outside + key.slice(inside.length);
}

async function getIn(inner: Store, opened: Opened, key: string, options?: { readonly revision?: number }): Promise<Entry | undefined> {
  const entry = await inner.get(inwards(opened, key), options);
  return entry && seen(opened, entry);
}

async function seen(opened: Opened, entry: Entry): Promise<Entry> {
  const [value] = await read(opened.view, [entry.value]);
  const stale = entry.stale === true || versionOf(entry.value) !== opened.view.storedVersion;
  return { ...entry, key: outwards(opened, entry.key), value: value as Buffer, ...(stale && { stale }) };
}

async function listIn(inner: Store, opened: Opened, prefix: string, options: ListOptions = {}): ReturnType<Store['list']> {
  const from = options.from === undefined ? {} : { from: inwards(opened, options.from) };
  const page = await inner.list(inwards(opened, prefix), { ...options, ...from });
  const values = await read(opened.view, page.entries.map(({ value }) => value));
  return { ...page, entries: page.entries.map((entry, i) => ({ ...entry, key: outwards(opened, entry.key), value: values[i] as Buffer })) };
}

interface Writing {
  readonly key: string;
  readonly expected: number;
  readonly value: Buffer | undefined;
  readonly options: Parameters<Store['write']>[3];
}

async function writeIn(inner: Store, opened: Opened, { key, expected, value, options }: Writing): Promise<number> {
  const { view } = opened;
  const stored = value && (await written(view, value));
  try {
    return await inner.write(inwards(opened, key), expected, stored, options);
  } catch (error) {
    if (error instanceof Conflict && error.current) throw new Conflict(key, await seen(opened, error.current));
    throw error;
  }
}

/** In the view's version: those that have another are converted, in one call. */
async function read(view: View, values: readonly Buffer[]): Promise<Buffer[]> {
  const others: { readonly at: number; readonly object: Convertible }[] = [];
  const out = values.map((value, at) => {
    const object = parseExact(value.toString()) as Convertible;
    const changed = view.form(object as unknown as ApiObject);
    if (object.apiVersion !== view.apiVersion) others.push({ at, object });
    return changed ? encodeJson(object as unknown as ApiObject) : value;
  });
  if (others.length === 0) return out;
  const made = await convertAll(view, others.map(({ object }) => object));
  others.forEach(({ at }, i) => (out[at] = encoded(view, made[i] as Convertible)));
  return out;
}

/** In one call; where that fails, one by one: so one that cannot be converted is told by itself. */
async function convertAll(view: View, objects: readonly Convertible[]): Promise<Convertible[]> {
  try {
    return await view.convert(objects, view.apiVersion);
  } catch (error) {
    if (objects.length === 1) throw error;
    const made: Convertible[] = [];
    for (const object of objects) made.push(...(await view.convert([object], view.apiVersion)));
    return made;
  }
}

async function written(view: View, value: Buffer): Promise<Buffer> {
  if (view.storedVersion === view.apiVersion) return value;
  const [made] = await view.convert([parseExact(value.toString()) as Convertible], view.storedVersion);
  return encoded(view, made as Convertible);
}

function encoded(view: View, made: Convertible): Buffer {
  view.narrow(made as unknown as ApiObject);
  return encodeJson(made as unknown as ApiObject);
}

/** Objects are stored with kind and apiVersion first. */
const FIRST = /^\{"kind":"[^"\\]*","apiVersion":"([^"\\]*)"/;
const FIRST_BYTES = 600;

function versionOf(value: Buffer): string {
  const found = FIRST.exec(value.toString('utf8', 0, FIRST_BYTES))?.[1];
  return found ?? String((JSON.parse(value.toString()) as { apiVersion?: string }).apiVersion);
}

type Told = { readonly changes: readonly Change[] } | { readonly progress: number } | { readonly ended: Error };

/** Keeps the order of what the store tells while conversions are under way. */
class ViewWatch implements Watch {
  readonly #opened: Opened;
  readonly #sink: WatchSink;
  readonly #watch: Watch | undefined;
  readonly #queue: Told[] = [];
  #waiting = 0;
  #busy = false;
  #over = false;

  constructor(inner: Store, opened: Opened, { prefix, after, sink }: { readonly prefix: string; readonly after: number; readonly sink: WatchSink }) {
    this.#opened = opened;
    this.#sink = sink;
    this.#watch = inner.watch(inwards(opened, prefix), after, {
      changes: (changes) => this.#tell({ changes }),
      progress: (progress) => this.#tell({ progress }),
      ended: (ended) => this.#tell({ ended }),
    });
  }

  close(): void {
    this.#over = true;
    this.#queue.length = 0;
    this.#watch?.close();
  }

  #tell(told: Told): void {
    if (this.#over) return;
    if ('changes' in told) this.#waiting += told.changes.length;
    if (this.#waiting > WATCH_BACKLOG_LIMIT) return this.#end(new Overflow('the conversion webhook is too slow for the changes'));
    // Progress is only of use when it is the latest.
    const last = this.#queue.at(-1);
    if ('progress' in told && last && 'progress' in last) this.#queue.pop();
    this.#queue.push(told);
    if (!this.#busy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    for (let told = this.#queue.shift(); told && !this.#over; told = this.#queue.shift()) {
      if ('progress' in told) this.#sink.progress(told.progress);
      else if ('ended' in told) this.#end(told.ended);
      else await this.#hand(told.changes);
    }
    this.#busy = false;
  }

  async #hand(changes: readonly Change[]): Promise<void> {
    try {
      const present = changes.filter(({ value }) => value !== undefined);
      const values = await read(this.#opened.view, present.map(({ value }) => value as Buffer));
      this.#waiting -= changes.length;
      if (this.#over) return;
      // What was there before is known to whoever follows.
      this.#sink.changes(changes.map((change) => ({ ...change, key: outwards(this.#opened, change.key), value: change.value && values[present.indexOf(change)], previous: undefined })));
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #end(error: Error): void {
    if (this.#over) return;
    this.close();
    this.#sink.ended(error);
  }
}
