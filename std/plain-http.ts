/**
 * What is needed of `node:http`, loaded with the first use. An import of it as an ES module would also look at all of its exports,
 * and so load Node's own HTTP client with its WebSockets, which nothing here uses: 5 MB.
 */
type Http = typeof import('node:http');

export const request = ((...args: Parameters<Http['request']>) => process.getBuiltinModule('node:http').request(...args)) as Http['request'];

export function statusText(code: number): string {
  return process.getBuiltinModule('node:http').STATUS_CODES[code] ?? '';
}
