/** Documents that clients keep and revalidate by their hash. */
import { createHash } from 'node:crypto';
import type { Answer, Exchange } from '../exchange.ts';

export interface TaggedForm {
  readonly contentType: string;
  readonly vary: string;
}

const tags = new WeakMap<Buffer, string>();

export function hashOf(bytes: Buffer): string {
  let tag = tags.get(bytes);
  if (!tag) tags.set(bytes, (tag = createHash('sha512').update(bytes).digest('hex').toUpperCase()));
  return tag;
}

/** 304 where the client has it already. `bytes` must be the same buffer each time. */
export function tagged(exchange: Exchange, bytes: Buffer, { contentType, vary }: TaggedForm): Answer {
  const tag = `"${hashOf(bytes)}"`;
  Object.assign(exchange.extraHeaders, { ETag: tag, Vary: vary });
  if (exchange.headers['if-none-match'] === tag) return { type: 'text', code: 304, text: '' };
  return { type: 'document', code: 200, object: {}, bytes, contentType };
}
