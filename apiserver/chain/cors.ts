/** What browsers of other origins may do: nothing, unless the origin matches a pattern that the server was started with. */
import type { IncomingHttpHeaders } from 'node:http';

export interface Cors {
  /** Undefined: no browser's request, or not of an allowed origin. */
  headersFor(headers: IncomingHttpHeaders): Record<string, string> | undefined;
}

const METHODS = 'POST, GET, OPTIONS, PUT, DELETE, PATCH';
const HEADERS = 'Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since';
const EXPOSED = 'Date';

/** Throws on a pattern that matches nothing or everything by mistake: each is a regular expression, as upstream's flag takes it. */
export function openCors(patterns: readonly string[]): Cors | undefined {
  if (patterns.length === 0) return undefined;
  const allowed = patterns.map((pattern) => new RegExp(pattern));
  return {
    headersFor({ origin }) {
      if (typeof origin !== 'string' || origin === '' || !allowed.some((pattern) => pattern.test(origin))) return undefined;
      return {
        'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Methods': METHODS, 'Access-Control-Allow-Headers': HEADERS,
        'Access-Control-Expose-Headers': EXPOSED, 'Access-Control-Allow-Credentials': 'true',
      };
    },
  };
}
