/** Reads the blocks of PEM texts, as Go's encoding/pem does. */
import { fromBase64 } from '../shared/base64.ts';

export interface PemBlock {
  readonly type: string;
  readonly hasHeaders: boolean;
  /** One character per byte. */
  readonly der: string;
}

const BLOCK = /(?:^|\n)-----BEGIN ([^\n]*?)-----[ \t\r]*\n([\s\S]*?)-----END ([^\n]*?)-----[ \t\r]*(?=\n|$)/g;
const SEQUENCE = 0x30;

/** What is no block is skipped. `encoded` is the text in base64. */
export function pemBlocks(encoded: string): PemBlock[] {
  return [...fromBase64(encoded).matchAll(BLOCK)].flatMap(([, type = '', body = '', end]) => {
    if (type !== end) return [];
    const { headers, rest } = splitHeaders(body);
    const text = rest.replace(/\s/g, '');
    if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return [];
    return [{ type, hasHeaders: headers > 0, der: atob(text) }];
  });
}

/** Whether the bytes are one ASN.1 sequence and nothing else: the outermost form of certificates and requests. */
export function isSequence(der: string): boolean {
  if (der.charCodeAt(0) !== SEQUENCE) return false;
  const first = der.charCodeAt(1);
  if (first < 0x80) return der.length === 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > 4) return false;
  let length = 0;
  for (let at = 0; at < count; at++) length = length * 256 + der.charCodeAt(2 + at);
  return der.length === 2 + count + length;
}

function splitHeaders(body: string): { headers: number; rest: string } {
  const lines = body.split('\n');
  let headers = 0;
  while (headers < lines.length && lines[headers]?.includes(':')) headers++;
  return { headers, rest: lines.slice(headers).join('\n') };
}
