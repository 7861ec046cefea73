/** Encryption at rest as the command line arranges it: a local key for the embedded store, a configuration file for any; and the change of keys. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtinKinds } from '../api/kinds/index.ts';
import { parseEncryptionConfig } from '../apiserver/storage/encryption-config.ts';
import { checkKeys, type LocalKeys, openLocalKeys, rotateKeys } from '../apiserver/storage/encryption-keys.ts';
import { chain, identity } from '../apiserver/storage/encryption-ciphers.ts';
import { type EncryptedStore, type EncryptionPolicy, encryptStore } from '../apiserver/storage/encryption.ts';
import type { Store } from '../apiserver/storage/store.ts';
import { type Clock, every, sleep, systemClock } from '../std/clock.ts';
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
  const encrypted = encryptStore(store, keys.policy, (error) => log.error({ error: error.message }, 'cannot decrypt'));
  const run = turns(encrypted, keys, options);
  const onSignal = (): void => void run(true);
  process.on(ROTATE, onSignal);
  stopper.add('key rotation', () => void process.off(ROTATE, onSignal));
  // What was stored in plain text before, or what a change of keys that was cut short has left.
  void run(false);
  return encrypted;
}

export function encryptByConfig(store: Store, configFile: string, { random, log, stopper, reload, clock }: Omit<EncryptionOptions, 'dataDir' | 'configFile'>, earlier?: EncryptionPolicy): Store {
  let text = '';
  const read = (): EncryptionPolicy => {
    try {
      text = readFileSync(configFile, 'utf8');
      return parseEncryptionConfig(text, { random, kinds: builtinKinds() });
    } catch (error) {
      throw new Error(`--encryption-provider-config ${configFile}: ${(error as Error).message}`, { cause: error });
    }
  };
  let policy = read();
  if (reload) {
    const timer = every(clock, RELOAD_MS, () => {
      if (readFileSync(configFile, 'utf8') === text) return;
      policy = read();
      log.info({ file: configFile }, 'encryption configuration read again');
    }, (error) => log.error({ error: String(error) }, 'the encryption configuration cannot be read; what was read before stays'));
    stopper.add('encryption configuration', () => timer.cancel());
  }
  const present = reload ? changing(() => policy) : policy;
  return encryptStore(store, earlier ? withEarlier(present, earlier) : present, (error) => log.error({ error: error.message }, 'cannot decrypt'));
}

function withEarlier(present: EncryptionPolicy, earlier: EncryptionPolicy): EncryptionPolicy {
  const plain = chain(() => [identity]);
  return {
    transformerOf(place) {
      const [now, before] = [present.transformerOf(place), earlier.transformerOf(place)];
      if (!before) return now;
      return {
        seal: (path, value) => (now ?? plain).seal(path, value),
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
