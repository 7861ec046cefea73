/** A list in JSON as a concatenation of what is stored, without parsing any of it. */
import type { ListAnswer } from '../exchange.ts';
import type { Resource } from '../resource.ts';
import { customMetadata, listMetadata } from './answer-document.ts';

/** Pieces of about this size are handed to the socket at a time. */
const PIECE_BYTES = 256 * 1024;
const COMMA = 0x2c;
const BRACE = 0x7b;

/** The pieces of the body, each made when it is asked for. */
export function* listPieces(answer: ListAnswer): Generator<Buffer> {
  const { resource, items } = answer;
  const metadata = JSON.stringify(customMetadata(resource, listMetadata(answer)));
  yield Buffer.from(`{"kind":${JSON.stringify(resource.kind.listKind)},"apiVersion":${JSON.stringify(resource.apiVersion)},"metadata":${metadata},"items":[`);
  let at = 0;
  while (at < items.length) {
    const start = at;
    let size = 0;
    while (at < items.length && size < PIECE_BYTES) size += (items[at++] as (typeof items)[number]).bytes.length + 1;
    yield piece(answer, start, at, size);
  }
  yield Buffer.from(']}\n');
}

function piece({ resource, items }: ListAnswer, start: number, end: number, size: number): Buffer {
  const out = Buffer.allocUnsafe(size + 1);
  let to = 0;
  for (let at = start; at < end; at++) {
    const { bytes } = items[at] as (typeof items)[number];
    if (at > 0) out[to++] = COMMA;
    const skip = headLength(resource, bytes);
    out[to++] = BRACE;
    to += bytes.copy(out, to, skip);
  }
  return out.subarray(0, to);
}

/** Items of built-in lists have no kind and apiVersion: all of an object up to its metadata is left out. */
function headLength({ kind, hubApiVersion }: Resource, bytes: Buffer): number {
  if (kind.custom) return 1;
  const length = 27 + kind.kind.length + hubApiVersion.length;
  return bytes[length] === 0x22 && bytes[length - 1] === COMMA ? length : bytes.indexOf('"metadata"');
}
