/** A version 3 document as a protobuf message: `openapi.v3.Document` of gnostic-models, whose field numbers stand here. */
import { ProtobufWriter } from '../codec/protobuf-writer.ts';
import { any, double, flag, integer, list, message, named, nest, text, wrapped, writeMessage, type Message, type WriteField } from './document-protobuf.ts';
import type { Json } from './schemas.ts';

export const OPENAPI_V3_PROTOBUF = 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf';

/** The document as bytes of that content type. */
export function openApiV3Protobuf(document: Json): Buffer {
  const writer = new ProtobufWriter();
  writeMessage(MESSAGES.Document, document, writer);
  return writer.take();
}

/** A thing or a reference to one: two alternatives of a message. */
function orReference(item: WriteField): WriteField {
  return (number, value, writer) =>
    nest(number, writer, () => {
      if (!('$ref' in (value as Json))) item(1, value, writer);
      else nest(2, writer, () => text(1, (value as Json)['$ref'], writer));
    });
}

const schema: WriteField = orReference(message(() => MESSAGES.Schema));

const schemas: WriteField = wrapped(1, named(schema));

const additionalProperties: WriteField = (number, value, writer) =>
  nest(number, writer, () => (typeof value === 'boolean' ? flag(2, value, writer) : schema(1, value, writer)));

/** Only scalars, zero ones too: the message has no place for other defaults. */
const defaultValue: WriteField = (number, value, writer) => {
  if (typeof value === 'object') return;
  nest(number, writer, () => {
    if (typeof value === 'number') writer.double(value);
    else if (typeof value === 'boolean') writer.varint(value ? 1 : 0);
    else writer.string(String(value));
    writer.tag(typeof value === 'number' ? 1 : typeof value === 'boolean' ? 2 : 3, typeof value === 'number' ? 1 : typeof value === 'boolean' ? 0 : 2);
  });
};

const content: WriteField = wrapped(1, named(message(() => MESSAGES.MediaType)));

const parameters: WriteField = list(orReference(message(() => MESSAGES.Parameter)));

const responses: WriteField = (number, value, writer) => nest(number, writer, () => named(orReference(message(() => MESSAGES.Response)))(2, value, writer));

const operation: WriteField = message(() => MESSAGES.Operation);

type MessageName = 'Document' | 'Info' | 'Components' | 'SecurityScheme' | 'PathItem' | 'Operation' | 'Parameter' | 'RequestBody' | 'MediaType' | 'Response' | 'Schema';

const MESSAGES: Readonly<Record<MessageName, Message>> = {
  Document: {
    fields: [[1, 'openapi', text], [2, 'info', message(() => MESSAGES.Info)], [4, 'paths', wrapped(1, named(message(() => MESSAGES.PathItem)))], [5, 'components', message(() => MESSAGES.Components)]],
  },
  Info: { fields: [[1, 'title', text], [2, 'description', text], [6, 'version', text]] },
  Components: { fields: [[1, 'schemas', schemas], [7, 'securitySchemes', wrapped(1, named(orReference(message(() => MESSAGES.SecurityScheme))))]] },
  SecurityScheme: { fields: [[1, 'type', text], [2, 'description', text], [3, 'name', text], [4, 'in', text]] },
  PathItem: {
    fields: [
      [4, 'get', operation], [5, 'put', operation], [6, 'post', operation], [7, 'delete', operation], [8, 'options', operation], [9, 'head', operation], [10, 'patch', operation], [13, 'parameters', parameters],
    ],
  },
  Operation: {
    fields: [
      [1, 'tags', list(text)], [3, 'description', text], [5, 'operationId', text], [6, 'parameters', parameters], [7, 'requestBody', orReference(message(() => MESSAGES.RequestBody))], [8, 'responses', responses],
    ],
    extensions: 13,
  },
  Parameter: { fields: [[1, 'name', text], [2, 'in', text], [3, 'description', text], [4, 'required', flag], [10, 'schema', schema]] },
  RequestBody: { fields: [[1, 'description', text], [2, 'content', content], [3, 'required', flag]] },
  MediaType: { fields: [[1, 'schema', schema]] },
  Response: { fields: [[1, 'description', text], [3, 'content', content]] },
  Schema: {
    fields: [
      [1, 'nullable', flag], [3, 'readOnly', flag], [7, 'example', any], [9, 'title', text], [10, 'multipleOf', double], [11, 'maximum', double], [12, 'exclusiveMaximum', flag], [13, 'minimum', double],
      [14, 'exclusiveMinimum', flag], [15, 'maxLength', integer], [16, 'minLength', integer], [17, 'pattern', text], [18, 'maxItems', integer], [19, 'minItems', integer], [20, 'uniqueItems', flag],
      [21, 'maxProperties', integer], [22, 'minProperties', integer], [23, 'required', list(text)], [24, 'enum', list(any)], [25, 'type', text], [26, 'allOf', list(schema)], [27, 'oneOf', list(schema)],
      [28, 'anyOf', list(schema)], [29, 'not', message(() => MESSAGES.Schema)], [30, 'items', wrapped(1, schema)], [31, 'properties', schemas], [32, 'additionalProperties', additionalProperties],
      [33, 'default', defaultValue], [34, 'description', text], [35, 'format', text],
    ],
    extensions: 36,
  },
};
