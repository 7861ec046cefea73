/** Sends spans to a collector: OTLP over HTTP, in its JSON form, in batches. What the collector does not take is lost. */
import { request } from 'undici';
import { sleep, type Clock } from '../../std/clock.ts';

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly failed: boolean;
}

export interface Exporter {
  add(span: Span): void;
  close(): Promise<void>;
}

export interface ExporterOptions {
  /** `http://127.0.0.1:4318`, with or without the path of traces. */
  readonly endpoint: string;
  readonly service: string;
  readonly clock: Clock;
  readonly onLost: (count: number, error?: unknown) => void;
}

const BUFFER = 2_048;
const BATCH = 512;
const BATCH_WAIT_MS = 5_000;
const ANSWER_LIMIT_MS = 10_000;
const CLOSE_LIMIT_MS = 2_000;
const TRACES_PATH = '/v1/traces';

export function openExporter(options: ExporterOptions): Exporter {
  const url = urlOf(options.endpoint);
  const closing = new AbortController();
  let buffer: Span[] = [];
  let wake = new AbortController();
  let sending: Promise<void> | undefined;

  const send = async (spans: readonly Span[]): Promise<void> => {
    const { statusCode, body } = await request(url, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(documentOf(spans, options.service)), headersTimeout: ANSWER_LIMIT_MS, bodyTimeout: ANSWER_LIMIT_MS,
    });
    await body.dump();
    if (statusCode >= 300) throw new Error(`the collector of traces answered ${statusCode}`);
  };
  const run = async (): Promise<void> => {
    while (buffer.length > 0) {
      if (buffer.length < BATCH && !closing.signal.aborted) {
        wake = new AbortController();
        await sleep(options.clock, BATCH_WAIT_MS, wake.signal);
      }
      const batch = buffer.slice(0, BATCH);
      buffer = buffer.slice(BATCH);
      await send(batch).catch((error: unknown) => options.onLost(batch.length, error));
    }
    sending = undefined;
  };
  return {
    add(span) {
      if (closing.signal.aborted || buffer.length >= BUFFER) return options.onLost(1);
      buffer.push(span);
      if (buffer.length >= BATCH) wake.abort();
      sending ??= run();
    },
    async close() {
      closing.abort();
      wake.abort();
      const limit = new AbortController();
      await Promise.race([sending ?? Promise.resolve(), sleep(options.clock, CLOSE_LIMIT_MS, limit.signal)]);
      limit.abort();
    },
  };
}

function urlOf(endpoint: string): string {
  const url = endpoint.includes('://') ? endpoint : `http://${endpoint}`;
  return new URL(url).pathname === '/' ? new URL(TRACES_PATH, url).href : url;
}

function documentOf(spans: readonly Span[], service: string): object {
  const resource = { attributes: [attribute('service.name', service)] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'coracle' }, spans: spans.map(spanDocument) }] }] };
}

const KIND_SERVER = 2;
const STATUS_ERROR = 2;

function spanDocument({ traceId, spanId, parentSpanId, name, startMs, endMs, attributes, failed }: Span): object {
  return {
    traceId, spanId, ...(parentSpanId !== undefined && { parentSpanId }), name, kind: KIND_SERVER, startTimeUnixNano: nanoseconds(startMs), endTimeUnixNano: nanoseconds(endMs),
    attributes: Object.entries(attributes).map(([key, value]) => attribute(key, value)), status: failed ? { code: STATUS_ERROR } : {},
  };
}

function attribute(key: string, value: string | number | boolean): object {
  return { key, value: typeof value === 'number' ? { intValue: String(value) } : typeof value === 'boolean' ? { boolValue: value } : { stringValue: value } };
}

function nanoseconds(ms: number): string {
  return `${BigInt(Math.floor(ms)) * 1_000_000n + BigInt(Math.round((ms % 1) * 1_000_000))}`;
}
