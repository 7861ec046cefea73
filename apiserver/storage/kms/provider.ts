/**
 * Values sealed under seeds that a key management service keeps (version 2 of its API). One seed seals until the service names
 * another key; seeds that opened a value are remembered, so that the service is asked once per seed, not per value.
 * Provenance of times and wording: server/options/encryptionconfig and kmsv2 of apiserver v0.36.
 */
import { createHash } from 'node:crypto';
import { type Clock, sleep, type Timer } from '../../../std/clock.ts';
import { type Random, uuid } from '../../../std/random.ts';
import type { Cipher } from '../encryption-ciphers.ts';
import { type DataKey, dataKey, SEED_BYTES, sealUnderSeed } from './data-keys.ts';
import { checkEnvelope, decodeEnvelope, encodeEnvelope, type Envelope, keyIdProblem, SEED } from './envelope.ts';
import { type EncryptionSeries, hashOf } from './series.ts';
import type { KmsSealed, KmsService, KmsStatus } from './service.ts';

export interface KmsProviderOptions {
  readonly name: string;
  readonly service: KmsService;
  readonly clock: Clock;
  readonly random: Random;
  readonly series?: EncryptionSeries | undefined;
  readonly onError?: (error: Error) => void;
}

const HEALTHY_PERIOD_MS = 60_000;
const FAILING_PERIOD_MS = 10_000;
/** How long a seed seals after the service last named its key. */
const SEED_LASTS_MS = 3 * 60_000;
/** How long the answer to a health check is kept. */
const KEPT_MS = { well: 20_000, failed: 3_000 };
const DATA_KEYS_LIMIT = 4096;
const DATA_KEY_LASTS_MS = 24 * 60 * 60_000;
const VERSIONS = ['v2', 'v2beta1'];

interface Writing {
  readonly id: string;
  readonly key: DataKey;
  readonly seed: Buffer;
  readonly source: KmsSealed;
  expiresAt: number;
}

export class KmsProvider implements Cipher {
  readonly prefix: string;
  readonly #options: KmsProviderOptions;
  readonly #keys = new Map<string, { readonly key: DataKey; readonly until: number }>();
  readonly #asked = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();
  #writing: Writing | undefined;
  #version: string | undefined;
  #checked: { readonly at: number; readonly error: Error | undefined } | undefined;
  #checking: Promise<void> | undefined;
  #timer: Timer | undefined;

  constructor(options: KmsProviderOptions) {
    this.#options = options;
    this.prefix = `k8s:enc:kms:v2:${options.name}:`;
  }

  /** Asks for the key that seals, and goes on doing so. A service that does not answer yet is no fault: reads and writes wait for it by failing. */
  async start(): Promise<void> {
    let error: unknown;
    await this.check().catch((why: unknown) => (error = why));
    this.#arm(error === undefined);
  }

