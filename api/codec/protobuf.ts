/** Kubernetes protobuf: objects in their envelope, and the frames of a watch. */
import { kindFact, typeFact } from '../facts/facts.ts';
import type { ApiObject } from '../kind.ts';
import type { WatchEventType } from '../request.ts';
import { badRequest } from '../status.ts';
import { convertType } from './compile.ts';
import { Context } from './context.ts';
import { ProtobufReader, readMessage, setEnvelopeReader } from './protobuf-decode.ts';
import { messageWriter } from './protobuf-encode.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

type Json = Readonly<Record<string, unknown>>;

/** Whether objects of this kind have a protobuf form: custom resources and Tables have none. */
export function hasProtobuf(apiVersion: string, kind: string): boolean {
  return messageType(apiVersion, kind) !== undefined;
}

/** An object, list or Status in its envelope: `k8s\0` and an Unknown. The kind must have a protobuf form; without an apiVersion it is of the core group. */
export function encodeProtobuf(object: Json): Buffer {
  const { apiVersion = '', kind } = object as { readonly apiVersion?: string; readonly kind: string };
  envelopeEnd();
  const before = writer.size;
  messageWriter(knownMessage(apiVersion, kind))(object, writer);
  writer.varint(writer.size - before);
  return envelopeStart(apiVersion, kind);
}

/** The bare message of an object, to be an item of `encodeProtobufList`. */
export function encodeMessage(object: Json): Buffer {
  const { apiVersion, kind } = object as { readonly apiVersion: string; readonly kind: string };
  writer.reset();
  messageWriter(knownMessage(apiVersion, kind))(object, writer);
  return writer.take();
}

export interface ProtobufList {
  readonly apiVersion: string;
  /** `PodList` */
  readonly kind: string;
  readonly metadata: Json;
  /** Bare messages. */
  readonly items: readonly Uint8Array[];
}

/** A list in its envelope out of items that are encoded already. */
export function encodeProtobufList({ apiVersion, kind, metadata, items }: ProtobufList): Buffer {
  envelopeEnd();
  const before = writer.size;
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i] as Uint8Array;
    writer.bytes(item);
    writer.varint(item.length);
    writer.tag(2, 2);
  }
  const end = writer.size;
  messageWriter(LIST_META)(metadata, writer);
  writer.varint(writer.size - end);
  writer.tag(1, 2);
  writer.varint(writer.size - before);
  return envelopeStart(apiVersion, kind);
}

/** What an envelope says it holds. Throws ApiError 400. */
export function openProtobuf(bytes: Uint8Array): { readonly apiVersion: string; readonly kind: string; readonly message: Uint8Array } {
  if (bytes.length < MAGIC.length || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  const reader = new ProtobufReader(bytes.subarray(MAGIC.length));
  let apiVersion = '';
  let kind = '';
  let message: Uint8Array = new Uint8Array(0);
  reader.fields((number, wire) => {
    if (number === 1 && wire === 2) {
      reader.message((inner, innerWire) => {
        if (inner === 1 && innerWire === 2) apiVersion = reader.text();
        else if (inner === 2 && innerWire === 2) kind = reader.text();
        else reader.skip(innerWire);
      });
    } else if (number === 2 && wire === 2) message = reader.slice();
    else reader.skip(wire);
  });
  return { apiVersion, kind, message };
}

/** The object in an envelope, as JSON has it. `otherwise` is the kind where the envelope names none. Throws ApiError 400. */
export function decodeProtobuf(bytes: Uint8Array, otherwise?: { readonly apiVersion: string; readonly kind: string }): ApiObject {
  const opened = openProtobuf(bytes);
  const apiVersion = opened.apiVersion || (otherwise?.apiVersion ?? '');
  const kind = opened.kind || (otherwise?.kind ?? '');
  const type = messageType(apiVersion, kind);
  if (!type) throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  const { kind: _, apiVersion: __, ...object } = readMessage(type, new ProtobufReader(opened.message), {});
  return convertType(type)({ kind, apiVersion, ...object }, new Context(undefined)) as ApiObject;
}

/** One event of a watch: four bytes of length and a WatchEvent around an object in its envelope. */
export function encodeWatchFrame(type: WatchEventType, object: Uint8Array): Buffer {
  writer.reset();
  writer.bytes(object);
  writer.varint(object.length);
  writer.tag(1, 2);
  writer.varint(writer.size);
  writer.tag(2, 2);
  writer.string(type);
  writer.tag(1, 2);
  const { size } = writer;
  writer.bytes([size >>> 24, (size >>> 16) & 0xff, (size >>> 8) & 0xff, size & 0xff]);
  return writer.take();
}

const MAGIC = [0x6b, 0x38, 0x73, 0] as const;
const LIST_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';
/** One is enough: nothing waits while a message is written. */
const writer = new ProtobufWriter();

setEnvelopeReader(decodeProtobuf);

function envelopeEnd(): void {
  writer.reset();
  writer.string('');
  writer.tag(4, 2);
  writer.string('');
  writer.tag(3, 2);
}

function envelopeStart(apiVersion: string, kind: string): Buffer {
  writer.tag(2, 2);
  const before = writer.size;
  writer.string(kind);
  writer.tag(2, 2);
  writer.string(apiVersion);
  writer.tag(1, 2);
  writer.varint(writer.size - before);
  writer.tag(1, 2);
  writer.bytes(MAGIC);
  return writer.take();
}

function messageType(apiVersion: string, kind: string): string | undefined {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion || 'v1'];
  const type = kindFact(group, version, kind)?.type;
  return type && typeFact(type)?.protobuf ? type : undefined;
}

function knownMessage(apiVersion: string, kind: string): string {
  const type = messageType(apiVersion, kind);
  if (!type) throw new Error(`${apiVersion} ${kind} has no protobuf form`);
  return type;
}
