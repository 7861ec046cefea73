/** A version 2 document as a protobuf message: `openapi.v2.Document` of gnostic-models, whose field numbers stand here. */
import { ProtobufWriter } from '../codec/protobuf-writer.ts';
import { any, double, flag, integer, list, message, named, nest, text, wrapped, writeMessage, type Message, type WriteField } from './document-protobuf.ts';
import type { Json } from './schemas.ts';

export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/** The document as bytes of that content type. */
export function openApiV2Protobuf(document: Json): Buffer {
  const writer = new ProtobufWriter();
  writeMessage(MESSAGES.Document, document, writer);
  return writer.take();
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
