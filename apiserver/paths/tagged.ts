/** Documents that clients keep and revalidate by their hash. */
import { createHash } from 'node:crypto';
import type { Answer, Exchange } from '../exchange.ts';

export interface TaggedForm {
  readonly contentType: string;
  readonly vary: string;
  /** Only a tag alone, and the very same, is looked at. */
  readonly exactly?: boolean;
}

const tags = new WeakMap<Buffer, string>();

export function hashOf(bytes: Buffer): string {
  let tag = tags.get(bytes);
  if (!tag) tags.set(bytes, (tag = createHash('sha512').update(bytes).digest('hex').toUpperCase()));
  return tag;
}

/** 304 where the client has it already. `bytes` must be the same buffer each time. */
export function tagged(exchange: Exchange, bytes: Buffer, { contentType, vary, exactly = false }: TaggedForm): Answer {
  const tag = `"${hashOf(bytes)}"`;
  Object.assign(exchange.extraHeaders, { ETag: tag, Vary: vary });
  const known = exchange.headers['if-none-match'];
  if (exactly ? known === tag : isKnown(known, tag)) return { type: 'text', code: 304, text: '' };
  return { type: 'document', code: 200, object: {}, bytes, contentType };
}

/** Whether the client names the tag among those that it has; `*` is any. */
function isKnown(header: string | undefined, tag: string): boolean {
  return header !== undefined && (header === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === tag));
}
