/** Gives spans to a collector in batches. What the collector does not take is lost. */
import { sleep, type Clock } from '../../std/clock.ts';
import type { Exporter, Span } from './span.ts';
import type { Resource, Sender } from './sender.ts';

export interface ExporterOptions {
  /** `localhost:4317` for gRPC, `http://127.0.0.1:4318` for HTTP. */
  readonly endpoint: string;
  readonly resource: Resource;
  readonly clock: Clock;
  readonly onLost: (count: number, error?: unknown) => void;
}

const BUFFER = 2_048;
const BATCH = 512;
const BATCH_WAIT_MS = 5_000;
const CLOSE_LIMIT_MS = 2_000;

export function openExporter(options: ExporterOptions): Exporter {
  let sender: Promise<Sender> | undefined;
  const closing = new AbortController();
  let buffer: Span[] = [];
  let wake = new AbortController();
  let sending: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    while (buffer.length > 0) {
      if (buffer.length < BATCH && !closing.signal.aborted) {
        wake = new AbortController();
        await sleep(options.clock, BATCH_WAIT_MS, wake.signal);
      }
      const batch = buffer.slice(0, BATCH);
      buffer = buffer.slice(BATCH);
      try {
        await (await (sender ??= openSender(options))).send(batch);
      } catch (error) {
        options.onLost(batch.length, error);
      }
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
      (await sender)?.close();
    },
  };
}

async function openSender({ endpoint, resource, clock }: ExporterOptions): Promise<Sender> {
  if (/^https?:/.test(endpoint)) return (await import('./http-sender.ts')).httpSender(endpoint, resource);
  return (await import('./grpc-sender.ts')).grpcSender(endpoint, resource, clock);
}
