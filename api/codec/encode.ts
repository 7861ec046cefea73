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
  const { kind, apiVersion, metadata, ...rest } = withStoredLists(object);
  const { resourceVersion: _, ...kept } = metadata ?? {};
  let text = JSON.stringify({ kind, apiVersion, metadata: kept }).slice(0, -1);
  for (const key in rest) if (rest[key] !== undefined) text += `,${JSON.stringify(key)}:${spelled(rest[key])}`;
  return Buffer.from(`${text}}`);
}

function spelled(value: unknown): string {
  return typeof value === 'object' && value !== null ? textOf(value) : JSON.stringify(value);
}

/** Parts that objects share are spelled once. */
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
