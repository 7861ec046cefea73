/** The proxy to a node of this very process, which has no port: its agent is asked what its port would say. */
import { Readable } from 'node:stream';
import { badRequest } from '../../api/status.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { cleanPath } from './links.ts';

export interface NodeRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly accept: string;
}

export interface NodeAnswer {
  readonly code: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type AskNode = (request: NodeRequest) => Promise<NodeAnswer>;

export async function passToOwn({ method, route, uri, headers: { accept = '' }, upgrade }: Exchange, ask: AskNode): Promise<Answer> {
  if (upgrade) throw badRequest(`node ${JSON.stringify(route.name)} is simulated and runs no processes: there is nothing to connect to`);
  const mark = uri.indexOf('?');
  const query = mark < 0 ? '' : uri.slice(mark);
  const isRead = method === 'GET' || method === 'HEAD';
  if (route.rest === '' && isRead) return { type: 'stream', code: 301, headers: { Location: `${route.path}/${query}`, ...(method === 'GET' && { 'Content-Length': '0' }) }, stream: Readable.from([]) };
  const path = route.rest === '' ? '/' : cleanPath(route.rest);
  const { code, type, headers, body } = await ask({ method, path: `${path}${query}`, accept });
  // Redirects lead back through the proxy.
  const location = headers['Location']?.startsWith('/') ? `${route.path.slice(0, route.path.length - route.rest.length)}${headers['Location']}` : headers['Location'];
  const length = String(Buffer.byteLength(body));
  return { type: 'stream', code, headers: { ...headers, ...(location !== undefined && { Location: location }), 'Content-Type': type, 'Content-Length': length }, stream: Readable.from(method === 'HEAD' || body === '' ? [] : [Buffer.from(body)]) };
}
