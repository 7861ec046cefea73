/** What an answer is written to, in either version of HTTP. */
import type { ServerResponse } from 'node:http';
import type { StreamResponse } from './http2-messages.ts';

export type Response = ServerResponse | StreamResponse;

type Headers = Readonly<Record<string, string | string[]>>;

export function writeHead(response: Response, code: number, headers: Headers): void {
  (response as ServerResponse).writeHead(code, headers as Record<string, string>);
}
