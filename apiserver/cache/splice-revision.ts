/** Puts `metadata.resourceVersion` into stored JSON without parsing it. */

const METADATA = Buffer.from('"metadata":{');

/** The value must begin `{"kind":…,"apiVersion":…,"metadata":{` and have no resourceVersion. The result is a buffer of its own. */
export function spliceRevision(value: Buffer, revision: number): Buffer {
  const at = value.indexOf(METADATA);
  if (at < 0) throw new Error('a stored value has no metadata');
  const cut = at + METADATA.length;
  const empty = value[cut] === 0x7d;
  const text = `"resourceVersion":"${revision}"${empty ? '' : ','}`;
  const out = Buffer.allocUnsafeSlow(value.length + text.length);
  value.copy(out, 0, 0, cut);
  out.write(text, cut, 'latin1');
  value.copy(out, cut + text.length, cut);
  return out;
}
