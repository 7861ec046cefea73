/** A version 2 document as a protobuf message: `openapi.v2.Document` of gnostic-models, whose field numbers stand here. */
import { ProtobufWriter } from '../codec/protobuf-writer.ts';
import type { Json } from './schemas.ts';

export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** The document as bytes of that content type. */
export function openApiV2Protobuf(document: Json): Buffer {
  const writer = new ProtobufWriter();
  write(MESSAGES.Document, document, writer);
  return writer.take();
}

/** Writes what stands in a field; the writer goes backwards, so that the last comes first. */
type WriteField = (number: number, value: unknown, writer: ProtobufWriter) => void;

interface Message {
  /** By number, rising. */
  readonly fields: readonly (readonly [number: number, name: string, write: WriteField])[];
  /** Where keys that begin with `x-` go. */
  readonly extensions?: number;
}

function write({ fields, extensions }: Message, value: Json, writer: ProtobufWriter): void {
  // Extensions have the highest number of their message.
  if (extensions !== undefined) named(any)(extensions, Object.fromEntries(Object.entries(value).filter(([key]) => key.startsWith('x-'))), writer);
  for (let i = fields.length - 1; i >= 0; i--) {
    const [number, name, writeField] = fields[i] as Message['fields'][number];
    if (value[name] !== undefined) writeField(number, value[name], writer);
  }
}

const text: WriteField = (number, value, writer) => {
  if (value === '') return;
  writer.string(value as string);
  writer.tag(number, 2);
};

const flag: WriteField = (number, value, writer) => {
  if (value !== true) return;
  writer.varint(1);
  writer.tag(number, 0);
};

const integer: WriteField = (number, value, writer) => {
  if (value === 0) return;
  writer.int(value as number);
  writer.tag(number, 0);
};

const double: WriteField = (number, value, writer) => {
  if (value === 0) return;
  writer.double(value as number);
  writer.tag(number, 1);
};

/** Any value, as YAML, of which JSON is a part. */
const any: WriteField = (number, value, writer) => nest(number, writer, () => text(2, `${JSON.stringify(value)}\n`, writer));

function list(item: WriteField): WriteField {
  return (number, value, writer) => {
    for (const one of (value as unknown[]).toReversed()) item(number, one, writer);
  };
}

/** A map: a list of messages with the key in field 1 and the value in field 2. */
function named(item: WriteField): WriteField {
  return (number, value, writer) => {
    for (const [key, inner] of Object.entries(value as Json).reverse()) {
      nest(number, writer, () => {
        item(2, inner, writer);
        text(1, key, writer);
      });
    }
  };
}

function message(of: () => Message): WriteField {
  return (number, value, writer) => nest(number, writer, () => write(of(), value as Json, writer));
}

/** A message that only holds one field. */
function wrapped(inner: number, item: WriteField): WriteField {
  return (number, value, writer) => nest(number, writer, () => item(inner, value, writer));
}

function nest(number: number, writer: ProtobufWriter, body: () => void): void {
  const before = writer.size;
  body();
  writer.varint(writer.size - before);
  writer.tag(number, 2);
}

const schema: WriteField = message(() => MESSAGES.Schema);

const reference: WriteField = (number, value, writer) => nest(number, writer, () => text(1, (value as Json)['$ref'], writer));

const parameter: WriteField = (number, value, writer) => {
  const place = (value as Json)['in'];
  nest(number, writer, () => {
    if (place === 'body') message(() => MESSAGES.BodyParameter)(1, value, writer);
    else nest(2, writer, () => message(() => (place === 'path' ? MESSAGES.PathParameter : MESSAGES.QueryParameter))(place === 'path' ? 4 : 3, value, writer));
  });
};

const parameterItem: WriteField = (number, value, writer) =>
  nest(number, writer, () => ('$ref' in (value as Json) ? reference(2, value, writer) : parameter(1, value, writer)));

const additionalProperties: WriteField = (number, value, writer) =>
  nest(number, writer, () => (typeof value === 'boolean' ? flag(2, value, writer) : schema(1, value, writer)));

