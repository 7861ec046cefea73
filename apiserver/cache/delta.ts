/**
 * One text as what it has that another has not. For JSON of objects of one make: the same fields in the same order, some values
 * others. It is a list of steps: so many bytes as in the other text, so many of the other's left out, so many of its own.
 */

const QUOTE = 0x22;
/** Up to here a loop is faster than a call. */
const FEW_BYTES = 32;
/** The three numbers of a step at their longest: as many as 28 bits say. */
const STEP_HEAD_BYTES = 12;

/** Writes the steps from `like` to `bytes` into `out`, and returns how many bytes they take; -1 where there is no room for them: then the texts are not alike. */
export function encodeDelta(bytes: Buffer, like: Buffer, out: Buffer): number {
  let to = 0;
  for (let at = 0, there = 0; at < bytes.length; ) {
    let same = 0;
    while (at + same < bytes.length && there + same < like.length && bytes[at + same] === like[there + same]) same++;
    at += same;
    there += same;
    // Where they part they meet again at the next quotation mark, unless one is at its end.
    const isLast = at === bytes.length || there === like.length;
    const end = isLast ? bytes.length : quoteFrom(bytes, at);
    const meeting = isLast ? there : quoteFrom(like, there);
    if (to + STEP_HEAD_BYTES + end - at > out.length) return -1;
    to = writeNumber(out, to, same);
    to = writeNumber(out, to, meeting - there);
    to = writeNumber(out, to, end - at);
    to += bytes.copy(out, to, at, end);
    at = end;
    there = meeting;
  }
  return to;
}

/** Where a delta stands. */
export interface Delta {
  readonly slab: Buffer;
  readonly at: number;
  readonly end: number;
}

/** Puts the text that a delta makes of `like`, from a place in it on, into `out`. */
export function decodeDelta(delta: Delta, like: Buffer, out: Buffer, { to, from }: { readonly to: number; readonly from: number }): void {
  const { slab, end } = delta;
  let there = 0;
  let put = to;
  let skip = from;
  for (let at = delta.at; at < end; ) {
    // Three numbers of seven bits a byte, the lowest first.
    let same = 0;
    let left = 0;
    let own = 0;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) same |= ((byte = slab[at++] as number) & 0x7f) << shift;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) left |= ((byte = slab[at++] as number) & 0x7f) << shift;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) own |= ((byte = slab[at++] as number) & 0x7f) << shift;
    let cut = Math.min(skip, same);
    copy(like, there + cut, same - cut, out, put);
    put += same - cut;
    skip -= cut;
    there += same + left;
    cut = Math.min(skip, own);
    copy(slab, at + cut, own - cut, out, put);
    put += own - cut;
    skip -= cut;
    at += own;
  }
}

function quoteFrom(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && bytes[end] !== QUOTE) end++;
  return end;
}

function writeNumber(out: Buffer, to: number, value: number): number {
  let at = to;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) out[at++] = (rest & 0x7f) | 0x80;
  out[at++] = rest;
  return at;
}

function copy(from: Buffer, at: number, length: number, out: Buffer, to: number): void {
  if (length > FEW_BYTES) from.copy(out, to, at, at + length);
  else for (let i = 0; i < length; i++) out[to + i] = from[at + i] as number;
}
