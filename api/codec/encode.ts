/**
 * The canonical bytes of an object: kind, apiVersion and metadata first, and no resourceVersion, so that the revision which the store
 * gives can be put in without parsing.
 */
import type { ApiObject } from '../kind.ts';
import './exact-integers.ts';
import { withStoredLists } from './stored-lists.ts';

const METADATA = Buffer.from('"metadata":{');
const BRACE = 0x7d;

/** Begins `{"kind":…,"apiVersion":…,"metadata":{`; what metadata has as resourceVersion is left out. Empty lists take the form in which they come back from a store. */
export function encodeJson(object: Readonly<ApiObject>): Buffer {
  const { kind, apiVersion, metadata, ...rest } = withStoredLists(object);
  const { resourceVersion: _, ...kept } = metadata ?? {};
  return Buffer.from(JSON.stringify({ kind, apiVersion, metadata: kept, ...rest }));
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
