/** The one renderer: answers and errors of the chain onto an HTTP response. */
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { constants, createGzip, gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { ApiError, internalError } from '../../api/status.ts';
import { WRITE_BYTES } from './bounded-writes.ts';
import type { Answer, DocumentAnswer, Exchange, ListAnswer, ObjectAnswer } from '../exchange.ts';
import { encodeDocument } from '../forms/encode.ts';
import { answerDocument } from '../forms/answer-document.ts';
import { ListBody, listBytes } from '../forms/list-bytes.ts';
import { sendPieces } from '../forms/send-pieces.ts';
import { countProtobuf, jsonListPieces, protobufListPieces } from '../forms/list-stream.ts';
import { bodyOut } from './http2-messages.ts';
import { writeHead, type Response } from './response.ts';
import { contentType, type Accepted } from '../request/negotiate.ts';
import { sendWatch } from './watch-stream.ts';
import { warningHeaders } from './warning-headers.ts';
import type { Clock } from '../../std/clock.ts';

/** Smaller bodies are not worth packing. */
const GZIP_FROM_BYTES = 128 * 1024;
/** Lists in other forms than the stored one are sent in pieces from here on. */
const STREAMED_FROM_BYTES = 1024 * 1024;
const gzipped = promisify(gzip);

/** A promise where it takes its time. */
export function render(exchange: Exchange, response: Response, clock: Clock): void | Promise<void> {
  const answer = exchange.answer as Answer;
  const headers: Record<string, string | string[]> = { 'Cache-Control': 'no-cache, private' };
  if (exchange.id !== '') headers['Audit-Id'] = exchange.id;
  for (const name in exchange.extraHeaders) headers[name] = exchange.extraHeaders[name] as string;
  if (exchange.warnings.length > 0) headers['Warning'] = warningHeaders(exchange.warnings);
  switch (answer.type) {
    case 'object':
    case 'list':
    case 'document': {
      const accepted = answer.type === 'document' ? documentForm(exchange, answer) : exchange.accepted();
      const type = (answer.type === 'document' && answer.contentType) || contentType(accepted.media);
      headers['Content-Type'] = type;
      if (answer.type === 'list' && isPlain(accepted, answer)) return sendList(exchange, response, headers, answer);
      if (answer.type === 'list' && accepted.media !== 'yaml' && !accepted.pretty && sizeOf(answer) >= STREAMED_FROM_BYTES) return sendForms(exchange, response, headers, answer, clock);
      const body = answer.type === 'document' && answer.bytes ? answer.bytes : bodyOf(answer, exchange, accepted, clock);
      return sendBody(exchange, response, answer.type === 'list' ? 200 : answer.code, headers, body);
    }
    case 'watch':
      return sendWatch(exchange, response, headers, answer, clock);
    case 'text':
      if (answer.text !== '') {
        headers['Content-Type'] = answer.contentType ?? 'text/plain; charset=utf-8';
        if (answer.code >= 400) headers['X-Content-Type-Options'] = 'nosniff';
      }
      return sendBody(exchange, response, answer.code, headers, Buffer.from(answer.text));
    case 'stream':
      writeHead(response, answer.code, { ...headers, ...answer.headers });
      return pipeline(answer.stream, bodyOut(response));
    case 'tunnel':
      throw new ApiError({ code: 400, reason: 'BadRequest', message: 'Upgrade request required' });
  }
}

/** Any error as a Status: what is no `ApiError` is a fault of the server, told without its insides. */
export function errorAnswer(error: unknown): { readonly error: ApiError; readonly fault: boolean } {
  if (error instanceof ApiError) return { error, fault: error.code >= 500 && error.cause !== undefined };
  return { error: internalError(error instanceof Error ? error.message : 'unexpected failure', { cause: error }), fault: true };
}

/** What is no object of the API, such as the version, is JSON whatever the client takes. */
function documentForm(exchange: Exchange, { object, code, bytes }: DocumentAnswer): Accepted {
  if (bytes || (object as { readonly kind?: unknown }).kind === undefined) return PLAIN;
  return code >= 400 ? exchange.acceptedForErrors() : exchange.accepted();
}

/** JSON ends with one; so do the documents and lists that are made for an answer. */
const NEWLINE = Buffer.from('\n');

const PLAIN: Accepted = { media: 'json', as: undefined, asVersion: '', pretty: false };

function isPlain(accepted: Accepted, answer: ObjectAnswer | ListAnswer): boolean {
  return accepted.media === 'json' && accepted.as === undefined && !accepted.pretty && answer.resource.isHub;
}

function bodyOf(answer: Exclude<Answer, { type: 'watch' | 'text' | 'stream' | 'tunnel' }>, exchange: Exchange, accepted: Accepted, clock: Clock): Buffer {
  if (answer.type === 'object' && isPlain(accepted, answer)) return Buffer.concat([answer.object.bytes, NEWLINE]);
  return encodeDocument(answerDocument(answer, { accepted, query: exchange.query, now: clock.now(), bareItems: true }), accepted);
}

function sendBody(exchange: Exchange, response: Response, code: number, headers: Record<string, string | string[]>, body: Buffer): void | Promise<void> {
  if (body.length < GZIP_FROM_BYTES || !takesGzip(exchange)) return sendBytes(exchange, response, code, headers, body);
  return gzipped(body, { level: constants.Z_BEST_SPEED }).then((packed) => {
    headers['Content-Encoding'] = 'gzip';
    headers['Vary'] ??= 'Accept-Encoding';
    sendBytes(exchange, response, code, headers, packed);
  });
}

function sendBytes(exchange: Exchange, response: Response, code: number, headers: Record<string, string | string[]>, bytes: Buffer): void {
  if (code !== 204 && code !== 304) headers['Content-Length'] = String(bytes.length);
  writeHead(response, code, headers);
  if (exchange.method === 'HEAD') response.end();
  else response.end(bytes);
}

/** Lists go out as they are made, and unpacked, as upstream's do. */
async function sendList(exchange: Exchange, response: Response, headers: Record<string, string | string[]>, answer: ListAnswer): Promise<void> {
  const size = sizeOf(answer);
  if (size < GZIP_FROM_BYTES) return sendBody(exchange, response, 200, headers, listBytes(answer, size));
  writeHead(response, 200, headers);
  if (exchange.method === 'HEAD') return void response.end();
  await sendPieces(new ListBody(answer), bodyOut(response));
}

/** Other forms go out as they are made as well, packed where that is taken. */
async function sendForms(exchange: Exchange, response: Response, headers: Record<string, string | string[]>, answer: ListAnswer, clock: Clock): Promise<void> {
  const accepted = exchange.accepted();
  const context = { accepted, query: exchange.query, now: clock.now(), bareItems: true };
  const pieces = accepted.media === 'protobuf' ? protobufListPieces(answer, context, await countProtobuf(answer, context)) : jsonListPieces(answer, context);
  // The first piece is made before anything is sent: what cannot be shown is refused.
  const first = pieces.next();
  const packs = takesGzip(exchange);
  if (packs) {
    headers['Content-Encoding'] = 'gzip';
    headers['Vary'] ??= 'Accept-Encoding';
  }
  writeHead(response, 200, headers);
  if (exchange.method === 'HEAD') return void response.end();
  const source = Readable.from(following(first, pieces), { objectMode: false, highWaterMark: WRITE_BYTES });
  const out = bodyOut(response);
  await (packs ? pipeline(source, createGzip({ level: constants.Z_BEST_SPEED }), out) : pipeline(source, out));
}

function* following(first: IteratorResult<Buffer>, rest: Generator<Buffer>): Generator<Buffer> {
  if (!first.done) yield* cut(first.value);
  for (const piece of rest) yield* cut(piece);
}

function* cut(piece: Buffer): Generator<Buffer> {
  for (let at = 0; at < piece.length; at += WRITE_BYTES) yield piece.subarray(at, at + WRITE_BYTES);
}

function sizeOf({ items }: ListAnswer): number {
  let size = 0;
  for (const { sizeBytes } of items) size += sizeBytes;
  return size;
}

function takesGzip({ headers }: Exchange): boolean {
  const accepted = headers['accept-encoding'];
  return typeof accepted === 'string' && accepted.split(',').some((text) => text.trim().split(';')[0] === 'gzip');
}
