/** Encryption at rest as the command line arranges it: a local key for the embedded store, a configuration file for any; and the change of keys. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtinKinds } from '../api/kinds/index.ts';
import { type KmsSettings, parseEncryptionConfig } from '../apiserver/storage/encryption-config.ts';
import { checkKeys, type LocalKeys, openLocalKeys, rotateKeys } from '../apiserver/storage/encryption-keys.ts';
import { chain, identity } from '../apiserver/storage/encryption-ciphers.ts';
import { type EncryptedStore, type EncryptionPolicy, encryptStore } from '../apiserver/storage/encryption.ts';
import { checkAll, KmsProvider, untilWell } from '../apiserver/storage/kms/provider.ts';
import { type EncryptionSeries, encryptionSeries, hashOf } from '../apiserver/storage/kms/series.ts';
import { openKmsService } from '../apiserver/storage/kms/service.ts';
import type { Store } from '../apiserver/storage/store.ts';
import type { Check } from '../apiserver/readiness.ts';
import { type Clock, every, sleep, systemClock } from '../std/clock.ts';
import type { Meter } from '../std/meter.ts';
import { type Random, systemRandom } from '../std/random.ts';
import { defaultDataDir, hold, holderOf } from './data-dir.ts';
import type { Log } from './log.ts';
import type { Stopper } from './stopper.ts';

export interface EncryptionOptions {
  readonly dataDir: string;
  readonly configFile: string | undefined;
  /** The file is read again when it changes. */
  readonly reload: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly stopper: Stopper;
  /** Where it is counted, and by which identity of this server. */
  readonly meter: Meter;
  readonly identity: string;
  /** What must be well for this server to be ready is put there. */
  readonly checks: Check[];
}

/** Whoever holds the data directory is asked by this signal to change the keys. */
const ROTATE = 'SIGUSR2';

/** The embedded store, its Secrets under the local key, or as the configuration file says. */
export async function encryptLocally(store: Store, options: EncryptionOptions): Promise<Store> {
  const { dataDir, random, log, stopper } = options;
  const file = keysFile(dataDir);
  if (options.configFile !== undefined) {
    // What was sealed under the local key before there was a configuration stays readable.
    return encryptByConfig(store, options.configFile, options, existsSync(file) ? openLocalKeys(file, random).policy : undefined);
  }
  const fresh = !existsSync(file);
  const keys = openLocalKeys(file, random);
  try {
    await checkKeys(store, keys.policy, file);
  } catch (error) {
    // A key that opens nothing must not be taken for the right one.
    if (fresh) rmSync(file);
    throw error;
  }
  const encrypted = encryptStore(store, keys.policy, (error) => log.error({ error: error.message }, 'cannot decrypt'), { series: encryptionSeries(options.meter, options.clock, options.identity), clock: options.clock });
  const run = turns(encrypted, keys, options);
  const onSignal = (): void => void run(true);
  process.on(ROTATE, onSignal);
  stopper.add('key rotation', () => void process.off(ROTATE, onSignal));
  // What was stored in plain text before, or what a change of keys that was cut short has left.
  void run(false);
  return encrypted;
}

/** What a configuration file says, and the services that it names. */
interface Configured {
  readonly policy: EncryptionPolicy;
  readonly services: readonly KmsProvider[];
  readonly timeoutsMs: number;
}

const CHECK = 'kms-providers';
/** Services of a new configuration must be well within this time at least. */
const WELL_MS = 10_000;

export async function encryptByConfig(store: Store, configFile: string, options: Omit<EncryptionOptions, 'dataDir' | 'configFile'>, earlier?: EncryptionPolicy): Promise<Store> {
  const { log, stopper, reload, clock, checks } = options;
  const series = encryptionSeries(options.meter, clock, options.identity);
  const wrong = (error: unknown): Error => new Error(`--encryption-provider-config ${configFile}: ${(error as Error).message}`, { cause: error });
  let text = '';
  let now: Configured;
  try {
    text = readFileSync(configFile, 'utf8');
    now = await configured(text, { ...options, series });
  } catch (error) {
    throw wrong(error);
  }
  series.configured(hashOf(text), 'started');
  stopper.add('encryption configuration', () => {
    timer?.cancel();
    for (const service of now.services) service.close();
  });
  const again = async (): Promise<void> => {
    const next = readFileSync(configFile, 'utf8');
    if (next === text) return;
    const found = await configured(next, { ...options, series });
    const graceMs = Math.max(WELL_MS, 2 * found.timeoutsMs);
    await untilWell(found.services, graceMs, clock).catch((error: unknown) => {
      for (const service of found.services) service.close();
      throw error;
    });
    const before = now;
    [now, text] = [found, next];
    // Whoever is in the middle of asking is let finish.
    if (before.services.length > 0) clock.after(2 * before.timeoutsMs, () => before.services.forEach((service) => service.close()));
    series.configured(hashOf(text), 'reloaded');
    log.info({ file: configFile }, 'encryption configuration read again');
  };
  const timer = reload ? every(clock, RELOAD_MS, again, (error) => {
    series.reloadFailed();
    log.error({ error: wrong(error).message }, 'the encryption configuration cannot be read; what was read before stays');
  }) : undefined;
  if (reload || now.services.length > 0) checks.push({ name: CHECK, failing: async () => void (await checkAll(now.services)) });
  const present = reload ? changing(() => now.policy) : now.policy;
  return encryptStore(store, earlier ? withEarlier(present, earlier) : present, (error) => log.error({ error: error.message }, 'cannot decrypt'), { series, clock });
}

