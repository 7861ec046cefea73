/** The store of clusters with several API servers: etcd, through etcd3. One transaction per write, one watch for all watchers. */
import { open } from 'node:fs/promises';
import type { Etcd3, IKeyValue, IOptions, IRangeResponse } from 'etcd3';
import { every, systemClock, type Clock, type Timer } from '../../std/clock.ts';
import { isLeaseGone, neverSent, translate } from './etcd-errors.ts';
import { EtcdFeed } from './etcd-feed.ts';
import { EtcdLeases } from './etcd-leases.ts';
import { prefixEnd } from './past.ts';
import { KEEP_MS } from './retention.ts';
import { Compacted, Conflict, Unavailable, type Entry, type ListOptions, type Page, type Store, type Watch, type WatchSink, type WriteOptions } from './store.ts';
import { checkValue } from './value.ts';
import { WatchHub } from './watch-hub.ts';

export interface EtcdCredentials {
  readonly rootCertificate: Buffer;
  readonly privateKey?: Buffer;
  readonly certChain?: Buffer;
}

export interface EtcdOptions {
  /** `https://10.0.0.1:2379`; the first that answers is used. */
  readonly endpoints: readonly string[];
  /** For TLS. */
  readonly credentials?: EtcdCredentials;
  /** Put before all keys within etcd. Default: none. */
  readonly prefix?: string;
  readonly clock?: Clock;
  /** How long a call may take. */
  readonly timeoutMs?: number;
  /** How long history is kept; 0: somebody else compacts. */
  readonly keepMs?: number;
  readonly log?: (message: string) => void;
}

/** Does not wait for etcd: calls are `Unavailable` while it does not answer. */
export interface SizedStore extends Store {
  /** Bytes that its database takes. */
  size(): Promise<number>;
}

export async function openEtcd(options: EtcdOptions): Promise<SizedStore> {
  const [{ Etcd3 }, { ADDRESS_OPTIONS, namesAddresses, withRealHosts }] = await Promise.all([import('etcd3'), import('./etcd-tls.ts')]);
  const clock = options.clock ?? systemClock;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const byAddress = namesAddresses(options.endpoints);
  const make = (): Etcd3 => new Etcd3({
    hosts: [...options.endpoints],
    ...(options.credentials && { credentials: options.credentials as NonNullable<IOptions['credentials']> }),
    grpcOptions: { ...GRPC_OPTIONS, ...(byAddress && ADDRESS_OPTIONS) },
    // Retries are this store's own: a write that was sent must not be sent twice.
    faultHandling: { host: () => (options.endpoints.length > 1 ? restingAfterFailure(clock) : AS_IT_IS), global: AS_IT_IS },
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: clock.now() + timeoutMs }),
  });
  const client = byAddress ? withRealHosts(options.endpoints, make) : make();
  return new EtcdStore(client, { ...options, clock });
}

const TIMEOUT_MS = 10_000;
const LIST_PAGE = 1_000;
const GRPC_OPTIONS = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

/** A cockatiel policy that does nothing. */
const AS_IT_IS: Policy = {
  _altReturn: undefined as never,
  onSuccess: () => ({ dispose: () => undefined }),
  onFailure: () => ({ dispose: () => undefined }),
  execute: async (run, signal = new AbortController().signal) => run({ signal }),
};

/** Passes over an endpoint for a moment after it could not be reached, so that the next attempt goes to another one. */
function restingAfterFailure(clock: Clock): Policy {
  let rest: { readonly until: number; readonly error: unknown } | undefined;
  return {
    ...AS_IT_IS,
    async execute(run, signal) {
      if (rest && clock.monotonic() < rest.until) throw rest.error;
      try {
        return await AS_IT_IS.execute(run, signal);
      } catch (error) {
        if (neverSent(error)) rest = { until: clock.monotonic() + REST_MS, error };
        throw error;
      }
    },
  };
}

const REST_MS = 1_000;

class EtcdStore implements SizedStore {
  readonly #client: Etcd3;
  readonly #options: EtcdOptions;
  readonly #prefix: string;
  readonly #leases: EtcdLeases;
  readonly #feed: EtcdFeed;
  readonly #hub: WatchHub;
  readonly #compacting: Timer | undefined;
  /** How far etcd was a retention ago. */
  #mark = 0;
  readonly #compaction = { revision: 0 };
  #closed = false;
  /** The round of `revision()` that is under way, and the one that has not begun. */
  #asking: Promise<number> | undefined;
  #askingNext: Promise<number> | undefined;