const typeItem: WriteField = (number, value, writer) => nest(number, writer, () => list(text)(1, Array.isArray(value) ? value : [value], writer));

const responses: WriteField = (number, value, writer) => nest(number, writer, () => named(wrapped(1, message(() => MESSAGES.Response)))(1, value, writer));

const operation: WriteField = message(() => MESSAGES.Operation);

/** A path with its texts; the map is in field 2 of its message. */
const paths: WriteField = (number, value, writer) => nest(number, writer, () => named(message(() => MESSAGES.PathItem))(2, value, writer));

const security: WriteField = (number, value, writer) => nest(number, writer, () => named((inner, scopes) => nest(inner, writer, () => list(text)(1, scopes, writer)))(1, value, writer));

type MessageName = 'Document' | 'Info' | 'ApiKeySecurity' | 'PathItem' | 'Operation' | 'Response' | 'BodyParameter' | 'PathParameter' | 'QueryParameter' | 'Schema';

const MESSAGES: Readonly<Record<MessageName, Message>> = {
  Document: {
    fields: [
      [1, 'swagger', text], [2, 'info', message(() => MESSAGES.Info)], [8, 'paths', paths], [9, 'definitions', wrapped(1, named(schema))],
      [10, 'parameters', wrapped(1, named(parameter))], [12, 'security', list(security)], [13, 'securityDefinitions', wrapped(1, named(wrapped(2, message(() => MESSAGES.ApiKeySecurity))))],
    ],
  },
  Info: { fields: [[1, 'title', text], [2, 'version', text]] },
  ApiKeySecurity: { fields: [[1, 'type', text], [2, 'name', text], [3, 'in', text], [4, 'description', text]] },
  PathItem: {
    fields: [
      [2, 'get', operation], [3, 'put', operation], [4, 'post', operation], [5, 'delete', operation], [6, 'options', operation], [7, 'head', operation], [8, 'patch', operation],
      [9, 'parameters', list(parameterItem)],
    ],
  },
  Operation: {
    fields: [
      [1, 'tags', list(text)], [3, 'description', text], [5, 'operationId', text], [6, 'produces', list(text)], [7, 'consumes', list(text)], [8, 'parameters', list(parameterItem)],
      [9, 'responses', responses], [10, 'schemes', list(text)],
    ],
    extensions: 13,
  },
  Response: { fields: [[1, 'description', text], [2, 'schema', wrapped(1, schema)]] },
  BodyParameter: { fields: [[1, 'description', text], [2, 'name', text], [3, 'in', text], [4, 'required', flag], [5, 'schema', schema]] },
  PathParameter: { fields: [[1, 'required', flag], [2, 'in', text], [3, 'description', text], [4, 'name', text], [5, 'type', text], [19, 'uniqueItems', flag]] },
  QueryParameter: { fields: [[1, 'required', flag], [2, 'in', text], [3, 'description', text], [4, 'name', text], [6, 'type', text], [20, 'uniqueItems', flag]] },
  Schema: {
    fields: [
      [1, '$ref', text], [2, 'format', text], [3, 'title', text], [4, 'description', text], [5, 'default', any], [6, 'multipleOf', double], [7, 'maximum', double], [8, 'exclusiveMaximum', flag],
      [9, 'minimum', double], [10, 'exclusiveMinimum', flag], [11, 'maxLength', integer], [12, 'minLength', integer], [13, 'pattern', text], [14, 'maxItems', integer], [15, 'minItems', integer],
      [16, 'uniqueItems', flag], [17, 'maxProperties', integer], [18, 'minProperties', integer], [19, 'required', list(text)], [20, 'enum', list(any)],
      [21, 'additionalProperties', additionalProperties], [22, 'type', typeItem], [23, 'items', wrapped(1, schema)], [25, 'properties', wrapped(1, named(schema))], [30, 'example', any],
    ],
    extensions: 31,
  },
};
