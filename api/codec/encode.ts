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
  const { kind, apiVersion, metadata } = stored;
  const { resourceVersion: _, ...kept } = metadata ?? {};
  const pieces = [JSON.stringify({ kind, apiVersion, metadata: kept })];
  for (const key in stored) {
    const value = stored[key];
    if (value !== undefined && !FIRST.has(key)) pieces.push(`,${JSON.stringify(key)}:`, spelled(value));
  }
  return joined(pieces);
}

const FIRST: ReadonlySet<string> = new Set(['kind', 'apiVersion', 'metadata']);

function spelled(value: unknown): string {
  return typeof value === 'object' && value !== null ? textOf(value) : JSON.stringify(value);
}

/** Parts that objects share are spelled once. */
const textOf = remembered((part: object) => JSON.stringify(part));

/** The first piece is an object, into which the others go. Put together as bytes: a text of all of them would be made for nothing else. */
function joined(pieces: readonly string[]): Buffer {
  let size = 0;
  for (const piece of pieces) size += Buffer.byteLength(piece);
  const out = Buffer.allocUnsafe(size);
  let at = out.write(pieces[0] as string) - 1;
  for (let i = 1; i < pieces.length; i++) at += out.write(pieces[i] as string, at);
  out[at] = BRACE;
  return out;
}

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
