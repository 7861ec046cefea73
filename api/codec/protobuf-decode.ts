/** From protobuf messages to JSON values, not yet in the form that is printed: zero values stand where a message has them. */
import { knownType } from '../facts/facts.ts';
import type { FieldFact } from '../facts/fact.ts';
import { badRequest } from '../status.ts';
import { exactInteger } from './exact-integers.ts';
import { parseExact, setKey } from './json-text.ts';
import { formatDuration } from './scalars.ts';

type Json = Record<string, unknown>;
/** Reads a value of the field, after its tag. */
type Read = (reader: ProtobufReader) => unknown;

interface Member {
  readonly field: FieldFact;
  readonly read: Read;
}

const START_GROUP = 3;
const END_GROUP = 4;
/** How deep messages may be nested. */
const DEPTH_LIMIT = 200;

export class ProtobufReader {
  readonly #bytes: Buffer;
  at: number;
  end: number;
  depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.end = bytes.length;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  /** A length, tag or other small number. */
  small(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const byte = this.#byte();
    if (byte > 0x07) throw badRequest('proto: integer overflow');
    return value + byte * 2 ** 28;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw badRequest('proto: integer overflow');
  }

  /** Signed; a bigint only where a number is not exact. */
  integer(): number | bigint {
    const byte = this.#bytes[this.at];
    if (byte !== undefined && byte < 0x80 && this.at < this.end) {
      this.at++;
      return byte;
    }
    return exactInteger(String(this.varint()));
  }

  double(): number {
    const at = this.#skip(8);
    return this.#bytes.readDoubleLE(at);
  }

  slice(): Buffer {
    const size = this.small();
    const at = this.#skip(size);
    return this.#bytes.subarray(at, at + size);
  }

  text(): string {
    const size = this.small();
    const at = this.#skip(size);
    return this.#bytes.toString('utf8', at, at + size);
  }

  /** Reads a message with its length: `field` gets each field's number and wire type and has to consume it. */
  message(field: (number: number, wire: number) => void, name = ''): void {
    const size = this.small();
    const { end } = this;
    this.end = this.#skip(size) + size;
    this.at = this.end - size;
    if (++this.depth > DEPTH_LIMIT) throw badRequest('proto: nesting too deep');
    this.fields(field, name);
    this.depth--;
    this.end = end;
  }

  /** `name` is that of the message, for what is wrong with it. */
  fields(field: (number: number, wire: number) => void, name = ''): void {
    while (this.at < this.end) {
      const tag = this.small();
      if ((tag & 7) === END_GROUP) throw badRequest(`proto: ${name}: wiretype end group for non-group`);
      if (tag < 8) throw badRequest(`proto: ${name}: illegal tag ${Math.floor(tag / 8)} (wire type ${tag & 7})`);
      field(Math.floor(tag / 8), tag & 7);
    }
  }

  skip(wire: number): void {
    if (wire === 0) this.varint();
    else if (wire === 1) this.#skip(8);
    else if (wire === 2) this.#skip(this.small());
    else if (wire === 5) this.#skip(4);
    else if (wire === START_GROUP) this.#skipGroup();
    else throw badRequest(`proto: illegal wireType ${wire}`);
  }

  /** Nobody knows groups any more; what is in them is passed over. */
  #skipGroup(): void {
    for (let open = 1; open > 0; ) {
      const wire = this.small() & 7;
      if (wire === START_GROUP) open++;
      else if (wire === END_GROUP) open--;
      else this.skip(wire);
    }
  }

  #byte(): number {
    if (this.at >= this.end) throw badRequest('unexpected EOF');
    return this.#bytes[this.at++] as number;
  }

  #skip(size: number): number {
    const { at } = this;
    if (at + size > this.end) throw badRequest('unexpected EOF');
    this.at += size;
    return at;
  }
}

const messages = new Map<string, ReadonlyMap<number, Member>>();

