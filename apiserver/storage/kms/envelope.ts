/** What is stored of a value sealed through a key management service: the sealed bytes beside what the service needs to give the key again. Pure. Provenance: kmsv2 of apiserver v0.36. */
import type { KmsSealed } from './service.ts';

/** How the secret that the service keeps becomes the key. */
export const KEY = 0;
export const SEED = 1;

export interface Envelope {
  readonly data: Buffer;
  readonly source: KmsSealed;
  readonly sourceType: number;
}

const ANNOTATIONS_LIMIT_BYTES = 32 * 1024;
export const KEY_ID_LIMIT_BYTES = 1024;
const SOURCE_LIMIT_BYTES = 1024;

/** Throws a sentence about what a service must not answer, or what cannot have been stored. */
export function checkEnvelope({ data, source, sourceType }: Envelope): void {
  if (sourceType !== KEY && sourceType !== SEED) throw new Error(`unknown encryptedDEKSourceType: ${sourceType}`);
  if (data.length === 0) throw new Error('encrypted data is empty');
  const { ciphertext, keyId, annotations } = source;
  if (ciphertext.length === 0) throw new Error('failed to validate encrypted DEK source: encrypted DEK source is empty');
  if (ciphertext.length > SOURCE_LIMIT_BYTES) throw new Error(`failed to validate encrypted DEK source: encrypted DEK source is ${ciphertext.length} bytes, which exceeds the max size of ${SOURCE_LIMIT_BYTES}`);
  const problem = keyIdProblem(keyId);
  if (problem) throw new Error(`failed to validate key id: ${problem.message}`);
  checkAnnotations(annotations);
}

/** `code` is what upstream counts it as. */
export function keyIdProblem(keyId: string): { readonly code: 'empty' | 'too_long'; readonly message: string } | undefined {
  const size = Buffer.byteLength(keyId);
  if (size === 0) return { code: 'empty', message: 'keyID is empty' };
  return size > KEY_ID_LIMIT_BYTES ? { code: 'too_long', message: `keyID is ${size} bytes, which exceeds the max size of ${KEY_ID_LIMIT_BYTES}` } : undefined;
}

const NAME_LIMIT = 253;
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function checkAnnotations(annotations: KmsSealed['annotations']): void {
  let size = 0;
  for (const [name, value] of annotations) {
    const labels = name.replace(/\.$/, '').split('.');
    if (labels.length < 2 || name.length > NAME_LIMIT || !labels.every((label) => LABEL.test(label))) {
      throw new Error(`failed to validate annotations: annotations: Invalid value: ${JSON.stringify(name)}: should be a domain with at least two segments separated by dots`);
    }
    size += Buffer.byteLength(name) + value.length;
  }
  if (size > ANNOTATIONS_LIMIT_BYTES) throw new Error(`failed to validate annotations: total size of annotations is ${size}, which exceeds the max size of ${ANNOTATIONS_LIMIT_BYTES}`);
}

/** As protobuf: data 1, key id 2, source 3, annotations 4, type of the source 5. */
export function encodeEnvelope(envelope: Envelope): Buffer {
  const { data, source: { ciphertext, keyId, annotations }, sourceType } = envelope;
  const entries = [...annotations].map(([name, value]) => field(4, Buffer.concat([field(1, Buffer.from(name)), field(2, value)])));
  return Buffer.concat([field(1, data), field(2, Buffer.from(keyId)), field(3, ciphertext), ...entries, ...(sourceType === 0 ? [] : [Buffer.from([5 << 3, sourceType])])]);
}

function field(number: number, bytes: Buffer): Buffer {
  const head = [(number << 3) | 2];
  let size = bytes.length;
  for (; size > 0x7f; size = Math.floor(size / 0x80)) head.push((size % 0x80) | 0x80);
  return Buffer.concat([Buffer.from([...head, size]), bytes]);
}

export function decodeEnvelope(stored: Buffer): Envelope {
  let data: Buffer = Buffer.alloc(0);
  let ciphertext: Buffer = Buffer.alloc(0);
  let [keyId, sourceType] = ['', 0];
  const annotations = new Map<string, Buffer>();
  for (const { number, bytes, value } of fieldsOf(stored)) {
    if (number === 1) data = bytes;
    else if (number === 2) keyId = bytes.toString();
    else if (number === 3) ciphertext = bytes;
    else if (number === 5) sourceType = value;
    else if (number === 4) {
      const entry = [...fieldsOf(bytes)];
      const part = (at: number): Buffer => entry.findLast((one) => one.number === at)?.bytes ?? Buffer.alloc(0);
      annotations.set(part(1).toString(), part(2));
    }
  }
  const envelope = { data, source: { ciphertext, keyId, annotations }, sourceType };
  checkEnvelope(envelope);
  return envelope;
}

interface Field {
  readonly number: number;
  readonly bytes: Buffer;
  readonly value: number;
}

const VARINT_LIMIT_BYTES = 10;
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

function* fieldsOf(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < VARINT_LIMIT_BYTES; i++) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new Error('proto: cannot parse invalid wire-format data');
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    if (type === 0) {
      yield { number, bytes: Buffer.alloc(0), value: varint() };
      continue;
    }
    const size = type === 2 ? varint() : FIXED_BYTES[type];
    if (number === 0 || size === undefined || at + size > bytes.length) throw new Error('proto: cannot parse invalid wire-format data');
    yield { number, bytes: bytes.subarray(at, at + size), value: 0 };
    at += size;
  }
}
