/** How one value is sealed under a secret that a key management service keeps: a key of its own for each value, derived from a seed; or, as older writers did, the key itself. */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { Random } from '../../../std/random.ts';
import { KEY, SEED } from './envelope.ts';

export const SEED_BYTES = 32;
/** What tells the keys of one seed apart: stands before each sealed value. */
const INFO_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHMS: Readonly<Record<number, 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'>> = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' };

export interface DataKey {
  /** Throws where the value was changed, moved, or sealed with another secret. */
  open(path: string, sealed: Buffer): Buffer;
}

/** Under a seed: `info`, nonce, ciphertext, tag. */
export function sealUnderSeed(seed: Buffer, path: string, plain: Buffer, random: Random): Buffer {
  const info = Buffer.from(random.bytes(INFO_BYTES));
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', derive(seed, info), nonce);
  cipher.setAAD(Buffer.from(path));
  return Buffer.concat([info, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** `type` says what the secret is. Throws where it cannot be that. */
export function dataKey(type: number, secret: Buffer): DataKey {
  if (type === SEED) {
    if (secret.length < SEED_BYTES) throw new Error(`invalid seed length ${secret.length} used for key generation`);
    return {
      open(path, sealed) {
        if (sealed.length < INFO_BYTES) throw new Error('the stored data was shorter than the required size');
        return openGcm(derive(secret, sealed.subarray(0, INFO_BYTES)), path, sealed.subarray(INFO_BYTES));
      },
    };
  }
  if (type !== KEY || !ALGORITHMS[secret.length]) throw new Error(`crypto/aes: invalid key size ${secret.length}`);
  return { open: (path, sealed) => openGcm(secret, path, sealed) };
}

/** The first block of HKDF's expansion with SHA-256: exactly one key. */
function derive(seed: Buffer, info: Buffer): Buffer {
  return createHmac('sha256', seed).update(info).update(Buffer.from([1])).digest();
}

function openGcm(key: Buffer, path: string, sealed: Buffer): Buffer {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new Error('the stored data was shorter than the required size');
  const decipher = createDecipheriv(ALGORITHMS[key.length] as 'aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(path));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}
