/** W3C trace contexts: `traceparent` read and written. Pure. */
import type { Random } from '../../std/random.ts';

export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: of the span that this one is part of. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined: there is none, or it is not to be read. */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  const [, version = 'ff', traceId = '', spanId = '', flags = '00', more] = FORM.exec(text ?? '') ?? [];
  if (version === 'ff' || (version === '00' && more !== undefined) || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

export function randomId(random: Random, bytes: number): string {
  for (;;) {
    const id = Buffer.from(random.bytes(bytes)).toString('hex');
    if (!/^0+$/.test(id)) return id;
  }
}
