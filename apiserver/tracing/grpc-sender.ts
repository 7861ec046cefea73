/** Sends spans over gRPC, unencrypted, as upstream does; the library is loaded with the first batch. */
import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Clock } from '../../std/clock.ts';
import { OTLP_ENCODING, OTLP_PROTOCOL, TRACE_SERVICE } from './otlp-protocol.ts';
import type { Resource, Sender } from './sender.ts';
import { nanoseconds } from './http-sender.ts';
import type { Span } from './span.ts';

const ANSWER_LIMIT_MS = 10_000;
const KINDS = { internal: 1, server: 2, client: 3 };
const STATUS_ERROR = 2;

type Export = (request: object, options: object, done: (error: Error | null) => void) => void;

interface Channel {
  export(request: object): Promise<void>;
  close(): void;
}

/** `target` in gRPC's own words: `localhost:4317`, `dns:///collector:4317`, `unix:/run/otel.sock`. */
export function grpcSender(target: string, resource: Resource, clock: Clock): Sender {
  let opened: Promise<Channel> | undefined;
  return {
    async send(spans) {
      await (await (opened ??= open(target, clock))).export({ resource_spans: [{ resource: { attributes: Object.entries(resource).map(attribute) }, scope_spans: [{ scope: { name: 'coracle' }, spans: spans.map(message) }] }] });
    },
    close: () => void opened?.then((channel) => channel.close(), () => undefined),
  };
}

async function open(target: string, clock: Clock): Promise<Channel> {
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
  const definition = loader.fromJSON(OTLP_PROTOCOL as Parameters<typeof loader.fromJSON>[0], OTLP_ENCODING)[TRACE_SERVICE] as ServiceDefinition;
  const Service = grpc.makeGenericClientConstructor(definition, TRACE_SERVICE);
  const client = new Service(target, grpc.credentials.createInsecure());
  return {
    export: (request) => new Promise((resolve, reject) => (client['Export'] as unknown as Export).call(client, request, { deadline: clock.now() + ANSWER_LIMIT_MS }, (error) => (error ? reject(error) : resolve()))),
    close: () => client.close(),
  };
}

function message({ traceId, spanId, parentSpanId, name, kind = 'internal', startMs, endMs, attributes, failed }: Span): object {
  const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
  return {
    trace_id: bytes(traceId), span_id: bytes(spanId), ...(parentSpanId !== undefined && { parent_span_id: bytes(parentSpanId) }), name, kind: KINDS[kind],
    start_time_unix_nano: nanoseconds(startMs), end_time_unix_nano: nanoseconds(endMs), attributes: Object.entries(attributes).map(attribute), status: failed ? { code: STATUS_ERROR } : {},
  };
}

function attribute([key, value]: [string, string | number | boolean]): object {
  return { key, value: typeof value === 'number' ? { int_value: String(value) } : typeof value === 'boolean' ? { bool_value: value } : { string_value: value } };
}
