/** How one value is sealed under one key: the providers of an EncryptionConfiguration, in upstream's stored format. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '../../std/random.ts';
import { openBox, sealBox } from './encryption-secretbox.ts';

export interface Cipher {
  /** What every value of it starts with; names the provider and the key. */
  readonly prefix: string;
  /** `path` is the key under which the value is stored: a value that was moved elsewhere does not open. */
  seal(path: string, plain: Buffer): Buffer;
  /** `sealed` comes without the prefix. Throws when the key is another or the value was changed. */
  open(path: string, sealed: Buffer): Buffer;
  /** Where the key must be asked for first: `open` may be called when this has resolved, or at once where there is nothing to wait for. */
  prepare?(path: string, sealed: Buffer): Promise<void> | undefined;
  /** Sealed by this cipher, under what it does not seal with any more. */
  isOutdated?(sealed: Buffer): boolean;
}

export interface NamedKey {
  readonly name: string;
  readonly secret: Buffer;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

/** AES in Galois counter mode: a random nonce before, the tag behind, the path authenticated. */
export function aesGcm({ name, secret }: NamedKey, random: Random): Cipher {
  const algorithm = `aes-${secret.length * 8}-gcm` as 'aes-256-gcm';
  return {
    prefix: `k8s:enc:aesgcm:v1:${name}:`,
    seal(path, plain) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv(algorithm, secret, nonce);
      cipher.setAAD(Buffer.from(path));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(path, sealed) {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new Error('the stored data was shorter than the required size');
      const decipher = createDecipheriv(algorithm, secret, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(path));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    },
  };
}

/** AES in block chaining mode: confidential, but nothing authenticates the value or its place. */
export function aesCbc({ name, secret }: NamedKey, random: Random): Cipher {
  const algorithm = `aes-${secret.length * 8}-cbc`;
  return {
    prefix: `k8s:enc:aescbc:v1:${name}:`,
    seal(_path, plain) {
      const iv = random.bytes(BLOCK_BYTES);
      const cipher = createCipheriv(algorithm, secret, iv);
      return Buffer.concat([iv, cipher.update(plain), cipher.final()]);
    },
    open(_path, sealed) {
      if (sealed.length < BLOCK_BYTES) throw new Error('the stored data was shorter than the required size');
      const decipher = createDecipheriv(algorithm, secret, sealed.subarray(0, BLOCK_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(BLOCK_BYTES)), decipher.final()]);
    },
  };
}

const BOX_NONCE_BYTES = 24;

/** NaCl's secretbox. The place of the value is not authenticated: what is stored must be what upstream stores. */
export function secretbox({ name, secret }: NamedKey, random: Random): Cipher {
  return {
    prefix: `k8s:enc:secretbox:v1:${name}:`,
    seal(_path, plain) {
      const nonce = random.bytes(BOX_NONCE_BYTES);
      return Buffer.concat([nonce, sealBox(plain, nonce, secret)]);
    },
    open(_path, sealed) {
      const plain = sealed.length > BOX_NONCE_BYTES ? openBox(sealed.subarray(BOX_NONCE_BYTES), sealed.subarray(0, BOX_NONCE_BYTES), secret) : undefined;
      if (!plain) throw new Error('the stored data was changed, or sealed under another key');
      return plain;
    },
  };
}

const ENCRYPTED = Buffer.from('k8s:enc:');

/** As it is. Does not take for plain text what another provider has sealed. */
export const identity: Cipher = {
  prefix: '',
  seal: (_path, plain) => plain,
  open(_path, stored) {
    if (isEncrypted(stored)) throw new Error('identity transformer tried to read encrypted data');
    return stored;
  },
};

function isEncrypted(stored: Buffer): boolean {
  return stored.subarray(0, ENCRYPTED.length).equals(ENCRYPTED);
}

export interface Opened {
  readonly plain: Buffer;
  /** Another cipher than the one that seals now: it should be written anew. */
  readonly stale: boolean;
}

/** The ciphers of one resource: the first seals, all open. */
export interface Transformer {
  seal(path: string, plain: Buffer): Buffer;
  open(path: string, stored: Buffer): Opened;
  /** Comes before `open`: undefined where nothing has to be waited for. */
  prepare?(path: string, stored: Buffer): Promise<void> | undefined;
  /** What a value that is sealed now starts with, and what a stored one does: for those who count. Undefined: this is not counted. */
  readonly names?: { readonly sealing: () => string | undefined; readonly of: (stored: Buffer) => string | undefined };
}

/** `ciphers` is asked each time: keys may be exchanged while the store is open. */
export function chain(ciphers: () => readonly Cipher[]): Transformer {
  const isMeant = ({ prefix }: Cipher, at: number, stored: Buffer): boolean => (prefix === '' ? at === 0 || !isEncrypted(stored) : stored.toString('latin1', 0, prefix.length) === prefix);
  return {
    seal(path, plain) {
      const [first] = ciphers();
      if (!first || first.prefix === '') return plain;
      return Buffer.concat([Buffer.from(first.prefix), first.seal(path, plain)]);
    },
    prepare(path, stored) {
      const meant = ciphers().find((cipher, at) => isMeant(cipher, at, stored));
      return meant?.prepare?.(path, stored.subarray(meant.prefix.length));
    },
    open(path, stored) {
      let refusal: unknown;
      for (const [at, cipher] of ciphers().entries()) {
        if (!isMeant(cipher, at, stored)) continue;
        const sealed = stored.subarray(cipher.prefix.length);
        try {
          return { plain: cipher.open(path, sealed), stale: at > 0 || (cipher.isOutdated?.(sealed) ?? false) };
        } catch (error) {
          refusal ??= error;
        }
      }
      throw refusal ?? new Error(`no matching key was found for ${JSON.stringify(keyOf(stored))}`);
    },
    names: {
      sealing: () => withoutKey(ciphers()[0]?.prefix ?? ''),
      of(stored) {
        const meant = ciphers().find((cipher, at) => isMeant(cipher, at, stored));
        return meant ? withoutKey(meant.prefix) || 'identity' : 'unknown';
      },
    },
  };
}

/** Services are told apart, keys of one provider are not. */
function withoutKey(prefix: string): string {
  return prefix.startsWith('k8s:enc:kms:') ? prefix : prefix.split(':').slice(0, 4).join(':') + (prefix && ':');
}

/** The provider and the name of the key that a stored value names: `aesgcm:v1:key1`; '' where it is plain. */
export function keyOf(stored: Buffer): string {
  return /^k8s:enc:([a-z0-9]+:v[0-9]+:[^:]{0,253}):/.exec(stored.toString('latin1', 0, 300))?.[1] ?? '';
}
