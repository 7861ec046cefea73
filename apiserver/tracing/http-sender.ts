/** Sends spans over HTTP, in OTLP's JSON form: for collectors that take nothing else. */
import { request } from 'undici';
import type { Resource, Sender } from './sender.ts';
import type { Span } from './span.ts';

const ANSWER_LIMIT_MS = 10_000;
const TRACES_PATH = '/v1/traces';
const KINDS = { internal: 1, server: 2, client: 3 };
const STATUS_ERROR = 2;

/** `http://127.0.0.1:4318`, with or without the path of traces. */
export function httpSender(endpoint: string, resource: Resource): Sender {
  const url = new URL(endpoint).pathname === '/' ? new URL(TRACES_PATH, endpoint).href : endpoint;
  return {
    async send(spans) {
      const document = { resourceSpans: [{ resource: { attributes: Object.entries(resource).map(attribute) }, scopeSpans: [{ scope: { name: 'coracle' }, spans: spans.map(spanDocument) }] }] };
      const { statusCode, body } = await request(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(document), headersTimeout: ANSWER_LIMIT_MS, bodyTimeout: ANSWER_LIMIT_MS });
      await body.dump();
      if (statusCode >= 300) throw new Error(`the collector of traces answered ${statusCode}`);
    },
    close: () => undefined,
  };
}

function spanDocument({ traceId, spanId, parentSpanId, name, kind = 'internal', startMs, endMs, attributes, failed }: Span): object {
  return {
    traceId, spanId, ...(parentSpanId !== undefined && { parentSpanId }), name, kind: KINDS[kind], startTimeUnixNano: nanoseconds(startMs), endTimeUnixNano: nanoseconds(endMs),
    attributes: Object.entries(attributes).map(attribute), status: failed ? { code: STATUS_ERROR } : {},
  };
}

function attribute([key, value]: [string, string | number | boolean]): object {
  return { key, value: typeof value === 'number' ? { intValue: String(value) } : typeof value === 'boolean' ? { boolValue: value } : { stringValue: value } };
}

export function nanoseconds(ms: number): string {
  return `${BigInt(Math.floor(ms)) * 1_000_000n + BigInt(Math.round((ms % 1) * 1_000_000))}`;
}
