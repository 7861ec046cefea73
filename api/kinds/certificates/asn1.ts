/** Whether bytes are a certificate request in ASN.1, and what Go's encoding/asn1 says of them when they are not. Pure. */

/** A name is Go's type, as errors show it; `fields` come one after the other. */
type Shape =
  | { readonly name: string; readonly is: 'sequence'; readonly fields: readonly Shape[] }
  | { readonly name: string; readonly is: 'integer' | 'oid' | 'bits' | 'anything'; readonly optional?: true };

const OID: Shape = { name: 'ObjectIdentifier', is: 'oid' };
const BITS: Shape = { name: 'BitString', is: 'bits' };
const ANYTHING: Shape = { name: 'RawValue', is: 'anything' };
const ALGORITHM: Shape = { name: 'AlgorithmIdentifier', is: 'sequence', fields: [OID, { name: 'RawValue', is: 'anything', optional: true }] };
const KEY: Shape = { name: 'publicKeyInfo', is: 'sequence', fields: [ALGORITHM, BITS] };
const TO_BE_SIGNED: Shape = { name: 'tbsCertificateRequest', is: 'sequence', fields: [{ name: 'int', is: 'integer' }, ANYTHING, KEY, ANYTHING] };
const REQUEST: Shape = { name: 'certificateRequest', is: 'sequence', fields: [TO_BE_SIGNED, ALGORITHM, BITS] };

/** Why the bytes, one character each, are no certificate request; undefined when they have the form of one. */
export function requestProblem(der: string): string | undefined {
  try {
    return parse(REQUEST, der, 0) < der.length ? 'asn1: syntax error: trailing data' : undefined;
  } catch (error) {
    if (error instanceof Asn1Error) return error.message;
    throw error;
  }
}

class Asn1Error extends Error {}

function syntax(why: string): Asn1Error {
  return new Asn1Error(`asn1: syntax error: ${why}`);
}

function structure(why: string): Asn1Error {
  return new Asn1Error(`asn1: structure error: ${why}`);
}

interface Head {
  readonly class: number;
  readonly tag: number;
  readonly length: number;
  readonly isCompound: boolean;
  /** Where the content begins. */
  readonly at: number;
}

const LONGEST_BYTES = 2 ** 23;

function readHead(bytes: string, start: number): Head {
  let at = start;
  const next = (): number => {
    if (at >= bytes.length) throw syntax('truncated tag or length');
    return bytes.charCodeAt(at++);
  };
  const first = bytes.charCodeAt(at++);
  let tag = first & 0x1f;
  if (tag === 0x1f) {
    tag = 0;
    for (let part = 0x80; part & 0x80; tag = tag * 128 + (part & 0x7f)) {
      if (at >= bytes.length) throw syntax('truncated base 128 integer');
      part = bytes.charCodeAt(at++);
      if (part === 0x80 && tag === 0) throw syntax('integer is not minimally encoded');
    }
    if (tag < 0x1f) throw syntax('non-minimal tag');
  }
  let length = next();
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0) throw syntax('indefinite length found (not DER)');
    length = 0;
    for (let i = 0; i < count; i++) {
      const part = next();
      if (length >= LONGEST_BYTES) throw structure('length too large');
      length = length * 256 + part;
      if (length === 0) throw structure('superfluous leading zeros in length');
    }
    if (length < 0x80) throw structure('non-minimal length');
  }
  return { class: first >> 6, tag, length, isCompound: (first & 0x20) !== 0, at };
}

const TAGS = { integer: 2, bits: 3, oid: 6, sequence: 16 } as const;
const PARAMETERS = '{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}';

/** Returns where the value ends. Throws `Asn1Error`. */
function parse(shape: Shape, bytes: string, start: number): number {
  if (start === bytes.length) {
    if (shape.is === 'anything' && shape.optional) return start;
    throw syntax('sequence truncated');
  }
  const head = readHead(bytes, start);
  if (shape.is !== 'anything') {
    const tag = TAGS[shape.is];
    if (head.class !== 0 || head.tag !== tag || head.isCompound !== (shape.is === 'sequence')) {
      const found = `{class:${head.class} tag:${head.tag} length:${head.length} isCompound:${head.isCompound}}`;
      throw structure(`tags don't match (${tag} vs ${found}) ${PARAMETERS} ${shape.name} @${head.at}`);
    }
  }
  const end = head.at + head.length;
  if (end > bytes.length) throw syntax('data truncated');
  checkContent(shape, bytes.slice(head.at, end));
  return end;
}

function checkContent(shape: Shape, content: string): void {
  if (shape.is === 'sequence') {
    let at = 0;
    // What follows the last field is passed over.
    for (const field of shape.fields) at = parse(field, content, at);
  } else if (shape.is === 'integer') checkInteger(content);
  else if (shape.is === 'bits') checkBits(content);
  else if (shape.is === 'oid') checkOid(content);
}

function checkInteger(content: string): void {
  const [first, second] = [content.charCodeAt(0), content.charCodeAt(1)];
  if (content.length === 0) throw structure('empty integer');
  if (content.length > 1 && ((first === 0 && (second & 0x80) === 0) || (first === 0xff && (second & 0x80) !== 0))) throw structure('integer not minimally-encoded');
  if (content.length > 8) throw structure('integer too large');
}

function checkBits(content: string): void {
  if (content.length === 0) throw syntax('zero length BIT STRING');
  const padding = content.charCodeAt(0);
  const last = content.charCodeAt(content.length - 1);
  if (padding > 7 || (content.length === 1 && padding > 0) || (last & ((1 << padding) - 1)) !== 0) throw syntax('invalid padding bits in BIT STRING');
}

function checkOid(content: string): void {
  if (content.length === 0) throw syntax('zero length OBJECT IDENTIFIER');
  let starts = true;
  for (let at = 0; at < content.length; at++) {
    const part = content.charCodeAt(at);
    if (starts && part === 0x80) throw syntax('integer is not minimally encoded');
    starts = (part & 0x80) === 0;
  }
  if (!starts) throw syntax('truncated base 128 integer');
}
