/** IP addresses and networks. Provenance: pkg/cel/library/{ip,cidr}.go of apiserver v0.36 and Go's net/netip. */
import type { Row } from '../function.ts';
import { Fault, Library, NO_OVERLOAD, type Value } from '../value.ts';

class Ip extends Library {
  readonly typeName = 'net.IP';
  readonly bits: 32 | 128;
  readonly address: bigint;

  constructor(bits: 32 | 128, address: bigint) {
    super();
    this.bits = bits;
    this.address = address;
  }

  override get size(): number {
    return this.bits / 8;
  }

  equals(other: Library): boolean {
    return other instanceof Ip && other.bits === this.bits && other.address === this.address;
  }

  override toString(): string {
    return this.bits === 32 ? octets(this.address) : groups(this.address);
  }

  override toJson(): string {
    return this.toString();
  }

  isIn(address: string, length: number): boolean {
    const network = parseIp(address);
    return network instanceof Ip && network.bits === this.bits && mask(this, length) === mask(network, length);
  }
}

class Cidr extends Library {
  readonly typeName = 'net.CIDR';
  readonly ip: Ip;
  readonly length: number;

  constructor(ip: Ip, length: number) {
    super();
    this.ip = ip;
    this.length = length;
  }

  override get size(): number {
    return Math.ceil(this.length / 8);
  }

  equals(other: Library): boolean {
    return other instanceof Cidr && other.length === this.length && other.ip.equals(this.ip);
  }

  override toString(): string {
    return `${this.ip}/${this.length}`;
  }

  override toJson(): string {
    return this.toString();
  }
}

function mask({ bits, address }: Ip, length: number): bigint {
  return address >> BigInt(bits - length);
}

function octets(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 0xffn).join('.');
}

function groups(address: bigint): string {
  const parts = Array.from({ length: 8 }, (_, at) => (address >> BigInt(112 - 16 * at)) & 0xffffn);
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (parts[at + length] === 0n) length++;
    if (length > best.length) best = { at, length };
  }
  const shown = (part: readonly bigint[]): string => part.map((one) => one.toString(16)).join(':');
  return best.at < 0 ? shown(parts) : `${shown(parts.slice(0, best.at))}::${shown(parts.slice(best.at + best.length))}`;
}

/** The address, or the reason why it is none. */
function parseIp(text: string): Ip | string {
  const wrong = (why: string): string => `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): ${why}`;
  const kind = /[.:%]/.exec(text)?.[0];
  if (kind === '.') {
    const address = parseV4(text);
    return address === undefined ? wrong(problemV4(text)) : new Ip(32, address);
  }
  if (kind === '%') return wrong('missing IPv6 address');
  if (kind === undefined) return wrong('unable to parse IP');
  const [plain = '', zone] = text.split('%', 2);
  const address = parseV6(plain);
  if (address === undefined || zone === '') return wrong(zone === '' ? 'zone must be a non-empty string' : problemV6(plain));
  if (zone !== undefined) return `IP address ${JSON.stringify(text)} with zone value is not allowed`;
  if (address >> 32n === 0xffffn) return `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`;
  return new Ip(128, address);
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function problemV4(text: string): string {
  const parts = text.split('.');
  if (parts.some((part) => /^0\d+$/.test(part))) return 'IPv4 field has octet with leading zero';
  if (parts.some((part) => /^\d+$/.test(part) && Number(part) > 255)) return 'IPv4 field has value >255';
  const odd = /[^\d.]/.exec(text);
  if (odd) return `unexpected character (at ${JSON.stringify(text.slice(odd.index))})`;
  return parts.length < 4 ? 'IPv4 address too short' : parts.length > 4 ? 'IPv4 address too long' : 'IPv4 field must have at least one digit';
}

function parseV6(text: string): bigint | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const v4 = tail ? parseV4(tail[2] as string) : undefined;
  if (tail && v4 === undefined) return undefined;
  const plain = tail && v4 !== undefined ? `${tail[1]}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}` : text;
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], rest] = halves.map((half) => (half === '' ? [] : half.split(':')));
  if (![...head, ...(rest ?? [])].every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return undefined;
  const missing = 8 - head.length - (rest?.length ?? 0);
  if (rest ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...Array.from({ length: missing }, () => '0'), ...(rest ?? [])].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
}

function problemV6(text: string): string {
  const twice = text.indexOf('::', text.indexOf('::') + 2);
  if (text.includes('::') && twice > 0) return `multiple :: in address (at ${JSON.stringify(text.slice(twice + 1))})`;
  const long = /[0-9a-fA-F]{5,}/.exec(text);
  if (long) return `each group must have 4 or less digits (at ${JSON.stringify(text.slice(long.index))})`;
  const odd = /[^0-9a-fA-F:.]/.exec(text);
  if (odd) return `unexpected character (at ${JSON.stringify(text.slice(odd.index))})`;
  return text.split(':').length < 8 ? 'address string too short' : 'trailing garbage after address';
}

