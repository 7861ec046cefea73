/** An HTTP request, of either protocol version, as an exchange; the costly parts are made when they are asked for. */
import type { IncomingMessage } from 'node:http';
import type { Http2Stream } from 'node:http2';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { ANONYMOUS, type Credentials, type UserInfo } from '../auth/auth.ts';
import { certificateOf } from '../auth/client-certificate.ts';
import { websocketToken } from '../auth/websocket-token.ts';
import { readBody } from '../request/body.ts';
import type { Answer, Body, Exchange, Query, Upgrade } from '../exchange.ts';
import { negotiate, negotiateError, PLAIN_JSON, type Accepted, type Offer } from '../request/negotiate.ts';
import { asksToWatch, parseRoute, type Route } from '../request/route.ts';

const NO_QUERY: Query = new URLSearchParams();

export class HttpExchange implements Exchange {
  id = '';
  readonly method: string;
  readonly uri: string;
  auditAnnotations?: Map<string, string>;
  traceparent?: string;
  waitedMs?: number;
  readonly route: Route;
  readonly query: Query;
  readonly warnings: string[] = [];
  readonly extraHeaders: Record<string, string> = {};
  readonly after: (() => void)[] = [];
  readonly upgrade: Upgrade | undefined;
  user: UserInfo = ANONYMOUS;
  answer: Answer | undefined;
  readonly #request: IncomingMessage;
  #controller: AbortController | undefined;
  #isAborted = false;
  #reason: unknown;
  #accepted: Accepted | undefined;
  #credentials: Credentials | undefined;
  #body: Body | undefined;

  /** Throws `UnreadablePath`. */
  constructor(request: IncomingMessage, upgrade?: Upgrade) {
    this.#request = request;
    this.upgrade = upgrade;
    this.method = request.method ?? 'GET';
    const url = request.url ?? '/';
    this.uri = url;
    const at = url.indexOf('?');
    this.query = at < 0 ? NO_QUERY : new URLSearchParams(wellFormed(url.slice(at + 1)));
    this.route = parseRoute(this.method, at < 0 ? url : url.slice(0, at), { watch: asksToWatch(this.query.get('watch')) });
  }

  get body(): Body {
    return (this.#body ??= new HttpBody(this.#request));
  }

  get headers(): IncomingMessage['headers'] {
    return this.#request.headers;
  }

  get remoteAddress(): string | undefined {
    return this.#request.socket?.remoteAddress?.replace(/^::ffff:/, '');
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }

  get credentials(): Credentials {
    if (this.#credentials) return this.#credentials;
    const { headers, rawHeaders, socket } = this.#request;
    const { authorization = tokenOf(headers) } = headers;
    const shown = certificateOf(socket as TLSSocket, authorization);
    const { path } = this.route;
    return (this.#credentials = authorization === undefined ? { ...shown, rawHeaders, path } : { ...shown, authorization, rawHeaders, path });
  }

  /** Whether it came over this connection. */
  isOf(session: object): boolean {
    return streamOf(this.#request)?.session === session;
  }

  get longRunning(): boolean {
    const { verb, subresource, isResource, path } = this.route;
    return verb === 'watch' || verb === 'proxy' || LONG_SUBRESOURCES.has(subresource) || (!isResource && path.startsWith(PROFILES));
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Every request ends with it; most never had anybody who would hear. */
  abort(reason: unknown): void {
    if (this.#controller) this.#controller.abort(reason);
    else if (!this.#isAborted) {
      this.#isAborted = true;
      this.#reason = reason;
    }
  }

  accepted({ custom = false, tables = true }: Pick<Offer, 'custom' | 'tables'> = {}): Accepted {
    if (this.#accepted) return this.#accepted;
    const { accept } = this.#request.headers;
    const pretty = this.#wantsPretty();
    if ((!accept || accept === 'application/json') && !pretty) return (this.#accepted = PLAIN_JSON);
    const { verb, isResource, subresource, path } = this.route;
    const route = custom || UNROUTED.test(path) ? undefined : isResource && subresource === '' && (verb === 'list' || verb === 'watch') ? 'streams' : 'plain';
    this.#accepted = negotiate(accept, { route, watch: verb === 'watch', metadata: isResource, tables: isResource && tables, custom }, pretty);
    return this.#accepted;
  }

  acceptedForErrors(): Accepted {
    return negotiateError(this.#request.headers.accept, this.#wantsPretty());
  }

  #wantsPretty(): boolean {
    return wantsPretty(this.query.get('pretty'), this.#request.headers['user-agent']);
  }
}

/** Over HTTP/2. */
function streamOf(request: IncomingMessage): Http2Stream | undefined {
  return (request as { readonly stream?: Http2Stream }).stream;
}

/** What was sent, read when somebody asks for it, once. */
class HttpBody {
  readonly form = 'bytes';
  readonly contentType: string;
  readonly #request: IncomingMessage;
  #bytes: Promise<Buffer> | undefined;
  #soFar: Buffer | undefined;

  constructor(request: IncomingMessage) {
    this.#request = request;
    this.contentType = request.headers['content-type'] ?? '';
  }

  read(): Promise<Buffer> {
    return (this.#bytes ??= readBody(this.#request.headers, this.stream()).then((bytes) => (this.#soFar = bytes)));
  }

  stream(): Readable {
    return streamOf(this.#request) ?? this.#request;
  }

  soFar(): Buffer | undefined {
    return this.#soFar;
  }
}

/** Throws 401. */
function tokenOf(headers: IncomingMessage['headers']): string | undefined {
  const token = headers.upgrade === undefined ? undefined : websocketToken(headers);
  return token === undefined ? undefined : `Bearer ${token}`;
}

/** The list of groups, and each group, are answered beside the routes. */
const UNROUTED = /^\/apis(?:\/[^/]*)?\/?$/;

/** People who look with these programs are shown indented JSON unless they say otherwise. */
const FOR_PEOPLE = /^(curl|Wget|Mozilla\/5\.0)/;

function wantsPretty(parameter: string | null, agent = ''): boolean {
  if (parameter) return /^(1|t|T|true|TRUE|True)$/.test(parameter);
  return FOR_PEOPLE.test(agent);
}

/** Taking a profile takes as long as is asked for. */
const PROFILES = '/debug/pprof/';
const LONG_SUBRESOURCES = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

/** Parts of a query that cannot be read are nothing, as in Go: with a semicolon, or half an escape. */
function wellFormed(query: string): string {
  return MALFORMED.test(query) ? query.split('&').filter((part) => !MALFORMED.test(part)).join('&') : query;
}

const MALFORMED = /;|%(?![0-9a-fA-F]{2})/;
