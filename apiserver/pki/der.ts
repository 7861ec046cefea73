/** As much of ASN.1's distinguished encoding as certificates need: writing values, and finding one's way in those of others. */

const TAGS = { boolean: 0x01, bitString: 0x03, octetString: 0x04, oid: 0x06, utf8: 0x0c, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31 } as const;
const MANY_BYTES = 0x80;

export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** With its tag and length: what is copied into another value as it is. */
  readonly whole: Buffer;
}

export function element(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

export const sequence = (...parts: readonly Buffer[]): Buffer => element(TAGS.sequence, ...parts);
export const set = (...parts: readonly Buffer[]): Buffer => element(TAGS.set, ...parts);
export const octetString = (bytes: Buffer): Buffer => element(TAGS.octetString, bytes);
export const utf8 = (text: string): Buffer => element(TAGS.utf8, Buffer.from(text, 'utf8'));
export const truth = (): Buffer => element(TAGS.boolean, Buffer.from([0xff]));
/** Positive, in as many bytes as given: the first one below 0x80 and, where there are several, not zero. */
export const integer = (bytes: Buffer): Buffer => element(0x02, bytes);

/** `unused` of the last bits do not count. */
export function bitString(bytes: Buffer, unused = 0): Buffer {
  return element(TAGS.bitString, Buffer.from([unused]), bytes);
}

/** A field of its own number, around other elements or (`isPlain`) in place of one's tag. */
export function tagged(number: number, content: Buffer, { isPlain = false } = {}): Buffer {
  return element((isPlain ? 0x80 : 0xa0) | number, content);
}

/** An object identifier: `2.5.4.3`. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(TAGS.oid, Buffer.from([first * 40 + second, ...rest.flatMap(inSevens)]));
}

/** To the second. Years that two digits cannot tell have four. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050 ? element(TAGS.utcTime, Buffer.from(digits.slice(2))) : element(TAGS.generalizedTime, Buffer.from(digits));
}

/** What stands in a sequence, a set or a tagged field, in its order. Throws where lengths do not agree. */
export function elementsOf(content: Buffer): readonly Element[] {
  const found: Element[] = [];
  for (let at = 0; at < content.length; ) {
    const tag = content[at] as number;
    const said = content[at + 1] ?? MANY_BYTES;
    const size = said < MANY_BYTES ? 0 : said & 0x7f;
    if (said === MANY_BYTES || size > 4) throw new Error('not a DER value');
    const start = at + 2 + size;
    const length = size === 0 ? said : content.readUIntBE(at + 2, size);
    if (start + length > content.length) throw new Error('a DER value is cut short');
    found.push({ tag, content: content.subarray(start, start + length), whole: content.subarray(at, start + length) });
    at = start + length;
  }
  return found;
}

function lengthOf(length: number): Buffer {
  if (length < MANY_BYTES) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return Buffer.from([MANY_BYTES | bytes.length, ...bytes]);
}

function inSevens(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) bytes.unshift((left & 0x7f) | 0x80);
  return bytes;
}
