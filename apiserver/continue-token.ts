/** Where the next page of a list begins: the token that clients hand back, in upstream's own format. */
import { badRequest } from '../api/status.ts';

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
  if (v !== VERSION) throw badRequest('continue key is not valid: server does not recognize this encoded version');
  if (typeof rv !== 'number' || rv === 0 || typeof start !== 'string' || start === '') throw badRequest('continue key is not valid: incorrect encoded start resourceVersion');
  if (start.split('/').includes('..')) throw badRequest(`continue key is not valid: ${start}`);
  return { revision: rv > 0 ? rv : undefined, from: prefix + start };
}

function parse(text: string): { v?: unknown; rv?: unknown; start?: unknown } {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below.
  }
  throw badRequest('continue key is not valid');
}