function parseCidr(text: string): Cidr | string {
  const why = (reason: string): string => `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): ${reason}`;
  const slash = text.lastIndexOf('/');
  if (slash < 0) return why("no '/'");
  const address = text.slice(0, slash);
  const ip = parseIp(address);
  if (typeof ip === 'string') return ip.startsWith('IPv4-mapped') ? `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed` : why(ip.slice(ip.indexOf('ParseAddr(')));
  const bits = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(bits)) return why(`bad bits after slash: ${JSON.stringify(bits)}`);
  return Number(bits) > ip.bits ? why('prefix length out of range') : new Cidr(ip, Number(bits));
}

function make<T extends Library>(parse: (text: string) => T | string, prefix = ''): (text: Value) => Value {
  return (text) => {
    const made = parse(text as string);
    return typeof made === 'string' ? new Fault(prefix + made) : made;
  };
}

const makeIp = make(parseIp);
const makeCidr = make(parseCidr, 'network address parse error during conversion from string: ');

function containsIp(cidr: Value, other: Value): Value {
  const [network, ip] = [cidr as Cidr, typeof other === 'string' ? makeIp(other) : other];
  if (!(ip instanceof Ip)) return NO_OVERLOAD;
  return ip.bits === network.ip.bits && mask(ip, network.length) === mask(network.ip, network.length);
}

function containsCidr(cidr: Value, other: Value): Value {
  const [network, inner] = [cidr as Cidr, typeof other === 'string' ? makeCidr(other) : other];
  if (!(inner instanceof Cidr)) return inner;
  return inner.ip.bits === network.ip.bits && network.length <= inner.length && mask(inner.ip, network.length) === mask(network.ip, network.length);
}

function masked(cidr: Value): Value {
  const { ip, length } = cidr as Cidr;
  const shift = BigInt(ip.bits - length);
  return new Cidr(new Ip(ip.bits, (ip.address >> shift) << shift), length);
}

function isCanonical(text: Value): Value {
  const ip = makeIp(text);
  return ip instanceof Ip ? ip.toString() === text : ip;
}

const ofIp = (test: (ip: Ip) => boolean) => (value: Value): Value => test(value as Ip);
const isUnspecified = (ip: Ip): boolean => ip.address === 0n;
const isLoopback = (ip: Ip): boolean => ip.isIn('127.0.0.0', 8) || (ip.bits === 128 && ip.address === 1n);
const isMulticast = (ip: Ip): boolean => ip.isIn('224.0.0.0', 4) || ip.isIn('ff00::', 8);
const isLinkLocalMulticast = (ip: Ip): boolean => ip.isIn('224.0.0.0', 24) || (ip.bits === 128 && ip.address >> 120n === 0xffn && ((ip.address >> 112n) & 0xfn) === 2n);
const isLinkLocalUnicast = (ip: Ip): boolean => ip.isIn('169.254.0.0', 16) || ip.isIn('fe80::', 10);
const isGlobalUnicast = (ip: Ip): boolean => !(isUnspecified(ip) || isLoopback(ip) || isMulticast(ip) || isLinkLocalUnicast(ip) || (ip.bits === 32 && ip.address === 0xffffffffn));

export const NET: Readonly<Record<string, readonly Row[]>> = {
  ip: [['string_to_ip', '(string) -> net.IP', makeIp], ['cidr_ip', 'net.CIDR.() -> net.IP', (cidr) => (cidr as Cidr).ip]],
  isIP: [['is_ip', '(string) -> bool', (text) => makeIp(text) instanceof Ip]],
  'ip.isCanonical': [['ip_is_canonical', '(string) -> bool', isCanonical]],
  family: [['ip_family', 'net.IP.() -> int', (ip) => ((ip as Ip).bits === 32 ? 4n : 6n)]],
  isUnspecified: [['ip_is_unspecified', 'net.IP.() -> bool', ofIp(isUnspecified)]],
  isLoopback: [['ip_is_loopback', 'net.IP.() -> bool', ofIp(isLoopback)]],
  isLinkLocalMulticast: [['ip_is_link_local_multicast', 'net.IP.() -> bool', ofIp(isLinkLocalMulticast)]],
  isLinkLocalUnicast: [['ip_is_link_local_unicast', 'net.IP.() -> bool', ofIp(isLinkLocalUnicast)]],
  isGlobalUnicast: [['ip_is_global_unicast', 'net.IP.() -> bool', ofIp(isGlobalUnicast)]],
  cidr: [['string_to_cidr', '(string) -> net.CIDR', makeCidr]],
  isCIDR: [['is_cidr', '(string) -> bool', (text) => makeCidr(text) instanceof Cidr]],
  containsIP: [['cidr_contains_ip_string', 'net.CIDR.(string) -> bool', containsIp], ['cidr_contains_ip_ip', 'net.CIDR.(net.IP) -> bool', containsIp]],
  containsCIDR: [['cidr_contains_cidr_string', 'net.CIDR.(string) -> bool', containsCidr], ['cidr_contains_cidr', 'net.CIDR.(net.CIDR) -> bool', containsCidr]],
  prefixLength: [['cidr_prefix_length', 'net.CIDR.() -> int', (cidr) => BigInt((cidr as Cidr).length)]],
  masked: [['cidr_masked', 'net.CIDR.() -> net.CIDR', masked]],
};
