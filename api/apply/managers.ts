/** The entries of `metadata.managedFields`: who owns which fields since when. */
import { decodeFields, encodeFields, union, type FieldSet } from './field-set.ts';

export type Operation = 'Apply' | 'Update';

export interface Manager {
  readonly manager: string;
  readonly operation: Operation;
  readonly apiVersion: string;
  readonly subresource: string;
}

export interface Entry extends Manager {
  readonly time: string | undefined;
  readonly set: FieldSet;
  /** The set as it was read, as long as the set is the same. */
  readonly encoded?: unknown;
}

/** By identity; changed while a request is worked on. */
export type Entries = Map<string, Entry>;

/** What makes two entries one: for appliers the version does not count. */
export function identity(manager: Manager): string {
  const version = manager.operation === 'Apply' ? '' : manager.apiVersion;
  return `${manager.operation}\n${version}\n${manager.subresource}\n${manager.manager}`;
}

/** Undefined where an entry is malformed. */
export function decodeManagedFields(managedFields: unknown): Entries | undefined {
  const entries: Entries = new Map();
  if (managedFields === undefined || managedFields === null) return entries;
  if (!Array.isArray(managedFields)) return undefined;
  for (const raw of managedFields as unknown[]) {
    const entry = decodeEntry(raw);
    if (!entry) return undefined;
    entries.set(identity(entry), entry);
  }
  return entries;
}

function decodeEntry(raw: unknown): Entry | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { manager, operation, apiVersion, subresource, time, fieldsType, fieldsV1 } = raw as Record<string, unknown>;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (typeof apiVersion !== 'string' || apiVersion === '' || fieldsType !== 'FieldsV1') return undefined;
  const set = decodeFields(fieldsV1);
  if (!set) return undefined;
  return {
    manager: typeof manager === 'string' ? manager : '',
    operation,
    apiVersion,
    subresource: typeof subresource === 'string' ? subresource : '',
    time: typeof time === 'string' ? time : undefined,
    set,
    encoded: withoutRoot(fieldsV1),
  };
}

/** The whole object is nobody's: at the top the mark of what is owned itself says nothing. */
function withoutRoot(fieldsV1: unknown): unknown {
  if (typeof fieldsV1 !== 'object' || fieldsV1 === null || !Object.hasOwn(fieldsV1, '.')) return fieldsV1;
  const { '.': _, ...rest } = fieldsV1 as Record<string, unknown>;
  return rest;
}

/** In upstream's order: by operation, time, manager, version, subresource. Undefined when there are none. */
export function encodeManagedFields(entries: Entries): unknown[] | undefined {
  return encodeEntries([...entries.values()]);
}

export function encodeEntries(entries: readonly Entry[]): unknown[] | undefined {
  if (entries.length === 0) return undefined;
  return entries.length === 1 ? [encodeEntry(entries[0] as Entry)] : [...entries].sort(inOrder).map(encodeEntry);
}

function encodeEntry({ manager, operation, apiVersion, subresource, time, set, encoded }: Entry): object {
  const out: Record<string, unknown> = {};
  if (manager !== '') out['manager'] = manager;
  out['operation'] = operation;
  out['apiVersion'] = apiVersion;
  if (time !== undefined) out['time'] = time;
  out['fieldsType'] = 'FieldsV1';
  out['fieldsV1'] = encoded ?? encodeFields(set);
  if (subresource !== '') out['subresource'] = subresource;
  return out;
}

/** An entry with another set. */
export function withSet(entry: Entry, set: FieldSet): Entry {
  return { ...entry, set, encoded: undefined };
}

const MAX_UPDATE_MANAGERS = 10;
const OLD_UPDATES = 'ancient-changes';

/** Keeps the number of updaters bounded: the oldest are merged into one per version. */
export function capUpdaters(entries: Entries): void {
  if (entries.size <= MAX_UPDATE_MANAGERS) return;
  const updaters = [...entries].filter(([, entry]) => entry.operation === 'Update');
  let count = updaters.length;
  if (count <= MAX_UPDATE_MANAGERS) return;
  updaters.sort(([a, left], [b, right]) => compareText(left.time ?? '', right.time ?? '') || compareText(a, b));
  const firsts = new Map<string, string>();
  for (const [id, entry] of updaters) {
    if (count <= MAX_UPDATE_MANAGERS) return;
    const first = firsts.get(entry.apiVersion);
    if (first === undefined) {
      firsts.set(entry.apiVersion, id);
      continue;
    }
    const bucket: Manager = { manager: OLD_UPDATES, operation: 'Update', apiVersion: entry.apiVersion, subresource: '' };
    const into = entries.get(identity(bucket)) ?? entries.get(first);
    if (!entries.has(identity(bucket))) entries.delete(first);
    const set = into ? union(entry.set, into.set) : entry.set;
    entries.delete(id);
    entries.set(identity(bucket), { ...bucket, time: entry.time, set });
    count--;
  }
}

function inOrder(a: Entry, b: Entry): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
