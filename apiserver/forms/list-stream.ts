/** Large lists in any form but YAML, in pieces: neither the objects nor the body are ever all there at once. */
import { setImmediate as turn } from 'node:timers/promises';
import { encodeMessage, encodeProtobufList, openProtobuf } from '../../api/codec/protobuf.ts';
import type { ListAnswer } from '../exchange.ts';
import { answerDocument, listMetadata, type FormContext } from './answer-document.ts';

/** So many objects are brought into their form at a time. */
const CHUNK = 100;
/** So many are counted before others have their turn. */
const TURN = 5 * CHUNK;
/** Encoded items that are kept from counting their bytes to sending them; what exceeds this is encoded twice. */
const KEPT_BYTES = 8 * 1024 * 1024;

type Shown = Readonly<Record<string, unknown>>;

export function* jsonListPieces(answer: ListAnswer, context: FormContext): Generator<Buffer> {
  const { items, rows, ...rest } = answerDocument({ ...answer, items: [] }, context) as { items?: unknown; rows?: unknown } & Shown;
  const name = rows === undefined ? 'items' : 'rows';
  yield Buffer.from(`${JSON.stringify(rest).slice(0, -1)},"${name}":[`);
  void items;
  for (let at = 0; at < answer.items.length; at += CHUNK) {
    const text = shown(answer, context, at, name).map((item) => JSON.stringify(item)).join(',');
    yield Buffer.from(at === 0 ? text : `,${text}`);
  }
  yield Buffer.from(']}\n');
}

export interface Counted {
  readonly total: number;
  /** The first chunks. */
  readonly kept: readonly Buffer[];
}

/** A list's length stands before it: what its items will take is counted first, in turns that let others be served. */
export async function countProtobuf(answer: ListAnswer, context: FormContext): Promise<Counted> {
  const { items } = answer;
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let total = 0;
  for (let at = 0; at < items.length; at += CHUNK) {
    if (at % TURN === 0 && at > 0) await turn();
    const chunk = encoded(answer, context, at);
    total += chunk.length;
    if (kept.length * CHUNK !== at || keptBytes + chunk.length > KEPT_BYTES) continue;
    kept.push(chunk);
    keptBytes += chunk.length;
  }
  return { total, kept };
}

export function* protobufListPieces(answer: ListAnswer, context: FormContext, { total, kept }: Counted): Generator<Buffer> {
  const { resource, items } = answer;
  const { as, asVersion } = context.accepted;
  const frame = encodeProtobufList({
    kind: as ?? resource.kind.listKind, apiVersion: as === undefined ? resource.apiVersion : `meta.k8s.io/${asVersion}`, metadata: listMetadata(answer), items: [],
  });
  const { message } = openProtobuf(frame);
  const start = message.byteOffset - frame.byteOffset;
  yield Buffer.concat([frame.subarray(0, start - varint(message.length).length), varint(message.length + total), message]);
  for (let at = 0; at < items.length; at += CHUNK) yield kept[at / CHUNK] ?? encoded(answer, context, at);
  yield frame.subarray(start + message.length);
}

function shown(answer: ListAnswer, context: FormContext, at: number, name: 'items' | 'rows' = 'items'): readonly Shown[] {
  const document = answerDocument({ ...answer, items: answer.items.slice(at, at + CHUNK) }, context) as { items?: readonly Shown[]; rows?: readonly Shown[] };
  return document[name] ?? [];
}

const ITEM_TAG = 0x12;

function encoded(answer: ListAnswer, context: FormContext, at: number): Buffer {
  const parts: Buffer[] = [];
  for (const item of shown(answer, { ...context, bareItems: false }, at)) {
    const message = encodeMessage(item);
    parts.push(Buffer.of(ITEM_TAG), varint(message.length), message);
  }
  return Buffer.concat(parts);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