  constructor(client: Etcd3, options: EtcdOptions & { readonly clock: Clock }) {
    const { clock, keepMs = KEEP_MS } = options;
    this.#client = client;
    this.#options = options;
    this.#prefix = options.prefix ?? '';
    this.#leases = new EtcdLeases(() => client.leaseClient, clock);
    this.#feed = new EtcdFeed({
      client: () => client.watchClient,
      clock,
      prefix: this.#prefix,
      publish: (changes, revision) => this.#hub.publish(changes, revision),
      lost: (error) => this.#hub.end(error),
      compaction: this.#compaction,
    });
    this.#hub = new WatchHub({ source: this.#feed, clock });
    const report = (error: unknown): void => options.log?.(`compaction: ${String(error)}`);
    if (keepMs > 0) this.#compacting = every(clock, keepMs, () => this.#compactOld(), report);
  }

  /** Callers share a question, but only one that begins after they asked. */
  revision(): Promise<number> {
    if (!this.#asking) return (this.#asking = this.#ask());
    this.#askingNext ??= this.#asking
      .catch(() => undefined)
      .then(() => {
        this.#askingNext = undefined;
        return (this.#asking = this.#ask());
      });
    return this.#askingNext;
  }

  async get(key: string, options?: { readonly revision?: number }): Promise<Entry | undefined> {
    const { kvs } = await this.#range({ key: this.#bytes(key), ...(options?.revision !== undefined && { revision: options.revision }) });
    return kvs[0] && this.#entry(kvs[0]);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Page> {
    const entries: Entry[] = [];
    let from = options.from !== undefined && options.from > prefix ? options.from : prefix;
    let { revision } = options;
    let count: number | undefined;
    for (;;) {
      const limit = Math.min(LIST_PAGE, options.limit === undefined ? LIST_PAGE : options.limit - entries.length);
      const range = { key: nonEmpty(this.#bytes(from)), range_end: rangeEnd(this.#prefix + prefix), limit };
      const page = await this.#range({ ...range, ...(revision !== undefined && { revision }) });
      revision ??= Number(page.header.revision);
      count ??= Number(page.count);
      for (const kv of page.kvs) entries.push(this.#entry(kv));
      const last = page.kvs.at(-1);
      if (!page.more || !last || entries.length === options.limit) return { entries, revision, more: count > entries.length, count };
      from = `${this.#entry(last).key}\0`;
    }
  }

  async write(key: string, expected: number, value: Buffer | undefined, options?: WriteOptions): Promise<number> {
    checkValue(key, value);
    const ttl = value && options?.ttlSeconds;
    try {
      return await this.#transaction(key, expected, value, ttl);
    } catch (error) {
      if (ttl === undefined || !isLeaseGone(error)) throw error;
      this.#leases.forget(ttl);
      return this.#transaction(key, expected, value, ttl);
    }
  }

  watch(prefix: string, after: number, sink: WatchSink): Watch {
    this.#checkOpen();
    return this.#hub.watch(prefix, after, sink);
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#call(() => this.#client.kv.compact({ revision }));
    } catch (error) {
      // Another API server was first, which is as good; what lies in the future is refused.
      if (!(error instanceof Compacted) || revision > (await this.revision())) throw error;
    }
    this.#compaction.revision = Math.max(this.#compaction.revision, revision);
  }

  async size(): Promise<number> {
    return Number((await this.#call(() => this.#client.maintenance.status())).dbSize);
  }

  /** For `etcdctl snapshot restore`. */
  async snapshot(path: string): Promise<void> {
    const file = await open(path, 'w', 0o600);
    try {
      const stream = await this.#call(() => this.#client.maintenance.snapshot());
      let position = 0;
      let writing: Promise<unknown> = Promise.resolve();
      await new Promise<void>((resolve, reject) => {
        stream.on('error', reject);
        stream.on('end', resolve);
        stream.on('data', ({ blob }) => {
          const at = position;
          position += blob.length;
          writing = writing.then(() => file.write(blob, 0, blob.length, at));
          writing.catch(reject);
        });
      });
      await writing;
      await file.sync();
    } catch (error) {
      throw this.#translate(error);
    } finally {
      await file.close();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#compacting?.cancel();
    this.#feed.close();
    this.#hub.end(new Unavailable('the store is closed'));
    this.#client.close();
  }

  async #transaction(key: string, expected: number, value: Buffer | undefined, ttl: number | undefined): Promise<number> {
    const lease = ttl === undefined ? undefined : await this.#call(() => this.#leases.get(ttl));
    const bytes = this.#bytes(key);
    const write = value ? { request_put: { key: bytes, value, ...(lease !== undefined && { lease }) } } : { request_delete_range: { key: bytes } };
    const answer = await this.#call(() =>
      this.#client.kv.txn({
        compare: [{ key: bytes, target: 'Mod', result: 'Equal', mod_revision: expected }],
        success: [write],
        failure: [{ request_range: { key: bytes } }],
      }),
    );
    if (answer.succeeded) return Number(answer.header.revision);
    const current = answer.responses[0]?.response_range.kvs[0];
    throw new Conflict(key, current && this.#entry(current));
  }

  async #ask(): Promise<number> {
    try {
      const { header } = await this.#range({ key: this.#bytes('/'), count_only: true });
      return Number(header.revision);
    } finally {
      this.#asking = undefined;
    }
  }

  #range(request: Parameters<Etcd3['kv']['range']>[0]): Promise<IRangeResponse> {
    return this.#call(() => this.#client.kv.range(request));
  }

  /** A call; tried on other endpoints where it did not reach one. */
  async #call<T>(run: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        if (attempt > this.#options.endpoints.length || !neverSent(error)) throw isLeaseGone(error) ? error : this.#translate(error);
      }
    }
  }

  /** Once per retention: forgets what is older than one. */
  async #compactOld(): Promise<void> {
    const mark = this.#mark;
    this.#mark = await this.revision();
    if (mark > this.#compaction.revision) await this.compact(mark);
  }

  #translate(error: unknown): Error {
    return translate(error, { endpoints: this.#options.endpoints, compacted: this.#compaction.revision });
  }

  #bytes(key: string): Buffer {
    return Buffer.from(this.#prefix + key);
  }

  #entry(kv: IKeyValue): Entry {
    return { key: kv.key.toString().slice(this.#prefix.length), value: kv.value, revision: Number(kv.mod_revision), created: Number(kv.create_revision) };
  }

  #checkOpen(): void {
    if (this.#closed) throw new Unavailable('the store is closed');
  }
}

/** etcd's way to say "from the first" and "to the last". */
function nonEmpty(key: Buffer): Buffer {
  return key.length > 0 ? key : Buffer.from([0]);
}

function rangeEnd(prefix: string): Buffer {
  return prefix === '' ? Buffer.from([0]) : Buffer.from(prefixEnd(prefix));
}
