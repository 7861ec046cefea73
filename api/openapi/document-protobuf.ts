/** How the messages of OpenAPI documents are written: fields by number, maps as lists of named values, what begins with `x-` as extensions. */
import type { ProtobufWriter } from '../codec/protobuf-writer.ts';
import type { Json } from './schemas.ts';

/** Writes what stands in a field; the writer goes backwards, so that the last comes first. */
export type WriteField = (number: number, value: unknown, writer: ProtobufWriter) => void;

export interface Message {
  /** By number, rising. */
  readonly fields: readonly (readonly [number: number, name: string, write: WriteField])[];
  /** Where keys that begin with `x-` go. */
  readonly extensions?: number;
}

export function writeMessage({ fields, extensions }: Message, value: Json, writer: ProtobufWriter): void {
  // Extensions have the highest number of their message.
  if (extensions !== undefined) named(any)(extensions, Object.fromEntries(Object.entries(value).filter(([key]) => key.startsWith('x-'))), writer);
  for (let i = fields.length - 1; i >= 0; i--) {
    const [number, name, writeField] = fields[i] as Message['fields'][number];
    if (value[name] !== undefined) writeField(number, value[name], writer);
  }
}

export const text: WriteField = (number, value, writer) => {
  if (value === '') return;
  writer.string(value as string);
  writer.tag(number, 2);
};

export const flag: WriteField = (number, value, writer) => {
  if (value !== true) return;
  writer.varint(1);
  writer.tag(number, 0);
};

export const integer: WriteField = (number, value, writer) => {
  if (value === 0) return;
  writer.int(value as number);
  writer.tag(number, 0);
};

export const double: WriteField = (number, value, writer) => {
  if (value === 0) return;
  writer.double(value as number);
  writer.tag(number, 1);
};

/** Any value, as YAML, of which JSON is a part. */
export const any: WriteField = (number, value, writer) => nest(number, writer, () => text(2, `${JSON.stringify(value)}\n`, writer));

export function list(item: WriteField): WriteField {
  return (number, value, writer) => {
    for (const one of (value as unknown[]).toReversed()) item(number, one, writer);
  };
}

/** A map: a list of messages with the key in field 1 and the value in field 2. */
export function named(item: WriteField): WriteField {
  return (number, value, writer) => {
    for (const [key, inner] of Object.entries(value as Json).reverse()) {
      nest(number, writer, () => {
        item(2, inner, writer);
        text(1, key, writer);
      });
    }
  };
}

export function message(of: () => Message): WriteField {
  return (number, value, writer) => nest(number, writer, () => writeMessage(of(), value as Json, writer));
}

/** A message that only holds one field. */
export function wrapped(inner: number, item: WriteField): WriteField {
  return (number, value, writer) => nest(number, writer, () => item(inner, value, writer));
}

export function nest(number: number, writer: ProtobufWriter, body: () => void): void {
  const before = writer.size;
  body();
  writer.varint(writer.size - before);
  writer.tag(number, 2);
}
