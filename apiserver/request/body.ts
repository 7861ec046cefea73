/** Reading what the client sent, up to a limit, and telling its format. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { ApiError, badRequest } from '../../api/status.ts';
import type { Media } from './negotiate.ts';

export const BODY_LIMIT_BYTES = 3 * 1024 * 1024;

/** Listens for itself: an iterator over the stream costs as much as reading the object does. Throws 413, and 400 where the client leaves in the middle. */
export function readBody(headers: IncomingHttpHeaders, request: Readable, limitBytes = BODY_LIMIT_BYTES): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(headers['content-length']) > limitBytes) return reject(tooLarge(limitBytes));
    if (request.readableEnded || request.destroyed) return reject(brokenOff());
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let size = 0;
    const over = (): void => {
      request.off('data', take).off('end', end).off('error', broken).off('close', broken);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limitBytes) {
        over();
        leaveUnread(request);
        reject(tooLarge(limitBytes));
      } else if (first) (more ??= [first]).push(chunk);
      else first = chunk;
    };
    const end = (): void => {
      over();
      resolve(more ? Buffer.concat(more, size) : (first ?? EMPTY));
    };
    const broken = (): void => {
      over();
      reject(brokenOff());
    };
    request.on('data', take).on('end', end).on('error', broken).on('close', broken);
  });
}

/** What is left of it is not read. A stream of HTTP/2 ends when its answer is out; of HTTP/1.1 the connection ends with it. */
function leaveUnread(request: Readable & { readonly rstCode?: number; close?(): void }): void {
  if (request.rstCode === undefined) request.destroy();
  else request.pause().once('finish', () => request.close?.());
}

const EMPTY = Buffer.alloc(0);

function brokenOff(): ApiError {
  return badRequest('unexpected EOF');
}

function tooLarge(limitBytes: number): ApiError {
  return new ApiError({ code: 413, reason: 'RequestEntityTooLarge', message: `Request entity too large: limit is ${limitBytes}` });
}

/** The media type without parameters, in lower case. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Parameters do not matter, but they must be some. */
const WELL_FORMED = /^(?:$|[^;]+)(?:;\s*[^\s;="]+=(?:[^\s;"]+|"[^"]*")\s*)*;?\s*$/;

/** No type at all counts as JSON. Throws 415. */
export function bodyMedia(contentType: string | undefined): Media {
  switch (WELL_FORMED.test(contentType ?? '') ? mediaType(contentType) : 'unreadable') {
    case '':
    case 'application/json':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    case 'application/vnd.kubernetes.protobuf':
      return 'protobuf';
    default:
      throw new ApiError({
        code: 415, reason: 'UnsupportedMediaType',
        message: 'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      });
  }
}
