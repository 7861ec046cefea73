/** The proxy to a node of this very process, which has no port: its agent is asked what its port would say. */
import { Readable } from 'node:stream';
import { badRequest } from '../../api/status.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import type { Stored } from '../auth/reader.ts';
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

/** What a container of such a node has said: nothing, once it runs. Throws the 400 that a kubelet has for one that does not, or did not before. */
export function logOfOwn({ metadata, status }: Stored<Pod>, container: string, previous: boolean): Answer {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status ?? {};
  const found = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(({ name }) => name === container);
  const where = `container ${JSON.stringify(container)} in pod ${JSON.stringify(metadata.name)}`;
  if (previous && !found?.lastState?.terminated) throw badRequest(`previous terminated ${where} not found`);
  if (!previous && !found?.state?.running && !found?.state?.terminated) throw badRequest(`${where} is waiting to start: ${found?.state?.waiting?.reason ?? 'ContainerCreating'}`);
  return { type: 'stream', code: 200, headers: { 'Content-Type': 'text/plain' }, stream: Readable.from([]) };
}

export function refuseConnection(node: string): never {
  throw badRequest(`node ${JSON.stringify(node)} is simulated and runs no processes: there is nothing to connect to`);
}

export type AskNode = (request: NodeRequest) => Promise<NodeAnswer>;

export async function passToOwn({ method, route, uri, headers: { accept = '' }, upgrade }: Exchange, ask: AskNode): Promise<Answer> {
  if (upgrade) refuseConnection(route.name);
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
