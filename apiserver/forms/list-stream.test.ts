import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { encodeProtobuf } from '../../api/codec/protobuf.ts';
import type { ApiObject } from '../../api/kind.ts';
import { builtinKinds } from '../../api/kinds/index.ts';
import { systemClock } from '../../std/clock.ts';
import { CachedEntry } from '../cache/cached-object.ts';
import type { ListAnswer } from '../exchange.ts';
import type { Accepted } from '../request/negotiate.ts';
import { Registry } from '../registry/registry.ts';
import { openMemory } from '../storage/memory.ts';
import { answerDocument } from './answer-document.ts';
import { ListBody, listBytes } from './list-bytes.ts';
import { sendPieces } from './send-pieces.ts';
import { countProtobuf, jsonListPieces, protobufListPieces } from './list-stream.ts';

const registry = new Registry({ store: openMemory(), clock: systemClock, onFault: () => undefined }, builtinKinds());
afterAll(() => registry.close());

function listOf(count: number, group = '', version = 'v1', plural = 'configmaps', kind = 'ConfigMap'): ListAnswer {
  const resource = registry.find(group, version, plural);
  if (!resource) throw new Error(plural);
  const items = Array.from({ length: count }, (_, at) => {
    const object: ApiObject = { kind, apiVersion: resource.hubApiVersion, metadata: { name: `n-${at}`, namespace: 'default', resourceVersion: String(at + 1), labels: { at: String(at) } }, ...(kind === 'ConfigMap' && { data: { text: 'x'.repeat(300) } }) };
    return new CachedEntry({ key: `/${at}`, namespace: 'default', revision: at + 1, bytes: Buffer.from(JSON.stringify(object)), labels: {}, fields: {} });
  });
  return { type: 'list', resource, items, revision: 500, continueToken: 'more', remaining: 3 };
}

const accepted = (as?: Accepted['as']): Accepted => ({ media: 'json', as, asVersion: 'v1', pretty: false });
const context = (form: Accepted): Parameters<typeof jsonListPieces>[1] => ({ accepted: form, query: new URLSearchParams(), now: 0, bareItems: true });

test.each<[string, number, Accepted['as']]>([
  ['objects', 250, undefined], ['metadata', 250, 'PartialObjectMetadataList'], ['a table', 250, 'Table'], ['one', 1, undefined], ['a full piece', 100, 'Table'],
])('jsonListPieces() says the same as the whole: %s', (_what, count, as) => {
  const list = listOf(count);
  const pieces = [...jsonListPieces(list, context(accepted(as)))];
  expect(JSON.parse(Buffer.concat(pieces).toString())).toEqual(JSON.parse(JSON.stringify(answerDocument(list, context(accepted(as))))));
});

test.each<[string, ListAnswer, Accepted['as']]>([
  ['objects', listOf(250), undefined],
  ['none', listOf(0), undefined],
  ['objects of a version that is not stored', listOf(250, 'autoscaling', 'v1', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler'), undefined],
  ['metadata', listOf(250), 'PartialObjectMetadataList'],
])('protobufListPieces() has the same bytes as the whole: %s', async (_what, list, as) => {
  const form = { ...accepted(as), media: 'protobuf' as const };
  const whole = encodeProtobuf(answerDocument(list, { ...context(form), bareItems: false }) as never);
  expect(Buffer.concat([...protobufListPieces(list, context(form), await countProtobuf(list, context(form)))]).equals(whole)).toBe(true);
});

test('protobufListPieces() encodes twice what it does not keep', async () => {
  const list = listOf(40_000);
  const form = { ...accepted(), media: 'protobuf' as const };
  let size = 0;
  let largest = 0;
  for (const piece of protobufListPieces(list, context(form), await countProtobuf(list, context(form)))) {
    size += piece.length;
    largest = Math.max(largest, piece.length);
  }
  expect([size > 12 * 1024 * 1024, largest < 128 * 1024]).toEqual([true, true]);
});

describe('ListBody', () => {
  test.each<[string, ListAnswer, number]>([
    ['in one piece', listOf(250), 1024 * 1024], ['in many pieces', listOf(250), 2_048], ['of objects larger than a piece', listOf(5), 260], ['without objects', listOf(0), 1_024],
  ])('says the same as the whole, %s', (_what, list, size) => {
    const body = new ListBody(list);
    const buffer = Buffer.alloc(size);
    let text = '';
    for (let piece = body.next(buffer); piece; piece = body.next(buffer)) text += piece.toString();
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(answerDocument(list, context(accepted())))));
    expect(listBytes(list, list.items.reduce((sum, { bytes }) => sum + bytes.length, 0)).toString()).toBe(text);
  });

  test('sendPieces() uses its buffers again only when what was in them has been taken', async () => {
    const list = listOf(5_000);
    let text = '';
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        // Read only now: a buffer that was filled again meanwhile would show.
        setImmediate(() => {
          text += chunk.toString();
          done();
        });
      },
    });
    await sendPieces(new ListBody(list), slow);
    await finished(slow);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(answerDocument(list, context(accepted())))));
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('gone')) });
    broken.on('error', () => undefined);
    await expect(sendPieces(new ListBody(list), broken)).rejects.toThrow(/gone/);
  });
});