  /** Rejects with why the service cannot be relied on. Answers are kept for a moment. */
  check(): Promise<void> {
    const { clock } = this.#options;
    if (this.#checked && clock.monotonic() - this.#checked.at < (this.#checked.error ? KEPT_MS.failed : KEPT_MS.well)) {
      return this.#checked.error ? Promise.reject(this.#checked.error) : Promise.resolve();
    }
    return (this.#checking ??= this.#probe().finally(() => (this.#checking = undefined)));
  }

  prepare(_path: string, sealed: Buffer): Promise<void> | undefined {
    const envelope = decodeEnvelope(sealed);
    const id = idOf(envelope);
    if (this.#known(id)) return undefined;
    let asking = this.#asked.get(id);
    if (!asking) this.#asked.set(id, (asking = this.#fetch(id, envelope).finally(() => this.#asked.delete(id))));
    return asking;
  }

  open(path: string, sealed: Buffer): Buffer {
    const envelope = decodeEnvelope(sealed);
    const key = this.#known(idOf(envelope));
    if (!key) throw new Error('failed to decrypt DEK, error: the key management service has not been asked');
    this.#options.series?.keyUsed('from_storage', this.#options.name, envelope.source.keyId);
    return key.open(path, envelope.data);
  }

  isOutdated(sealed: Buffer): boolean {
    const { source, sourceType } = decodeEnvelope(sealed);
    return source.keyId !== this.#writing?.source.keyId || sourceType !== SEED;
  }

  seal(path: string, plain: Buffer): Buffer {
    const { clock, random, series, name } = this.#options;
    const writing = this.#writing;
    if (!writing) throw new Error('got unexpected nil transformer');
    if (clock.now() > writing.expiresAt) {
      const shown = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
      throw new Error(`encryptedDEKSource with keyID hash ${JSON.stringify(hashOf(writing.source.keyId))} expired at ${shown(writing.expiresAt)} (current time is ${shown(clock.now())})`);
    }
    series?.keyUsed('to_storage', name, writing.source.keyId);
    return encodeEnvelope({ data: sealUnderSeed(writing.seed, path, plain, random), source: writing.source, sourceType: SEED });
  }

  close(): void {
    this.#closing.abort();
    this.#timer?.cancel();
    this.#options.service.close();
  }

  #arm(well: boolean): void {
    if (this.#closing.signal.aborted) return;
    this.#timer = this.#options.clock.after(well ? HEALTHY_PERIOD_MS : FAILING_PERIOD_MS, () => {
      this.check().then(() => this.#arm(true), () => this.#arm(false));
    });
  }

  async #probe(): Promise<void> {
    const { service, clock, name, onError } = this.#options;
    let error: Error | undefined;
    try {
      const status = await service.status().catch((why: Error) => {
        throw new Error(`failed to perform status section of the healthz check for KMS Provider ${name}, error: ${why.message}`, { cause: why });
      });
      await this.#judge(status);
    } catch (why) {
      error = why as Error;
    }
    this.#checked = { at: clock.monotonic(), error };
    if (!error) return;
    if (!this.#closing.signal.aborted) onError?.(error);
    throw error;
  }

  async #judge({ healthz, version, keyId }: KmsStatus): Promise<void> {
    const { name, series } = this.#options;
    const problems: string[] = [];
    if (healthz !== 'ok') problems.push(`got unexpected healthz status: ${healthz}`);
    if (!VERSIONS.includes(version)) problems.push(`expected KMSv2 API version v2, got ${version}`);
    else if ((this.#version ??= version) !== version) problems.push(`KMSv2 API version should not change after the initial status response version ${this.#version}, got ${version}`);
    const problem = keyIdProblem(keyId);
    if (problem) {
      series?.keyInvalid(name, problem.code);
      problems.push(`got invalid KMSv2 KeyID hash ${JSON.stringify(hashOf(keyId))}: ${problem.message}`);
    } else {
      series?.keySeen(name, keyId);
      await this.#follow(keyId).catch((error: Error) => problems.push(error.message));
    }
    if (problems.length > 0) throw new Error(`kmsv2 Provider ${name} is not healthy, error: ${problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`}`);
  }

  /** The key that the service names now seals: a new seed where it is another than before. What seals meanwhile goes on until it expires. */
  async #follow(keyId: string): Promise<void> {
    const { clock, random, service } = this.#options;
    const expiresAt = clock.now() + SEED_LASTS_MS;
    if (this.#writing?.source.keyId === keyId) {
      this.#writing.expiresAt = expiresAt;
      return;
    }
    const uid = uuid(random);
    const seed = Buffer.from(random.bytes(SEED_BYTES));
    let [source, failure]: [KmsSealed | undefined, string] = [undefined, '<nil>'];
    try {
      source = await service.encrypt(uid, seed).catch((error: Error) => {
        throw new Error(`failed to encrypt DEK, error: ${error.message}`, { cause: error });
      });
      checkEnvelope({ data: Buffer.from([0]), source, sourceType: SEED });
      if (source.keyId === keyId) {
        if (this.#writing) this.#remember(this.#writing.id, this.#writing.key);
        this.#writing = { id: idOf({ data: seed, source, sourceType: SEED }), key: dataKey(SEED, seed), seed, source, expiresAt };
        return;
      }
    } catch (error) {
      failure = (error as Error).message;
    }
    const before = this.#writing;
    const expiry = before ? new Date(before.expiresAt).toISOString() : '0001-01-01T00:00:00Z';
    throw new Error(`failed to rotate DEK uid="${uid}", useSeed=true, errState=${before ? '<nil>' : 'got unexpected nil transformer'}, errGen=${failure}, statusKeyIDHash="${hashOf(keyId)}", encryptKeyIDHash="${hashOf(source?.keyId ?? '')}", stateKeyIDHash="${hashOf(before?.source.keyId ?? '')}", expirationTimestamp=${expiry}`);
  }

  async #fetch(id: string, { source, sourceType }: Envelope): Promise<void> {
    const { service, random, series } = this.#options;
    series?.missed();
    const secret = await service.decrypt(uuid(random), source).catch((error: Error) => {
      throw new Error(`failed to decrypt DEK, error: ${error.message}`, { cause: error });
    });
    this.#remember(id, dataKey(sourceType, secret));
  }

  #known(id: string): DataKey | undefined {
    return this.#writing?.id === id ? this.#writing.key : this.#keys.get(id)?.key;
  }

  /** Where there are too many the oldest goes. */
  #remember(id: string, key: DataKey): void {
    const { clock, series, name } = this.#options;
    const now = clock.monotonic();
    for (const [old, { until }] of this.#keys) {
      if (until >= now && this.#keys.size < DATA_KEYS_LIMIT) break;
      this.#keys.delete(old);
    }
    this.#keys.set(id, { key, until: now + DATA_KEY_LASTS_MS });
    series?.cached(name, this.#keys.size);
  }
}

/** Waits until all providers are well, for so long. Rejects with what the last look said. */
export async function untilWell(providers: readonly KmsProvider[], limitMs: number, clock: Clock): Promise<void> {
  const end = clock.monotonic() + limitMs;
  for (;;) {
    try {
      await checkAll(providers);
      return;
    } catch (error) {
      if (clock.monotonic() >= end) throw new Error(`health check for new transformers failed, polling error timed out waiting for the condition: ${(error as Error).message}`, { cause: error });
    }
    await sleep(clock, AGAIN_MS);
  }
}

const AGAIN_MS = 100;

/** What `kms-providers` says: each by its place. */
export async function checkAll(providers: readonly KmsProvider[]): Promise<void> {
  const problems: string[] = [];
  for (const [at, provider] of providers.entries()) await provider.check().catch((error: Error) => problems.push(`kms-provider-${at}: ${error.message}`));
  if (problems.length > 0) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`);
}

function idOf({ source: { ciphertext, keyId, annotations }, sourceType }: Envelope): string {
  const hash = createHash('sha256');
  const part = (bytes: Buffer): void => void hash.update(`${bytes.length}:`).update(bytes);
  hash.update(`${sourceType}:`);
  part(ciphertext);
  part(Buffer.from(keyId));
  for (const name of [...annotations.keys()].sort()) {
    part(Buffer.from(name));
    part(annotations.get(name) as Buffer);
  }
  return hash.digest('base64');
}
