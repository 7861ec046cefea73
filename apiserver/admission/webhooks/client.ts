/** Calls webhooks: one pool of connections per address and authority, answers read up to a limit, failures told in upstream's words. */
import { createGunzip } from 'node:zlib';
import type { buildConnector, Dispatcher, Pool } from 'undici';
import { decodeJson } from '../../../api/codec/json.ts';
import { parseYaml } from '../../../api/codec/yaml.ts';
import type { WebhookClientConfig } from '../../../api/types/admissionregistration.v1.ts';
import { ApiError } from '../../../api/status.ts';
import { sleep, type Clock } from '../../../std/clock.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { Reader } from '../../auth/reader.ts';
import { addressOf, resolveService, type Address, type Endpoint } from './address.ts';
import { networkProblem, statusProblem } from '../../../std/network-problem.ts';
import { trusting } from '../../../std/trusting.ts';

/** Pools kept; the one used longest ago is closed. */
const POOLS_LIMIT = 200;
/** Calls of one address at the same time. What waits is bounded by the requests that the server lets in. */
const CONNECTIONS_LIMIT = 64;
/** A patch may hold a whole object, in base64. */
const RESPONSE_LIMIT_BYTES = 8 * 1024 * 1024;
const CONNECT_LIMIT_MS = 30_000;
const IDLE_MS = 30_000;
/** Of one call, where the webhook asks to be asked again; its time limit holds for all of them together. */
const ATTEMPTS_LIMIT = 11;

const REDIRECTS_LIMIT = 10;
/** What the answer asks for: the same question at another place, or to fetch what is there. Provenance: Go's net/http. */
const MOVED: ReadonlyMap<number, 'repeat' | 'fetch'> = new Map([[301, 'fetch'], [302, 'fetch'], [303, 'fetch'], [307, 'repeat'], [308, 'repeat']]);

export interface WebhookClient {
  /** The answer, decoded. Throws an Error that says why there is none. */
  call(client: DeepReadonly<WebhookClientConfig>, review: object, limits: CallLimits): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export interface CallLimits {
  readonly timeoutSeconds: number;
  /** Reads an answer that is no AdmissionReview. */
  readonly decode?: (text: string) => Record<string, unknown>;
  readonly signal?: AbortSignal | undefined;
  /** Of the span that the call is part of. */
  readonly traceparent?: string | undefined;
}

export interface ClientDependencies {
  readonly reader: Reader;
  readonly clock: Clock;
  /** Default: the Service's cluster address. */
  readonly resolve?: (service: NonNullable<Address['service']>) => Endpoint;
}

export function createWebhookClient(dependencies: ClientDependencies): WebhookClient {
  return new UndiciClient(dependencies);
}

type Undici = Pick<typeof import('undici'), 'Pool' | 'buildConnector'>;

interface Kept {
  readonly pool: Pool;
  readonly address: Address;
}

class UndiciClient implements WebhookClient {
  readonly #clock: Clock;
  readonly #resolve: NonNullable<ClientDependencies['resolve']>;
  readonly #pools = new Map<string, Kept>();

  constructor({ reader, clock, resolve }: ClientDependencies) {
    this.#clock = clock;
    this.#resolve = resolve ?? ((service) => resolveService(reader, service));
  }

