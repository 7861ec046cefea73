/** From JSON values to protobuf messages, byte for byte as upstream's generated code writes them: per type one function, made when first asked for. */
import { knownType } from '../facts/facts.ts';
import type { FieldFact } from '../facts/fact.ts';
import { byteOrder } from './byte-order.ts';
import './exact-integers.ts';
import type { ProtobufWriter } from './protobuf-writer.ts';
import { parseDuration } from './scalars.ts';

type Json = Readonly<Record<string, unknown>>;
/** Writes a value without its tag; null or undefined is the zero value. */
type Write = (value: unknown, writer: ProtobufWriter) => void;
type WriteMessage = (value: Json, writer: ProtobufWriter) => void;

const messages = new Map<string, WriteMessage>();
const NOTHING: Json = {};

/** Writes the fields of a message, without a length. */
export function messageWriter(type: string): WriteMessage {
  let write = messages.get(type);
  if (!write) {
    let compiled: WriteMessage | undefined;
    write = (value, writer) => (compiled ??= compileMessage(type))(value, writer);
    messages.set(type, write);
  }
  return write;
}

/** The last field comes first: the writer goes backwards. */
function compileMessage(type: string): WriteMessage {
  const fields = knownType(type)
    .fields.filter((field) => field.number !== undefined)
    .sort((a, b) => (b.number as number) - (a.number as number))
    .map((field): WriteMessage => fieldWriter(field));
  return (value, writer) => {
    for (const write of fields) write(value, writer);
  };
}

function fieldWriter(field: FieldFact): WriteMessage {
  const number = field.number as number;
  if (field.inline) {
    const inner = lengthBefore(messageWriter(field.ref as string));
    return (value, writer) => {
      inner(value, writer);
      writer.tag(number, 2);
    };
  }
  const name = field.name as string;
  if (field.kind === 'list' && !field.message) return listWriter(name, number, field.of as FieldFact);
  if (field.kind === 'map') return mapWriter(name, number, field.of as FieldFact);
  const write = valueWriter(field);
  const wire = wireOf(field);
  const optional = field.pointer || field.kind === 'bytes' || field.kind === 'list';
  return (value, writer) => {
    const inner = value[name];
    if (optional && (inner === null || inner === undefined)) return;
    write(inner, writer);
    writer.tag(number, wire);
  };
}

function listWriter(name: string, number: number, of: FieldFact): WriteMessage {
  const write = valueWriter(of);
  const wire = wireOf(of);
  return (value, writer) => {
    const list = value[name] as readonly unknown[] | null | undefined;
    if (!list) return;
    for (let i = list.length - 1; i >= 0; i--) {
      write(list[i], writer);
      writer.tag(number, wire);
    }
  };
}

function mapWriter(name: string, number: number, of: FieldFact): WriteMessage {
  const write = valueWriter(of);
  const wire = wireOf(of);
  return (value, writer) => {
    const map = value[name] as Json | null | undefined;
    if (!map) return;
    const keys = Object.keys(map).sort(byteOrder);
    for (let i = keys.length - 1; i >= 0; i--) {
      const key = keys[i] as string;
      const before = writer.size;
      if (map[key] !== null || of.kind !== 'list') {
        write(map[key], writer);
        writer.tag(2, wire);
      }
      writer.string(key);
      writer.tag(1, 2);
      writer.varint(writer.size - before);
      writer.tag(number, 2);
    }
  };
}

function lengthBefore(write: WriteMessage): Write {
  return (value, writer) => {
    const before = writer.size;
    write((value as Json | null | undefined) ?? NOTHING, writer);
    writer.varint(writer.size - before);
  };
}

function wireOf({ kind }: FieldFact): 0 | 1 | 2 {
  if (kind === 'double') return 1;
  return kind === 'bool' || kind === 'int32' || kind === 'int64' ? 0 : 2;
}

function valueWriter(field: FieldFact): Write {
  if (field.kind === 'ref') return lengthBefore(messageWriter(field.ref as string));
  if (field.kind === 'list') return lengthBefore(messageList(field.of as FieldFact));
  const write = SCALARS[field.kind];
  if (!write) throw new Error(`${field.kind} has no protobuf form`);
  return write;
}

