/** Where the next page of a list begins: the token that clients hand back, in upstream's own format. */
import { parseJsonText } from '../../api/codec/json-text.ts';
import { badRequest } from '../../api/status.ts';

export interface Position {
  /** Of the snapshot that is being paged through; undefined: whatever is there when the client goes on. */
  readonly revision: number | undefined;
  /** First key of the page, within the store. */
  readonly from: string;
}

const VERSION = 'meta.k8s.io/v1';
const ANY_REVISION = -1;

export function encodeContinue({ revision, from }: Position, prefix: string): string {
  const token = { v: VERSION, rv: revision ?? ANY_REVISION, start: from.slice(prefix.length) };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** Throws 400. */
export function decodeContinue(text: string, prefix: string): Position {
  const { v, rv, start } = parse(text);
  if (v !== VERSION) throw refused(`: server does not recognize this encoded version ${v}`);
  if (rv === 0) throw refused(`: incorrect encoded start resourceVersion (version ${VERSION})`);
  if (start === '') throw refused(`: encoded start key empty (version ${VERSION})`);
  const segments = (start.startsWith('/') ? start.slice(1) : start).split('/');
  // Nothing that leads elsewhere, and nothing that could be written shorter.
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) throw refused(`: ${start}`);
  return { revision: rv > 0 ? rv : undefined, from: prefix + segments.join('/') };
}

interface Token {
  v: string;
  rv: number;
  start: string;
}

const FIELDS: Readonly<Record<keyof Token, 'string' | 'int64'>> = { v: 'string', rv: 'int64', start: 'string' };

function parse(text: string): Token {
  const token: Token = { v: '', rv: 0, start: '' };
  const value = parseText(fromBase64(text));
  if (value === null) return token;
  if (typeof value !== 'object' || Array.isArray(value)) throw refused(`: json: cannot unmarshal ${wordFor(value)} into Go value of type storage.continueToken`);
  for (const [key, given] of Object.entries(value as Record<string, unknown>)) {
    // Keys count in any case, as Go reads them.
    const field = key.toLowerCase() as keyof Token;
    if (!Object.hasOwn(FIELDS, field) || given === null) continue;
    const wanted = FIELDS[field];
    const fits = wanted === 'string' ? typeof given === 'string' : Number.isSafeInteger(given);
    if (!fits) throw refused(`: json: cannot unmarshal ${wordFor(given)} into Go struct field continueToken.${field} of type ${wanted}`);
    Object.assign(token, { [field]: given });
  }
  return token;
}

function parseText(text: string): unknown {
  try {
    return parseJsonText(text).value;
  } catch (error) {
    throw refused(`: ${(error as Error).message}`);
  }
}

const BASE64URL = /^[A-Za-z0-9_-]*/;

function fromBase64(text: string): string {
  const good = (BASE64URL.exec(text) as RegExpExecArray)[0].length;
  const at = good < text.length ? good : text.length % 4 === 1 ? text.length - 1 : -1;
  if (at >= 0) throw refused(`: illegal base64 data at input byte ${at}`);
  return Buffer.from(text, 'base64url').toString();
}

function wordFor(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'number' : `number ${value}`;
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? 'array' : typeof value;
}

function refused(why: string): Error {
  return badRequest(`invalid continue token: continue key is not valid${why}`);
}