  async call(client: DeepReadonly<WebhookClientConfig>, review: object, { timeoutSeconds, signal, traceparent, decode = decodeAnswer }: CallLimits): Promise<Record<string, unknown>> {
    // Loaded with the first call: most clusters have no webhooks, and it is as large as half of this server.
    const undici = await import('undici');
    const { pool, address } = this.#keep(client, undici);
    const path = `${address.path}?timeout=${timeoutSeconds}s`;
    const abort = new AbortController();
    const timer = this.#clock.after(timeoutSeconds * 1000, () => abort.abort(new Error('context deadline exceeded')));
    const leave = (): void => abort.abort(new Error('context canceled'));
    if (signal?.aborted) leave();
    signal?.addEventListener('abort', leave, { once: true });
    try {
      const elsewhere = (origin: string): Pool => (origin === address.origin ? pool : this.#keep({ url: origin, ...(client.caBundle && { caBundle: client.caBundle }) }, undici).pool);
      return await this.#exchange({ pool, elsewhere, path, url: `${address.origin}${path}`, body: JSON.stringify(review), headers: { ...HEADERS, ...(traceparent && { traceparent }) }, abort: abort.signal, decode });
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', leave);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.destroy()));
    this.#pools.clear();
  }

  async #exchange(outgoing: Outgoing): Promise<Record<string, unknown>> {
    for (let attempt = 1; ; attempt++) {
      const { code, type, text, retryAfterSeconds } = await this.#post(outgoing);
      if (retryAfterSeconds !== undefined && attempt < ATTEMPTS_LIMIT) {
        await sleep(this.#clock, retryAfterSeconds * 1000, outgoing.abort);
        continue;
      }
      if (code < 200 || code > 206) throw new Error(toldStatus(text) ?? statusProblem(code, text, type === '' || type.startsWith('text/')));
      if (text === '') throw new Error(`0-length response with status code: ${code} and content type: ${type || 'application/json'}`);
      return outgoing.decode(text);
    }
  }

  async #post(outgoing: Outgoing): Promise<Posted> {
    const { abort } = outgoing;
    const answer = await this.#follow(outgoing);
    const packed = answer.headers['content-encoding'] === 'gzip';
    const text = await readLimited(packed ? answer.body.compose(createGunzip()) as AsyncIterable<Buffer> : answer.body).catch((error: unknown) => {
      if (error instanceof TooLarge) throw error;
      throw new Error(`unexpected error when reading response body. Please retry. Original error: ${this.#reason(error, abort).replace(/^EOF$/, 'unexpected EOF')}`, { cause: error });
    });
    const { statusCode: code } = answer;
    const later = String(answer.headers['retry-after'] ?? '');
    const again = (code === 429 || code >= 500) && /^\d{1,6}$/.test(later);
    return { code, type: String(answer.headers['content-type'] ?? ''), text, ...(again && { retryAfterSeconds: Number(later) }) };
  }

  /** Where the webhook says it has moved to is asked next; only a few codes say that the question is to be asked there again. */
  async #follow({ pool, path, url, body, headers, abort, elsewhere }: Outgoing): Promise<Dispatcher.ResponseData> {
    let next = { pool, path, url, repeats: true };
    for (let asked = 1; ; asked++) {
      const { repeats } = next;
      const failed = (why: string, cause?: unknown): Error => new Error(`${repeats ? 'Post' : 'Get'} ${JSON.stringify(next.url)}: ${why}`, { cause });
      if (asked > REDIRECTS_LIMIT) throw failed(`stopped after ${REDIRECTS_LIMIT} redirects`);
      const answer = await next.pool
        .request({ method: repeats ? 'POST' : 'GET', path: next.path, ...(repeats && { body }), signal: abort, headersTimeout: 0, bodyTimeout: 0, headers })
        .catch((error: unknown) => {
          throw failed(this.#reason(error, abort), error);
        });
      const moved = MOVED.get(answer.statusCode);
      const { location } = answer.headers;
      if (!moved || (location === undefined && moved === 'repeat')) return answer;
      await answer.body.dump({ limit: RESPONSE_LIMIT_BYTES, signal: abort }).catch(() => undefined);
      if (typeof location !== 'string') throw failed(`${answer.statusCode} response missing Location header`);
      if (!URL.canParse(location, next.url)) throw failed(`failed to parse Location header ${JSON.stringify(location)}`);
      const { origin, pathname, search, href } = new URL(location, next.url);
      next = { pool: elsewhere(origin), path: `${pathname}${search}`, url: href, repeats: repeats && moved === 'repeat' };
    }
  }

  #reason(error: unknown, abort: AbortSignal): string {
    return abort.aborted ? (abort.reason as Error).message : networkProblem(error, this.#clock.now());
  }

  #keep(client: DeepReadonly<WebhookClientConfig>, undici: Undici): Kept {
    const key = JSON.stringify(client);
    let kept = this.#pools.get(key);
    if (kept) this.#pools.delete(key);
    else kept = this.#open(client, undici);
    this.#pools.set(key, kept);
    if (this.#pools.size > POOLS_LIMIT) {
      const [oldest, { pool }] = this.#pools.entries().next().value as [string, Kept];
      this.#pools.delete(oldest);
      // Calls under way come to their end.
      pool.close().catch(() => undefined);
    }
    return kept;
  }

  #open(client: DeepReadonly<WebhookClientConfig>, undici: Undici): Kept {
    const address = addressOf(client);
    const { service, serverName } = address;
    const ca = trusting(client.caBundle && Buffer.from(client.caBundle, 'base64').toString());
    const plain = undici.buildConnector({ ...ca, allowH2: false, timeout: CONNECT_LIMIT_MS });
    const connect: buildConnector.connector = (options, done) => {
      if (!service || serverName === undefined) return plain(options, done);
      let endpoint: Endpoint;
      try {
        endpoint = this.#resolve(service);
      } catch (error) {
        return done(error as Error, null);
      }
      const { host, port } = endpoint;
      return plain({ ...options, hostname: host, host: `${host}:${port}`, port: String(port), servername: serverName }, done);
    };
    return { address, pool: new undici.Pool(address.origin, { connect, connections: CONNECTIONS_LIMIT, pipelining: 1, keepAliveTimeout: IDLE_MS }) };
  }
}

interface Posted {
  readonly code: number;
  readonly type: string;
  readonly text: string;
  /** It cannot answer now, and says when to ask again. */
  readonly retryAfterSeconds?: number;
}

interface Outgoing {
  readonly pool: Pool;
  /** The pool of another address, with the same authority. */
  readonly elsewhere: (origin: string) => Pool;
  readonly path: string;
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly abort: AbortSignal;
  readonly decode: (text: string) => Record<string, unknown>;
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, */*', 'accept-encoding': 'gzip', 'user-agent': 'kube-apiserver-admission' };

class TooLarge extends Error {}

async function readLimited(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > RESPONSE_LIMIT_BYTES) throw new TooLarge(`the response has more than ${RESPONSE_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** A failure may tell more of itself in the form of a Status. */
function toldStatus(text: string): string | undefined {
  try {
    const { kind, status, message } = JSON.parse(text) as Record<string, unknown>;
    return kind === 'Status' && status !== 'Success' && typeof message === 'string' && message !== '' ? message : undefined;
  } catch {
    return undefined;
  }
}

const decodeAnswer = decodeReview('io.k8s.api.admission.v1.AdmissionReview');

/** Reads an answer as upstream's type of this name would be read. Throws an Error in its words. */
export function decodeReview(type: string): (text: string) => Record<string, unknown> {
  return (text) => {
    try {
      return decodeJson({ type }, isJson(text) ? text : JSON.stringify(parseYaml(text).value)).object;
    } catch (error) {
      throw error instanceof ApiError ? new Error(error.message, { cause: error }) : error;
    }
  };
}

/** Upstream reads whatever else comes as YAML. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return /^\s*[{[]/.test(text);
  }
}
