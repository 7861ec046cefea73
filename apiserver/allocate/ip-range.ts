/** A range of IPv4 addresses for Services: which are in it, and which part of it is given out first. */
export interface IpRange {
  readonly text: string;
  /** How many addresses can be given out: all but the network's own and the broadcast address. */
  readonly size: number;
  /** From here on addresses are drawn; the ones before are left to those who ask for a certain one, as long as there are others. */
  readonly staticBand: number;
  /** Counted from 0: the first address that can be given out. */
  at(index: number): string;
  /** Undefined: not in the range. */
  indexOf(address: string): number | undefined;
}

/** Throws on what is no IPv4 network, IPv6 included: a single-stack cluster of IPv4 is what there is. */
export function parseRange(text: string): IpRange {
  const [address = '', bits = ''] = text.split('/');
  const base = toNumber(address);
  const prefix = Number(bits);
  if (base === undefined || !/^\d+$/.test(bits) || prefix < 8 || prefix > 30) {
    throw new Error(`the Service range ${JSON.stringify(text)} is not supported: it must be one IPv4 network of /8 to /30, as 10.96.0.0/16`);
  }
  const total = 2 ** (32 - prefix);
  if (base % total !== 0) throw new Error(`the Service range ${JSON.stringify(text)} has bits beyond its prefix`);
  const size = total - 2;
  return {
    text, size, staticBand: bandOf(total, { least: 16, most: 256, divisor: 16 }),
    at: (index) => toText(base + 1 + index),
    indexOf(wanted) {
      const value = toNumber(wanted);
      if (value === undefined) return undefined;
      const index = value - base - 1;
      return index >= 0 && index < size ? index : undefined;
    },
  };
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

function toNumber(address: string): number | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
