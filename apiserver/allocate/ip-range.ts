/** A range of addresses for Services, of either family: which are in it, and which part of it is given out first. Pure. */
import { canonicalAddress, networkOf, parseAddress, parseCidr } from '../../api/kinds/shared/ip-address.ts';

export type Family = 'IPv4' | 'IPv6';

export interface IpRange {
  readonly text: string;
  readonly family: Family;
  /** How many addresses can be given out: all but the network's own, and of IPv4 the broadcast address. Of huge ranges the first part. */
  readonly size: number;
  /** From here on addresses are drawn; the ones before are left to those who ask for a certain one, as long as there are others. */
  readonly staticBand: number;
  /** Counted from 0: the first address that can be given out. */
  at(index: number): string;
  /** Whether it can be given out. */
  contains(address: string): boolean;
}

/** Addresses of a range that are drawn from; indexes stay exact numbers. */
const DRAWN_LIMIT = 2 ** 40;
const LONGEST_IPV6 = 64;

/** Throws on what is no network of Services. */
export function parseRange(text: string): IpRange {
  const cidr = parseCidr(text);
  const refuse = (why: string): Error => new Error(`the Service range ${JSON.stringify(text)} is not supported: ${why}`);
  if (!cidr) throw refuse('it must be a network, as 10.96.0.0/16 or fd00:10:96::/112');
  if (networkOf(cidr) !== text) throw refuse('it has bits beyond its prefix, or is not written in the usual form');
  const { bytes } = cidr.address;
  const family: Family = bytes.length === 4 ? 'IPv4' : 'IPv6';
  const bits = bytes.length * 8 - cidr.length;
  if (family === 'IPv4' && (bits > 24 || bits < 2)) throw refuse('an IPv4 network must be of /8 to /30');
  if (family === 'IPv6' && (cidr.length < LONGEST_IPV6 || bits < 2)) throw refuse('an IPv6 network must be of /64 to /126');
  const first = toBig(bytes) + 1n;
  const last = toBig(bytes) + (1n << BigInt(bits)) - (family === 'IPv4' ? 2n : 1n);
  const total = Math.min(2 ** bits, DRAWN_LIMIT);
  return {
    text, family, size: Math.min(Number(last - first) + 1, DRAWN_LIMIT), staticBand: bandOf(total, { least: 16, most: 256, divisor: 16 }),
    at: (index) => toText(first + BigInt(index), bytes.length),
    contains(wanted) {
      const address = parseAddress(wanted);
      if (!address || address.bytes.length !== bytes.length) return false;
      const value = toBig(address.bytes);
      return value >= first && value <= last;
    },
  };
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

export interface BandRule {
  readonly least: number;
  readonly most: number;
  readonly divisor: number;
}

/** How much of a range is the static band; none of small ones. */
export function bandOf(total: number, { least, most, divisor }: BandRule): number {
  if (total < least) return 0;
  return Math.min(Math.max(least, Math.floor(total / divisor)), most);
}

function toBig(bytes: readonly number[]): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function toText(value: bigint, length: number): string {
  const bytes = Array.from({ length }, (_, at) => Number((value >> BigInt(8 * (length - 1 - at))) & 255n));
  return canonicalAddress({ bytes, leadingZeros: false });
}
