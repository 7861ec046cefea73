/** Audit records sent in batches to a service that the file of a webhook names, in the form of a kubeconfig. */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { load } from 'js-yaml';
import { Agent, request } from 'undici';
import { sleep, type Clock } from '../../std/clock.ts';
import type { AuditBackend } from './audit.ts';
import type { AuditEvent } from './event.ts';
import { type Rate, throttle } from './throttle.ts';
import { trusting } from '../../std/trusting.ts';

export interface WebhookOptions {
  readonly target: WebhookTarget;
  readonly clock: Clock;
  readonly onLost: (count: number, error?: unknown) => void;
  readonly initialBackoffMs?: number;
  readonly bufferSize?: number;
  readonly maxBatchSize?: number;
  readonly maxBatchWaitMs?: number;
  /** Bytes of the records in one batch; a larger record goes alone. */
  readonly maxBatchBytes?: number;
  /** Of batches; undefined: as many as there are. */
  readonly rate?: Rate | undefined;
}

export interface WebhookTarget {
  readonly url: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  readonly insecure?: boolean;
}

const BUFFER = 10_000;
const BATCH = 400;
const BATCH_WAIT_MS = 30_000;
export const BATCH_LIMIT_BYTES = 10 * 1024 * 1024;
export const BATCH_RATE: Rate = { perSecond: 10, burst: 15 };
const BACKOFF_MS = 10_000;
const BACKOFF_FACTOR = 1.5;
const ATTEMPTS = 5;
const ANSWER_LIMIT_MS = 30_000;
/** When the server stops, what is buffered has this long to get out. */
const CLOSE_LIMIT_MS = 2_000;

export function openWebhook(options: WebhookOptions): AuditBackend {
  return new Webhook(options);
}

class Webhook implements AuditBackend {
  readonly #options: WebhookOptions;
  readonly #agent: Agent;
  readonly #closing = new AbortController();
  #buffer: AuditEvent[] = [];
  #sending: Promise<void> | undefined;
  #wake = new AbortController();
  readonly #turn: (signal: AbortSignal) => Promise<void>;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#turn = options.rate ? throttle(options.rate, options.clock) : () => Promise.resolve();
    const { ca, cert, key, insecure } = options.target;
    this.#agent = new Agent({ connect: { ...trusting(ca), ...(cert && { cert }), ...(key && { key }), ...(insecure && { rejectUnauthorized: false }) } });
  }

  write(event: AuditEvent): void {
    const { bufferSize = BUFFER, maxBatchSize = BATCH, onLost } = this.#options;
    if (this.#closing.signal.aborted || this.#buffer.length >= bufferSize) return onLost(1);
    this.#buffer.push(event);
    if (this.#buffer.length >= maxBatchSize) this.#wake.abort();
    this.#sending ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.abort();
    const limit = new AbortController();
    await Promise.race([this.#sending ?? Promise.resolve(), sleep(this.#options.clock, CLOSE_LIMIT_MS, limit.signal)]);
    limit.abort();
    await this.#agent.destroy();
  }

  async #run(): Promise<void> {
    const { clock, maxBatchSize = BATCH, maxBatchWaitMs = BATCH_WAIT_MS, onLost } = this.#options;
    while (this.#buffer.length > 0) {
      if (this.#buffer.length < maxBatchSize && !this.#closing.signal.aborted) {
        this.#wake = new AbortController();
        await sleep(clock, maxBatchWaitMs, this.#wake.signal);
      }
      const batch = this.#take(maxBatchSize);
      await this.#turn(this.#closing.signal);
      try {
        await this.#deliver(batch);
      } catch (error) {
        onLost(batch.length, error);
      }
    }
    this.#sending = undefined;
  }

  /** The first records, as texts: so many, and no more bytes than a batch may have. */
  #take(count: number): string[] {
    const { maxBatchBytes = BATCH_LIMIT_BYTES } = this.#options;
    const texts: string[] = [];
    let size = 0;
    for (const event of this.#buffer) {
      const text = JSON.stringify(event);
      size += Buffer.byteLength(text);
      if (texts.length === count || (texts.length > 0 && size > maxBatchBytes)) break;
      texts.push(text);
    }
    this.#buffer = this.#buffer.slice(texts.length);
    return texts;
  }

  async #deliver(items: readonly string[]): Promise<void> {
    const { clock, initialBackoffMs = BACKOFF_MS } = this.#options;
    const body = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items.join(',')}]}`;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#post(body);
      } catch (error) {
        if (attempt >= ATTEMPTS || this.#closing.signal.aborted) throw error;
        await sleep(clock, initialBackoffMs * BACKOFF_FACTOR ** (attempt - 1), this.#closing.signal);
      }
    }
  }

  async #post(body: string): Promise<void> {
    const { url, token } = this.#options.target;
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const { statusCode, body: answer } = await request(url, { method: 'POST', headers, body, dispatcher: this.#agent, headersTimeout: ANSWER_LIMIT_MS, bodyTimeout: ANSWER_LIMIT_MS });
    await answer.dump();
    if (statusCode >= 300) throw new Error(`the audit webhook answered ${statusCode}`);
  }
}

interface Named {
  readonly name?: string;
}

/** Reads the file of a webhook; paths within it are relative to it. Throws when it names no server. */
export function readWebhookFile(path: string): WebhookTarget {
  const file = load(readFileSync(path, 'utf8')) as {
    readonly 'current-context'?: string;
    readonly contexts?: readonly (Named & { readonly context?: { readonly cluster?: string; readonly user?: string } })[];
    readonly clusters?: readonly (Named & { readonly cluster?: Record<string, string | boolean> })[];
    readonly users?: readonly (Named & { readonly user?: Record<string, string> })[];
  };
  const context = file.contexts?.find(({ name }) => name === file['current-context'])?.context;
  const cluster = file.clusters?.find(({ name }) => name === context?.cluster)?.cluster ?? {};
  const user = file.users?.find(({ name }) => name === context?.user)?.user ?? {};
  const { server } = cluster;
  if (typeof server !== 'string') throw new Error(`${path}: its current context names no server`);
  const pem = (from: Readonly<Record<string, string | boolean>>, name: string): string | undefined => {
    const data = from[`${name}-data`];
    if (typeof data === 'string') return Buffer.from(data, 'base64').toString();
    const place = from[name];
    return typeof place === 'string' ? readFileSync(isAbsolute(place) ? place : join(dirname(path), place), 'utf8') : undefined;
  };
  const [ca, cert, key] = [pem(cluster, 'certificate-authority'), pem(user, 'client-certificate'), pem(user, 'client-key')];
  const token = user['token'] ?? (user['tokenFile'] ? readFileSync(user['tokenFile'], 'utf8').trim() : undefined);
  return { url: server, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), ...(token && { token }), ...(cluster['insecure-skip-tls-verify'] === true && { insecure: true }) };
}
