/** One aggregated API: where it is, how to be sure of it, and requests to it on behalf of a user whom this server vouches for. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Agent } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { Readable } from 'node:stream';
import type { APIService } from '../../api/types/apiregistration.v1.ts';
import type { Random } from '../../std/random.ts';
import { openAgent, request as secureRequest } from '../../std/secure-http.ts';
import type { UserInfo } from '../auth/auth.ts';
import type { Reader, Stored } from '../auth/reader.ts';
import type { Pki } from '../pki/pki.ts';
import { resolveEndpoint, type Endpoint, type ServicePort } from './service-address.ts';
import { trusting } from '../../std/trusting.ts';

export interface RemoteParts {
  readonly reader: Reader;
  readonly random: Random;
  readonly pki: Pick<Pki, 'frontProxyClient'>;
}

export interface RemoteRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly user: UserInfo;
  readonly body?: Readable | Buffer | undefined;
  readonly signal: AbortSignal;
}

const DEFAULT_PORT = 443;
/** Connections that wait for the next request, per aggregated API. */
const IDLE_CONNECTIONS = 25;

export class Remote {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly service: ServicePort;
  readonly groupPriority: number;
  readonly versionPriority: number;
  readonly spec: Stored<APIService>['spec'];
  readonly #parts: RemoteParts;
  #agent: { readonly agent: Agent; readonly certPem: string } | undefined;

  constructor({ metadata, spec }: Stored<APIService>, parts: RemoteParts) {
    this.name = metadata.name;
    this.spec = spec;
    const { group = '', version = '', service, groupPriorityMinimum, versionPriority } = spec ?? {};
    this.group = group;
    this.version = version;
    this.service = { namespace: service?.namespace ?? '', name: service?.name ?? '', port: service?.port ?? DEFAULT_PORT };
    this.groupPriority = groupPriorityMinimum ?? 0;
    this.versionPriority = versionPriority ?? 0;
    this.#parts = parts;
  }

  /** Throws an Error that says why there is none. */
  endpoint(): Endpoint {
    return resolveEndpoint(this.#parts.reader, this.#parts.random, this.service);
  }

  get tls(): ConnectionOptions {
    const { caBundle, insecureSkipTLSVerify } = this.spec ?? {};
    const { certPem, keyPem } = this.#parts.pki.frontProxyClient;
    const { name, namespace } = this.service;
    return {
      cert: certPem, key: keyPem, servername: `${name}.${namespace}.svc`,
      ...trusting(caBundle && Buffer.from(caBundle, 'base64').toString()),
      ...(insecureSkipTLSVerify && { rejectUnauthorized: false }),
    };
  }

  send(endpoint: Endpoint, request: RemoteRequest): Promise<IncomingMessage> {
    const { host, port } = endpoint;
    const { method, path, headers, user, body, signal } = request;
    return new Promise((resolve, reject) => {
      const outgoing = secureRequest({ host, port, path, method, headers: { ...headers, ...identityHeaders(user) }, agent: this.#agentNow(), signal, servername: this.tls.servername });
      outgoing.on('response', resolve);
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // The other server has let an idle connection go at the same moment: nothing of the request was seen.
        if (outgoing.reusedSocket && error.code === 'ECONNRESET' && body === undefined && !signal.aborted) this.send(endpoint, request).then(resolve, reject);
        else reject(error);
      });
      if (body === undefined) outgoing.end();
      else if (Buffer.isBuffer(body)) outgoing.end(body);
      else body.on('error', (error) => outgoing.destroy(error)).pipe(outgoing);
    });
  }

  close(): void {
    this.#agent?.agent.destroy();
  }

  /** Made anew when the certificate that it shows was renewed. */
  #agentNow(): Agent {
    const { certPem } = this.#parts.pki.frontProxyClient;
    if (this.#agent?.certPem !== certPem) this.#agent = { certPem, agent: openAgent({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS, ...this.tls }) };
    return this.#agent.agent;
  }
}

/** What names the user to the other server, which believes it for the certificate it comes with. */
export function identityHeaders({ name, uid, groups, extra = {} }: UserInfo): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = { 'X-Remote-User': name };
  if (uid) headers['X-Remote-Uid'] = uid;
  if (groups.length > 0) headers['X-Remote-Group'] = [...groups];
  for (const [key, values] of Object.entries(extra)) headers[`X-Remote-Extra-${escapeKey(key)}`] = [...values];
  return headers;
}

/** What a header's name cannot hold is written as its code. */
function escapeKey(key: string): string {
  return [...Buffer.from(key)].map((byte) => (/[-!#$&'*+.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)).join('');
}
