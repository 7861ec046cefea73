/** Randomness as an argument: the system's for real clusters, a seeded one for tests and simulations. */
import { randomBytes } from 'node:crypto';

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  bytes(count: number): Uint8Array;
}

export const systemRandom: Random = {
  next: () => Math.random(),
  bytes: pooledBytes,
};

/** Asking the system costs as much for a few bytes as for some thousands. */
const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);
let used = 0;

function pooledBytes(count: number): Uint8Array {
  if (count > POOL_BYTES / 4) return randomBytes(count);
  if (used + count > pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  // A copy: nobody else may come to see what is handed out as a secret.
  const bytes = Uint8Array.prototype.slice.call(pool, used, used + count);
  pool.fill(0, used, (used += count));
  return bytes;
}

/** The same seed gives the same numbers (mulberry32). Never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)) };
}

/** A version 4 UUID. */
export function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  let at = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) digits[at++] = DASH;
    const byte = bytes[i] as number;
    digits[at++] = HEX.charCodeAt(byte >> 4);
    digits[at++] = HEX.charCodeAt(byte & 0x0f);
  }
  return digits.toString('latin1');
}

const HEX = '0123456789abcdef';
const DASH = 0x2d;
/** Where one is spelled. */
const digits = Buffer.alloc(36);

/** The alphabet of generated names: no vowels and no characters that look like others, so no words arise. */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** The random end of a generated name, as `generateName` and controllers append it. */
export function nameSuffix(random: Random, length = 5): string {
  let out = '';
  for (let i = 0; i < length; i++) out += NAME_ALPHABET[Math.floor(random.next() * NAME_ALPHABET.length)];
  return out;
}

/** A whole number in [0, limit). */
export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}
