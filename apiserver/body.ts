/** Reading what the client sent, up to a limit, and telling its format. */
import type { IncomingMessage } from 'node:http';
import { ApiError, badRequest } from '../api/status.ts';
import type { Media } from './negotiate.ts';

export const BODY_LIMIT_BYTES = 3 * 1024 * 1024;

export async function readBody(request: IncomingMessage, limitBytes = BODY_LIMIT_BYTES): Promise<Buffer> {
  if (Number(request.headers['content-length']) > limitBytes) throw tooLarge(limitBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limitBytes) throw tooLarge(limitBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof ApiError ? error : badRequest('unexpected EOF');
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

function tooLarge(limitBytes: number): ApiError {
  return new ApiError({ code: 413, reason: 'RequestEntityTooLarge', message: `Request entity too large: limit is ${limitBytes}` });
}

/** The media type without parameters, in lower case. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Parameters do not matter, but they must be some. */
const WELL_FORMED = /^[^;]*(?:;\s*[^\s;="]+=(?:[^\s;"]+|"[^"]*")\s*)*;?\s*$/;

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
