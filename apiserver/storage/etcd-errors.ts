/** etcd's and gRPC's errors in this store's words. */
import { Compacted, Unavailable } from './store.ts';
import { ValueTooLarge } from './value.ts';

const COMPACTED = /required revision (has been compacted|is a future revision)/;
const TOO_LARGE = /request is too large|larger than max/;
const FULL = /database space exceeded/;
const NEVER_SENT = /No connection established|ECONNREFUSED|Name resolution failed/;

/** Whether a call surely did not reach a server, so that it may be tried on another one. */
export function neverSent(error: unknown): boolean {
  return NEVER_SENT.test(messageOf(error));
}

export function isLeaseGone(error: unknown): boolean {
  return /requested lease not found/.test(messageOf(error));
}

export interface ErrorPlace {
  readonly endpoints: readonly string[];
  /** The newest compaction that was heard of. */
  readonly compacted: number;
}

export function translate(error: unknown, { endpoints, compacted }: ErrorPlace): Error {
  const message = messageOf(error);
  if (COMPACTED.test(message)) return new Compacted(compacted);
  if (TOO_LARGE.test(message)) return new ValueTooLarge(`etcd refuses the size of a value (its --max-request-bytes): ${message}`);
  if (FULL.test(message)) return new Unavailable(`etcd at ${endpoints.join(', ')} is full: compact and defragment it, or raise its quota (${message})`, { cause: error });
  return new Unavailable(`etcd at ${endpoints.join(', ')} does not answer: ${message}`, { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