/** Reads the fields of a message up to the reader's end into an object. */
export function readMessage(type: string, reader: ProtobufReader, into: Json): Json {
  const members = membersOf(type);
  reader.fields((number, wire) => readMember(members.get(number), wire, reader, into), shortName(type));
  return into;
}

function nested(type: string, reader: ProtobufReader, into: Json): Json {
  const members = membersOf(type);
  reader.message((number, wire) => readMember(members.get(number), wire, reader, into), shortName(type));
  return into;
}

function shortName(type: string): string {
  return type.slice(type.lastIndexOf('.') + 1);
}

function readMember(member: Member | undefined, wire: number, reader: ProtobufReader, into: Json): void {
  if (!member) {
    reader.skip(wire);
    return;
  }
  const { field, read } = member;
  if (wire !== wireOf(field)) throw badRequest(`proto: wrong wireType = ${wire} for field ${goName(field)}`);
  if (field.inline) nested(field.ref as string, reader, into);
  else if (field.kind === 'list' && !field.message) ((into[field.name as string] ??= []) as unknown[]).push(read(reader));
  else if (field.kind === 'map') readEntry((into[field.name as string] ??= {}) as Json, field.of as FieldFact, read, reader);
  else if (field.kind === 'ref') nested(field.ref as string, reader, (into[field.name as string] ??= {}) as Json);
  else into[field.name as string] = read(reader);
}

/** As the field is called in Go. */
function goName({ name, ref = '' }: FieldFact): string {
  if (name === undefined || name === 'metadata') return shortName(ref);
  return name.replace(ACRONYMS, (word) => word.toUpperCase()).replace(/^./, (first) => first.toUpperCase());
}

const ACRONYMS = /^(?:api|aws|ca|cidr|cpu|csi|dns|fc|fs|gce|grpc|http|id|io|ip|iscsi|nfs|os|rbd|se|tcp|tls|tty|uid|url)(?=[A-Z]|s?$)/;

function readEntry(map: Json, of: FieldFact, read: Read, reader: ProtobufReader): void {
  let key = '';
  let value: unknown = ZERO[of.kind] ?? (of.kind === 'ref' ? {} : null);
  reader.message((number, wire) => {
    // Upstream does not look at what they say they are.
    if (number === 1) key = reader.text();
    else if (number === 2) value = read(reader);
    else reader.skip(wire);
  });
  setKey(map, key, value);
}

const ZERO: Readonly<Partial<Record<FieldFact['kind'], unknown>>> = { string: '', bool: false, int32: 0, int64: 0, double: 0, quantity: '' };

function membersOf(type: string): ReadonlyMap<number, Member> {
  let members = messages.get(type);
  if (!members) {
    members = new Map(
      knownType(type).fields.filter((field) => field.number !== undefined).map((field) => [field.number as number, { field, read: field.inline ? NEVER : valueReader(field) }]),
    );
    messages.set(type, members);
  }
  return members;
}

const NEVER: Read = () => undefined;

function wireOf(field: FieldFact): number {
  const { kind } = field.kind === 'list' && !field.message ? (field.of as FieldFact) : field;
  if (kind === 'double') return 1;
  return kind === 'bool' || kind === 'int32' || kind === 'int64' ? 0 : 2;
}

function valueReader(field: FieldFact): Read {
  if (field.kind === 'list' && field.message) {
    const read = valueReader(field.of as FieldFact);
    return (reader) => {
      const list: unknown[] = [];
      reader.message((number, wire) => (number === 1 ? list.push(read(reader)) : reader.skip(wire)));
      return list;
    };
  }
  if (field.kind === 'list' || field.kind === 'map') return valueReader(field.of as FieldFact);
  if (field.kind === 'ref') return (reader) => nested(field.ref as string, reader, {});
  const read = SCALARS[field.kind];
  if (!read) throw new Error(`${field.kind} has no protobuf form`);
  return read;
}