async function configured(text: string, { clock, random, reload, log, series }: Pick<EncryptionOptions, 'clock' | 'random' | 'reload' | 'log'> & { readonly series: EncryptionSeries }): Promise<Configured> {
  const services: KmsProvider[] = [];
  let timeoutsMs = 0;
  const kms = ({ name, endpoint, timeoutMs }: KmsSettings): KmsProvider => {
    const service = openKmsService({ endpoint, timeoutMs, clock, onCall: (method, seconds, code) => series.called(name, method, seconds, code) });
    const provider = new KmsProvider({ name, service, clock, random, series, onError: (error) => log.warn({ error: error.message }, 'a key management service is not well') });
    services.push(provider);
    timeoutsMs += timeoutMs;
    return provider;
  };
  const policy = parseEncryptionConfig(text, { random, kinds: builtinKinds(), reload, kms });
  await Promise.all(services.map((service) => service.start()));
  return { policy, services, timeoutsMs };
}

function withEarlier(present: EncryptionPolicy, earlier: EncryptionPolicy): EncryptionPolicy {
  const plain = chain(() => [identity]);
  return {
    transformerOf(place) {
      const [now, before] = [present.transformerOf(place), earlier.transformerOf(place)];
      if (!before) return now;
      return {
        ...(now ?? plain),
        open(path, stored) {
          try {
            return (now ?? plain).open(path, stored);
          } catch (error) {
            try {
              return { plain: before.open(path, stored).plain, stale: true };
            } catch {
              throw error;
            }
          }
        },
      };
    },
  };
}

/** Whatever is configured at the moment. */
function changing(now: () => EncryptionPolicy): EncryptionPolicy {
  const plain = chain(() => [identity]);
  return {
    transformerOf: (place) => ({
      seal: (path, value) => (now().transformerOf(place) ?? plain).seal(path, value),
      open: (path, value) => (now().transformerOf(place) ?? plain).open(path, value),
      prepare: (path, value) => now().transformerOf(place)?.prepare?.(path, value),
      names: {
        sealing: () => now().transformerOf(place)?.names?.sealing(),
        of: (stored) => now().transformerOf(place)?.names?.of(stored),
      },
    }),
  };
}

/** One change of keys after the other. */
function turns(store: EncryptedStore, keys: LocalKeys, { dataDir, log }: EncryptionOptions): (newKey: boolean) => Promise<void> {
  let turn: Promise<void> = Promise.resolve();
  return (newKey) => (turn = turn.then(async () => {
    try {
      const { rewritten } = await rotateKeys(store, keys, { newKey });
      if (newKey) log.info({ rewritten }, 'encryption keys changed');
      if (newKey) rmSync(failureFile(dataDir), { force: true });
    } catch (error) {
      log.error({ error: String(error) }, 'encryption keys could not be changed');
      if (newKey) writeFileSync(failureFile(dataDir), String(error), { mode: 0o600 });
    }
  }));
}

/** `coracle rotate-keys`: asks the running API server, or does it where none runs. */
export async function rotate(flags: { readonly dataDir?: string }): Promise<void> {
  const dataDir = flags.dataDir ?? defaultDataDir();
  const file = keysFile(dataDir);
  if (!existsSync(file)) throw new Error(`${dataDir} has no encryption keys: nothing is kept in its embedded store, or a file given by --encryption-provider-config rules`);
  const holder = holderOf(dataDir);
  if (holder === undefined) await rotateStopped(dataDir, file);
  else await rotateRunning(dataDir, holder, systemClock);
  console.log(`The encryption key is new, and everything is sealed under it: ${currentKey(file)}`);
}

async function rotateStopped(dataDir: string, file: string): Promise<void> {
  const held = hold(dataDir);
  try {
    const { openSqlite } = await import('../apiserver/storage/sqlite.ts');
    const store = await openSqlite({ path: join(dataDir, 'state.db'), clock: systemClock });
    try {
      const keys = openLocalKeys(file, systemRandom);
      await checkKeys(store, keys.policy, file);
      await rotateKeys(encryptStore(store, keys.policy, () => undefined), keys, { newKey: true });
    } finally {
      await store.close();
    }
  } finally {
    held.release();
  }
}

const RELOAD_MS = 60_000;
const LOOK_MS = 100;
const PATIENCE_MS = 10 * 60_000;

async function rotateRunning(dataDir: string, holder: number, clock: Clock): Promise<void> {
  const file = keysFile(dataDir);
  const failure = failureFile(dataDir);
  const before = currentKey(file);
  rmSync(failure, { force: true });
  process.kill(holder, ROTATE);
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += LOOK_MS) {
    await sleep(clock, LOOK_MS);
    if (existsSync(failure)) throw new Error(`the keys could not be changed: ${readFileSync(failure, 'utf8')}`);
    if (currentKey(file) !== before && keysIn(file).length === 1) return;
    if (holderOf(dataDir) !== holder) throw new Error('the API server has stopped meanwhile; its next start goes on with the change of keys');
  }
  throw new Error('the API server is still at it; its log tells when it is done');
}

function keysFile(dataDir: string): string {
  return join(dataDir, 'encryption-keys.json');
}

function failureFile(dataDir: string): string {
  return join(dataDir, 'encryption-keys.failure');
}

function keysIn(file: string): readonly { readonly id: string }[] {
  return (JSON.parse(readFileSync(file, 'utf8')) as { keys: { id: string }[] }).keys;
}

function currentKey(file: string): string {
  return keysIn(file)[0]?.id ?? '';
}
