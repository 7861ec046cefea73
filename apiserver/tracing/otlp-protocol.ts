/** The part of OTLP that traces need, as gRPC's loader reads it. Provenance: opentelemetry-proto, collector/trace/v1 and trace/v1. */


const text = (id: number): object => ({ type: 'string', id });
const bytes = (id: number): object => ({ type: 'bytes', id });
const number = (id: number): object => ({ type: 'uint32', id });
const time = (id: number): object => ({ type: 'fixed64', id });
const one = (type: string, id: number): object => ({ type, id });
const many = (type: string, id: number): object => ({ rule: 'repeated', type, id });
const message = (fields: Record<string, object>): object => ({ fields });

export const TRACE_SERVICE = 'opentelemetry.proto.collector.trace.v1.TraceService';

const MESSAGES = {
  ExportTraceServiceRequest: message({ resource_spans: many('ResourceSpans', 1) }),
  ExportTraceServiceResponse: message({}),
  ResourceSpans: message({ resource: one('Resource', 1), scope_spans: many('ScopeSpans', 2), schema_url: text(3) }),
  Resource: message({ attributes: many('KeyValue', 1) }),
  ScopeSpans: message({ scope: one('Scope', 1), spans: many('Span', 2) }),
  Scope: message({ name: text(1), version: text(2) }),
  Span: message({
    trace_id: bytes(1), span_id: bytes(2), trace_state: text(3), parent_span_id: bytes(4), name: text(5), kind: number(6), start_time_unix_nano: time(7), end_time_unix_nano: time(8),
    attributes: many('KeyValue', 9), events: many('Event', 11), links: many('Link', 13), status: one('Status', 15), flags: { type: 'fixed32', id: 16 },
  }),
  Event: message({ time_unix_nano: time(1), name: text(2), attributes: many('KeyValue', 3) }),
  Link: message({ trace_id: bytes(1), span_id: bytes(2), trace_state: text(3), attributes: many('KeyValue', 4) }),
  Status: message({ message: text(2), code: number(3) }),
  KeyValue: message({ key: text(1), value: one('AnyValue', 2) }),
  AnyValue: { oneofs: { value: { oneof: ['string_value', 'bool_value', 'int_value', 'double_value'] } }, fields: { string_value: text(1), bool_value: { type: 'bool', id: 2 }, int_value: { type: 'int64', id: 3 }, double_value: { type: 'double', id: 4 } } },
};

export const OTLP_PROTOCOL = ['v1', 'trace', 'collector', 'proto', 'opentelemetry'].reduce<object>((inner, name) => ({ nested: { [name]: inner } }), {
  nested: { TraceService: { methods: { Export: { requestType: 'ExportTraceServiceRequest', responseType: 'ExportTraceServiceResponse' } } }, ...MESSAGES },
});
export const OTLP_ENCODING = { keepCase: true, longs: String, defaults: false, objects: true };