/** The values of a small message by field number: numbers, texts or bytes as `kinds` says. */
function small(reader: ProtobufReader, kinds: Readonly<Record<number, 'integer' | 'text' | 'slice'>>): Record<number, unknown> {
  const out: Record<number, unknown> = {};
  reader.message((number, wire) => {
    const kind = kinds[number];
    if (kind) out[number] = reader[kind]();
    else reader.skip(wire);
  });
  return out;
}

function instant(reader: ProtobufReader): { readonly head: string; readonly nanos: number } | undefined {
  const { 1: seconds, 2: nanos } = small(reader, { 1: 'integer', 2: 'integer' });
  if (seconds === undefined && nanos === undefined) return undefined;
  const at = new Date(Number(seconds ?? 0) * 1000);
  if (Number.isNaN(at.getTime())) throw badRequest('proto: time out of range');
  return { head: at.toISOString().slice(0, 19), nanos: Number(nanos ?? 0) };
}

const integer: Read = (reader) => reader.integer();

const rawJson: Read = (reader) => {
  const { 1: bytes } = small(reader, { 1: 'slice' });
  return readRaw(bytes as Buffer | undefined);
};

const JSON_SCHEMA = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

/** What raw bytes hold besides JSON: set by the envelope's reader, which imports this file. */
let openEnvelope: (bytes: Buffer) => unknown = () => null;
export function setEnvelopeReader(open: (bytes: Buffer) => unknown): void {
  openEnvelope = open;
}

function readRaw(bytes: Buffer | undefined): unknown {
  if (!bytes || bytes.length === 0) return null;
  if (bytes.length > 4 && bytes.toString('latin1', 0, 4) === 'k8s\0') return openEnvelope(bytes);
  try {
    return parseExact(bytes.toString());
  } catch {
    throw badRequest('a raw value in a protobuf message is not JSON');
  }
}

const SCALARS: Readonly<Partial<Record<FieldFact['kind'], Read>>> = {
  string: (reader) => reader.text(),
  bool: (reader) => reader.varint() !== 0n,
  int32: integer,
  int64: integer,
  double: (reader) => reader.double(),
  bytes: (reader) => reader.slice().toString('base64'),
  time: (reader) => {
    const at = instant(reader);
    return at ? `${at.head}Z` : null;
  },
  microtime: (reader) => {
    const at = instant(reader);
    return at ? `${at.head}.${String(Math.floor(at.nanos / 1000)).padStart(6, '0')}Z` : null;
  },
  duration: (reader) => formatDuration(BigInt((small(reader, { 1: 'integer' })[1] ?? 0) as number)),
  quantity: (reader) => small(reader, { 1: 'text' })[1] ?? '',
  intorstring: (reader) => {
    const { 1: type, 2: number, 3: text } = small(reader, { 1: 'integer', 2: 'integer', 3: 'text' });
    return type === 1 ? (text ?? '') : (number ?? 0);
  },
  rawextension: rawJson,
  fieldsv1: rawJson,
  json: rawJson,
  unknown: (reader) => readRaw(small(reader, { 2: 'slice' })[2] as Buffer | undefined),
  schemaorbool: (reader) => {
    let value: unknown = false;
    reader.message((number, wire) => {
      if (number === 1) value = reader.varint() !== 0n || typeof value === 'object' ? value || true : false;
      else if (number === 2) value = nested(JSON_SCHEMA, reader, {});
      else reader.skip(wire);
    });
    return value;
  },
  schemaorarray: (reader) => alternatives(reader, () => nested(JSON_SCHEMA, reader, {})),
  schemaorstrings: (reader) => alternatives(reader, () => reader.text()),
};

/** One schema in field 1, or a list in field 2. */
function alternatives(reader: ProtobufReader, item: () => unknown): unknown {
  let value: unknown = null;
  reader.message((number, wire) => {
    if (number === 1) value = nested(JSON_SCHEMA, reader, {});
    else if (number === 2) (Array.isArray(value) ? value : (value = [] as unknown[]) as unknown[]).push(item());
    else reader.skip(wire);
  });
  return value;
}
