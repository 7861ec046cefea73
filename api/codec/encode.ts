/**
 * The canonical bytes of an object: kind, apiVersion and metadata first, and no resourceVersion, so that the revision which the store
 * gives can be put in without parsing.
 */
import { remembered } from '../../std/remembered.ts';
import type { ApiObject } from '../kind.ts';
import './exact-integers.ts';
import { withStoredLists } from './stored-lists.ts';

const METADATA = Buffer.from('"metadata":{');
const BRACE = 0x7d;

/** Begins `{"kind":…,"apiVersion":…,"metadata":{`; what metadata has as resourceVersion is left out. Empty lists take the form in which they come back from a store. */
export function encodeJson(object: Readonly<ApiObject>): Buffer {
  const stored = withStoredLists(object);
  const out = new Spelling();
  spellHead(stored, out);
  for (const key in stored) {
    const value = stored[key];
    if (value === undefined || FIRST.has(key)) continue;
    out.own(`,${JSON.stringify(key)}:`);
    if (typeof value === 'object' && value !== null && Object.isFrozen(value)) out.shared(value);
    else out.own(JSON.stringify(value));
  }
  out.own('}');
  return out.bytes();
}

const FIRST: ReadonlySet<string> = new Set(['kind', 'apiVersion', 'metadata']);

/** All but the last brace. Who owns what is half of it, and the same for many objects. */
function spellHead({ kind, apiVersion, metadata }: Readonly<ApiObject>, out: Spelling): void {
  const { resourceVersion: _, managedFields, ...kept } = metadata ?? {};
  if (!managedFields?.length || !managedFields.every(isEntry)) {
    out.own(JSON.stringify({ kind, apiVersion, metadata: managedFields ? { ...kept, managedFields } : kept }).slice(0, -1));
    return;
  }
  const head = JSON.stringify({ kind, apiVersion, metadata: kept });
  out.own(`${head.slice(0, -2)}${head.endsWith('{}}') ? '' : ','}"managedFields":[`);
  for (let at = 0; at < managedFields.length; at++) {
    const { fieldsV1, subresource, ...who } = managedFields[at] as Entry;
    out.own(`${at > 0 ? ',' : ''}${JSON.stringify(who).slice(0, -1)},"fieldsV1":`);
    out.shared(fieldsV1);
    out.own(subresource === undefined ? '}' : `,"subresource":${JSON.stringify(subresource)}}`);
  }
  out.own(']}');
}

interface Entry {
  readonly operation: string;
  readonly fieldsV1: object;
  readonly subresource?: unknown;
}

function isEntry(entry: unknown): boolean {
  const { operation, fieldsV1 } = (entry ?? {}) as Partial<Entry>;
  return typeof operation === 'string' && typeof fieldsV1 === 'object' && fieldsV1 !== null;
}

/** Text in its making. Put together as bytes: what is shared would have to be copied into a text of all first. */
class Spelling {
  readonly #pieces: string[] = [];
  #own = '';

  own(text: string): void {
    this.#own += text;
  }

  /** Parts that objects share are spelled once. */
  shared(part: object): void {
    this.#pieces.push(this.#own, textOf(part));
    this.#own = '';
  }

  bytes(): Buffer {
    this.#pieces.push(this.#own);
    let size = 0;
    for (const piece of this.#pieces) size += Buffer.byteLength(piece);
    const bytes = Buffer.allocUnsafe(size);
    let at = 0;
    for (const piece of this.#pieces) at += bytes.write(piece, at);
    return bytes;
  }
}

const textOf = remembered((part: object) => JSON.stringify(part));

/** Puts `resourceVersion` first into the metadata of what `encodeJson` returned. The result is a buffer of its own, outside the pool, unless `allocate` says where else. */
export function spliceRevision(bytes: Buffer, revision: number, allocate: (size: number) => Buffer = Buffer.allocUnsafeSlow): Buffer {
  const at = bytes.indexOf(METADATA);
  if (at < 0) throw new Error('a stored value has no metadata');
  const cut = at + METADATA.length;
  const text = `"resourceVersion":"${revision}"${bytes[cut] === BRACE ? '' : ','}`;
  const out = allocate(bytes.length + text.length);
  bytes.copy(out, 0, 0, cut);
  out.write(text, cut, 'latin1');
  bytes.copy(out, cut + text.length, cut);
  return out;
}
