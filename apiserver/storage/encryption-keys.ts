/** The local keys under which the embedded store keeps Secrets: one file, readable by its owner only, the newest key first. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Random } from '../../std/random.ts';
import { aesGcm, chain, identity, keyOf, type Cipher } from './encryption-ciphers.ts';
import type { EncryptedStore, EncryptionPolicy } from './encryption.ts';
import { Unavailable, type Store } from './store.ts';

export interface LocalKeys {
  readonly policy: EncryptionPolicy;
  /** The key that seals now. */
  readonly current: string;
  /** More than one: a change of keys was cut short. */
  readonly count: number;
  /** What was sealed anew may still be in the file as it was before: a run was cut short in between. */
  readonly owesErasure: boolean;
  /** A new key seals from now on; the old ones still open. */
  add(): void;
  /** Durable before anything is sealed anew. */
  oweErasure(): void;
  /** Only the newest stays, and nothing is owed. */
  settle(): void;
}

interface StoredKey {
  readonly id: string;
  readonly secret: string;
}

interface StoredKeys {
  readonly keys: readonly StoredKey[];
  readonly owesErasure?: boolean;
}

const KEY_BYTES = 32;
const ID_BYTES = 8;
/** What is encrypted without being asked for. */
const PLACES = new Set(['secrets']);

/** Makes the file with its first key where there is none; throws where it cannot be read as one. */
export function openLocalKeys(path: string, random: Random): LocalKeys {
  let stored: StoredKeys = existsSync(path) ? readKeys(path) : { keys: [] };
  let ciphers: readonly Cipher[] = [];
  const use = (next: StoredKeys): void => {
    stored = next;
    ciphers = [...next.keys.map(({ id, secret }) => aesGcm({ name: id, secret: Buffer.from(secret, 'base64') }, random)), identity];
  };
  const save = (next: StoredKeys): void => {
    writeFileSync(`${path}.new`, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
    // Nothing may be sealed under a key that a loss of power could take away.
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
    use(next);
  };
  const fresh = (): StoredKey => ({ id: Buffer.from(random.bytes(ID_BYTES)).toString('hex'), secret: Buffer.from(random.bytes(KEY_BYTES)).toString('base64') });
  if (stored.keys.length > 0) use(stored);
  else save({ keys: [fresh()] });
  const transformer = chain(() => ciphers);
  return {
    policy: { transformerOf: (place) => (PLACES.has(place) ? transformer : undefined) },
    get current() {
      return stored.keys[0]?.id ?? '';
    },
    get count() {
      return stored.keys.length;
    },
    get owesErasure() {
      return stored.owesErasure === true;
    },
    add: () => save({ ...stored, keys: [fresh(), ...stored.keys] }),
    oweErasure: () => stored.owesErasure || save({ ...stored, owesErasure: true }),
    settle: () => (stored.keys.length > 1 || stored.owesErasure) && save({ keys: stored.keys.slice(0, 1) }),
  };
}

function readKeys(path: string): StoredKeys {
  try {
    const { keys, owesErasure } = JSON.parse(readFileSync(path, 'utf8')) as StoredKeys;
    if (!Array.isArray(keys) || keys.length === 0) throw new Error('it holds no key');
    for (const { id, secret } of keys) if (!id || Buffer.from(secret, 'base64').length !== KEY_BYTES) throw new Error('a key in it is damaged');
    return { keys, ...(owesErasure && { owesErasure }) };
  } catch (error) {
    throw new Unavailable(`the encryption keys in ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

const LOOKED_AT = 500;

/** Throws, before anything is served or written, when what is stored was sealed under keys that are not there. */
export async function checkKeys(store: Store, policy: EncryptionPolicy, file: string): Promise<void> {
  for (const place of PLACES) {
    const transformer = policy.transformerOf(place);
    const { entries } = await store.list(`/registry/${place}/`, { limit: LOOKED_AT });
    const tried = new Set<string>();
    for (const { key, value } of entries) {
      const id = keyOf(value);
      if (tried.has(id)) continue;
      tried.add(id);
      try {
        transformer?.open(key, value);
      } catch (error) {
        throw new Unavailable(`${key} is encrypted under the key ${JSON.stringify(id)}, and the keys in ${file} do not open it: put back the file that belongs to this data`, { cause: error });
      }
    }
  }
}

/**
 * Everything is sealed anew, under a new key if one is asked for; then the old keys go, and with them the history that only they open,
 * to the last byte of it in the file.
 * A run that was cut short is taken up by the next.
 */
export async function rotateKeys(store: EncryptedStore, keys: LocalKeys, options: { readonly newKey: boolean }): Promise<{ readonly rewritten: number }> {
  if (options.newKey) keys.add();
  const rewritten = await store.rewrite([...PLACES], () => keys.oweErasure());
  if (keys.owesErasure || keys.count > 1) {
    await store.compact(await store.revision());
    await store.erase?.();
  }
  keys.settle();
  return { rewritten };
}
