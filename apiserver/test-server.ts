/** For tests: an API server over the memory store, with both of its doors: in-process and a socket. */
import { request as secureRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { ApiObject } from '../api/kind.ts';
import type { ApiCall, Door, WatchEvent } from '../api/request.ts';
import { ApiError, type Status } from '../api/status.ts';
import { systemClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import type { UserInfo } from './auth/auth.ts';
import { openPki, type Pki } from './pki/pki.ts';
import { createApiServer, type ApiServer, type ApiServerOptions } from './server.ts';
import { openMemory } from './storage/memory.ts';
import type { Store } from './storage/store.ts';

export const ADMIN: UserInfo = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };

export interface TestServer {
  readonly server: ApiServer;
  readonly store: Store;
  readonly port: number;
  readonly doors: { readonly direct: Door; readonly socket: Door };
  /** One HTTP/1.1 request, as the administrator unless told otherwise. */
  http(method: string, path: string, options?: HttpOptions): Promise<HttpAnswer>;
  close(): Promise<void>;
}

export interface HttpOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly anonymous?: boolean;
}

export interface HttpAnswer {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly json: () => ApiObject & { items: ApiObject[]; status?: unknown };
}

let pki: Promise<Pki> | undefined;

/** One set of certificates for all servers of a test file: making keys takes longer than anything else. */
export function testPki(): Promise<Pki> {
  return (pki ??= openPki({ directory: undefined, clock: systemClock, random: seededRandom(1), addresses: ['127.0.0.1'] }).then((made) => {
    made.close();
    return made;
  }));
}

export async function openTestServer(options: Partial<ApiServerOptions> = {}): Promise<TestServer> {
  const store = options.store ?? openMemory();
  const own = await testPki();
  const server = createApiServer({ store, pki: own, ...options });
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
  const admin = await own.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  const connection = { host: '127.0.0.1', port, ca: own.caPem, agent: false as const };
  const send = (method: string, path: string, { headers = {}, body, anonymous = false }: HttpOptions): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const credentials = anonymous ? {} : { cert: admin.certPem, key: admin.keyPem };
      const outgoing = secureRequest({ ...connection, ...credentials, method, path, headers }, resolve);
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  const http: TestServer['http'] = async (method, path, how = {}) => {
    const response = await send(method, path, how);
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    return { code: response.statusCode ?? 0, headers: response.headers, bytes, json: () => JSON.parse(bytes.toString()) as ReturnType<HttpAnswer['json']> };
  };
  return {
    server, store, port, http,
    doors: { direct: server.door(ADMIN, { userAgent: 'direct' }), socket: socketDoor(http, send) },
    async close() {
      await server.close();
      if (!options.store) await store.close();
    },
  };
}

const METHODS: Record<string, string> = { create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE' };

function socketDoor(http: TestServer['http'], send: (method: string, path: string, options: HttpOptions) => Promise<IncomingMessage>): Door {
  return {
    async call(call) {
      const body = call.body === undefined ? {} : { body: JSON.stringify(call.body) };
      const headers = call.body === undefined ? {} : { 'Content-Type': call.patchType ?? 'application/json' };
      const answer = await http(METHODS[call.verb] ?? 'GET', pathOf(call), { headers, ...body });
      const value = answer.json();
      if (answer.code >= 400) throw new ApiError(value as unknown as Status);
      return value;
    },
    async *watch(call) {
      const query = { ...call.query, watch: 'true' };
      const response = await send('GET', pathOf({ ...call, query }), {});
      call.signal?.addEventListener('abort', () => response.destroy());
      if (response.statusCode !== 200) throw new ApiError({ code: response.statusCode ?? 0 });
      let text = '';
      try {
        for await (const chunk of response as AsyncIterable<Buffer>) {
          const lines = (text + chunk.toString()).split('\n');
          text = lines.pop() ?? '';
          for (const line of lines) yield JSON.parse(line) as WatchEvent;
        }
      } catch (error) {
        if (!call.signal?.aborted) throw error;
      }
    },
  };
}

function pathOf({ group, version, resource, namespace, name, subresource, query }: ApiCall): string {
  const parts = [group === '' ? `/api/${version}` : `/apis/${group}/${version}`, ...(namespace ? ['namespaces', namespace] : []), resource, name, subresource];
  const text = new URLSearchParams(query).toString();
  return `${parts.filter((part) => part).join('/')}${text ? `?${text}` : ''}`;
}