/** A list in a message of its own. */
function messageList(of: FieldFact): WriteMessage {
  const write = valueWriter(of);
  return (value, writer) => {
    const list = value as unknown as readonly unknown[];
    for (let i = (list.length ?? 0) - 1; i >= 0; i--) {
      write(list[i], writer);
      writer.tag(1, wireOf(of));
    }
  };
}

const integer: Write = (value, writer) => writer.int((value as number | bigint | null | undefined) ?? 0);

/** A form: a message with its length, out of steps in reverse order. */
function form(write: (value: unknown, writer: ProtobufWriter) => void): Write {
  return (value, writer) => {
    const before = writer.size;
    write(value ?? null, writer);
    writer.varint(writer.size - before);
  };
}

function text(writer: ProtobufWriter, number: number, value: string): void {
  writer.string(value);
  writer.tag(number, 2);
}

function number(writer: ProtobufWriter, field: number, value: number | bigint): void {
  writer.int(value);
  writer.tag(field, 0);
}

const rawJson = form((value, writer) => {
  if (value !== null) text(writer, 1, goJson(value));
});

/** JSON with the characters escaped that Go escapes. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const JSON_SCHEMA = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

function schema(writer: ProtobufWriter, field: number, value: unknown): void {
  lengthBefore(messageWriter(JSON_SCHEMA))(value, writer);
  writer.tag(field, 2);
}

const SCALARS: Readonly<Partial<Record<FieldFact['kind'], Write>>> = {
  string: (value, writer) => writer.string((value as string | null | undefined) ?? ''),
  bool: (value, writer) => writer.varint(value ? 1 : 0),
  int32: integer,
  int64: integer,
  double: (value, writer) => writer.double((value as number | null | undefined) ?? 0),
  bytes: (value, writer) => {
    const bytes = Buffer.from(value as string, 'base64');
    writer.bytes(bytes);
    writer.varint(bytes.length);
  },
  time: form((value, writer) => {
    if (value === null) return;
    number(writer, 2, 0);
    number(writer, 1, Date.parse(value as string) / 1000);
  }),
  microtime: form((value, writer) => {
    if (value === null) return;
    const [head = '', fraction = ''] = (value as string).slice(0, -1).split('.');
    number(writer, 2, Number(fraction.padEnd(9, '0')));
    number(writer, 1, Date.parse(`${head}Z`) / 1000);
  }),
  duration: form((value, writer) => number(writer, 1, parseDuration((value as string | null) ?? '0s') ?? 0n)),
  quantity: form((value, writer) => text(writer, 1, value === null ? '0' : String(value))),
  intorstring: form((value, writer) => {
    text(writer, 3, typeof value === 'string' ? value : '');
    number(writer, 2, typeof value === 'number' ? value : 0);
    number(writer, 1, typeof value === 'string' ? 1 : 0);
  }),
  rawextension: rawJson,
  fieldsv1: rawJson,
  json: rawJson,
  unknown: form((value, writer) => {
    text(writer, 4, 'application/json');
    text(writer, 3, '');
    if (value !== null) text(writer, 2, goJson(value));
    lengthBefore(messageWriter('io.k8s.apimachinery.pkg.runtime.TypeMeta'))(null, writer);
    writer.tag(1, 2);
  }),
  schemaorbool: form((value, writer) => {
    if (typeof value === 'object' && value !== null) schema(writer, 2, value);
    number(writer, 1, value === false || value === null ? 0 : 1);
  }),
  schemaorarray: form((value, writer) => {
    if (!Array.isArray(value)) {
      if (value !== null) schema(writer, 1, value);
    } else for (const item of value.toReversed()) schema(writer, 2, item);
  }),
  schemaorstrings: form((value, writer) => {
    if (!Array.isArray(value)) {
      if (value !== null) schema(writer, 1, value);
    } else for (const item of value.toReversed()) text(writer, 2, item as string);
  }),
};
