/** What literals mean: numbers, and strings with their escapes. Provenance: parser/unescape.go of cel-go v0.26. */
import { MAX_INT, MAX_UINT, MIN_INT, Uint } from './value.ts';

export function readInt(text: string, negative: boolean): bigint | undefined {
  const value = negative ? -BigInt(text) : BigInt(text);
  return value < MIN_INT || value > MAX_INT ? undefined : value;
}

export function readUint(text: string): Uint | undefined {
  const value = BigInt(text.slice(0, -1));
  return value > MAX_UINT ? undefined : new Uint(value);
}

const SIMPLE: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '"': 34, "'": 39, '\\': 92, '?': 63, '`': 96 };

/** Throws Error for code points that no text can hold. */
export function readString(literal: string): string {
  const { body, raw } = unquote(literal);
  if (raw) return body;
  return body.replace(/\\(?:([xX])([0-9a-fA-F]{2})|(u)([0-9a-fA-F]{4})|(U)([0-9a-fA-F]{8})|([0-3][0-7]{2})|([^]))/g, (...found: string[]) => {
    const hex = found[2] ?? found[4] ?? found[6];
    return codePoint(hex !== undefined ? Number.parseInt(hex, 16) : found[7] !== undefined ? Number.parseInt(found[7], 8) : (SIMPLE[found[8] as string] as number));
  });
}

/** Of bytes, escapes with numbers mean single bytes. */
export function readBytes(literal: string): Uint8Array {
  const { body, raw } = unquote(literal.slice(1));
  const encoder = new TextEncoder();
  if (raw) return encoder.encode(body);
  const bytes: number[] = [];
  for (const [part] of body.matchAll(/\\[xX][0-9a-fA-F]{2}|\\[0-3][0-7]{2}|\\[^]|[^\\]+/g)) {
    if (part.length === 4 && /^\\[xX]/.test(part)) bytes.push(Number.parseInt(part.slice(2), 16));
    else if (part.length === 4 && part.startsWith('\\')) bytes.push(Number.parseInt(part.slice(1), 8));
    else if (part === '\\u' || part === '\\U') throw new Error('unable to unescape string');
    else if (part.startsWith('\\')) bytes.push(SIMPLE[part[1] as string] as number);
    else bytes.push(...encoder.encode(part));
  }
  return Uint8Array.from(bytes);
}

function codePoint(code: number): string {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new Error('invalid unicode code point');
  return String.fromCodePoint(code);
}

function unquote(literal: string): { body: string; raw: boolean } {
  const raw = /^[rR]/.test(literal);
  const quoted = (raw ? literal.slice(1) : literal).replaceAll(/\r\n?/g, '\n');
  const long = quoted.startsWith('"""') || quoted.startsWith("'''") ? 3 : 1;
  return { body: quoted.slice(long, -long), raw };
}
