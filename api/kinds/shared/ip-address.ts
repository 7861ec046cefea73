/** IP addresses and CIDRs as text: parsed leniently as old servers did, and judged strictly. */
import { type FieldError, type Path, invalid } from '../../field-error.ts';

/** Bytes of the address: 4, or 16 where the text has colons (an IPv4-mapped one keeps 16). */
export interface Address {
  readonly bytes: readonly number[];
  /** Has octets like `010`, which Go's strict parser refuses. */
  readonly leadingZeros: boolean;
}

export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text);
}

export function isIPv6(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && address.bytes.length === 16 && !isMapped(address);
}

export function isIPv4(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && (address.bytes.length === 4 || isMapped(address));
}

/** Canonical text (RFC 5952); an IPv4-mapped address is shown as IPv4. */
export function canonicalAddress(address: Address): string {
  if (address.bytes.length === 4) return address.bytes.join('.');
  if (isMapped(address)) return address.bytes.slice(12).join('.');
  return compressed(address.bytes);
}

export interface Cidr {
  readonly address: Address;
  readonly length: number;
  readonly leadingZeros: boolean;
}

export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = slash > 0 ? parseAddress(text.slice(0, slash)) : undefined;
  const digits = text.slice(slash + 1);
  if (!address || !/^[0-9]{1,3}$/.test(digits)) return undefined;
  const length = Number(digits);
  if (length > address.bytes.length * 8) return undefined;
  return { address, length, leadingZeros: address.leadingZeros || (digits.length > 1 && digits.startsWith('0')) };
}

/** The network's first address with its length. */
export function networkOf(cidr: Cidr): string {
  return `${canonicalAddress({ bytes: masked(cidr), leadingZeros: false })}/${shownLength(cidr)}`;
}

export function isStrictlyWithin(part: Cidr, whole: Cidr): boolean {
  if (part.address.bytes.length !== whole.address.bytes.length || whole.length >= part.length) return false;
  const start = masked({ ...part, length: whole.length });
  return masked(whole).every((byte, at) => byte === start[at]);
}

const ADDRESS_WRONG = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const CIDR_WRONG = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

/** For fields that once took sloppy addresses: what stood there before may stay. */
export function checkLegacyAddress(field: Path, text: string, before: readonly string[] = []): FieldError[] {
  return before.includes(text) ? [] : checkStrict(field, text);
}

/** For newer fields, which also want the canonical form. */
export function checkAddress(field: Path, text: string): FieldError[] {
  const errors = checkStrict(field, text);
  const address = parseAddress(text);
  if (errors.length > 0 || !address) return errors;
  const canonical = canonicalAddress(address);
  return text === canonical ? [] : [invalid(field, text, `must be in canonical form ("${canonical}")`)];
}

export function checkLegacyCidr(field: Path, text: string, before: readonly string[] = []): FieldError[] {
  if (before.includes(text)) return [];
  const cidr = parseCidr(text);
  if (!cidr) return [invalid(field, text, CIDR_WRONG)];
  if (cidr.leadingZeros) return [invalid(field, text, 'must not have leading 0s in IP or prefix length')];
  if (isMapped(cidr.address)) return [invalid(field, text, 'must not have an IPv4-mapped IPv6 address')];
  const clean = masked(cidr).every((byte, at) => byte === cidr.address.bytes[at]);
  return clean ? [] : [invalid(field, text, 'must not have bits set beyond the prefix length')];
}

export function checkCidr(field: Path, text: string): FieldError[] {
  const errors = checkLegacyCidr(field, text);
  const cidr = parseCidr(text);
  if (errors.length > 0 || !cidr) return errors;
  const canonical = networkOf(cidr);
  return text === canonical ? [] : [invalid(field, text, `must be in canonical form ("${canonical}")`)];
}

/** An address together with the prefix of its network: host bits are meant. */
export function checkInterfaceAddress(field: Path, text: string): FieldError[] {
  const cidr = parseCidr(text);
  if (!cidr) return [invalid(field, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)')];
  const canonical = `${canonicalAddress(cidr.address)}/${cidr.length}`;
  return text === canonical ? [] : [invalid(field, text, `must be in canonical form ("${canonical}")`)];
}

export function addressWarnings(field: Path, text: string): string[] {
  const address = parseAddress(text);
  if (!address) return [];
  const canonical = canonicalAddress(address);
  if (address.leadingZeros || isMapped(address)) return [`${field}: non-standard IP address "${text}" is invalid: use "${canonical}"`];
  if (address.bytes.length === 16 && canonical !== text) {
    return [`${field}: IPv6 address "${text}" should be in RFC 5952 canonical format ("${canonical}")`];
  }
  return [];
}

export function cidrWarnings(field: Path, text: string): string[] {
  const cidr = parseCidr(text);
  if (!cidr) return [];
  const network = networkOf(cidr);
  const warnings: string[] = [];
  if (!masked(cidr).every((byte, at) => byte === cidr.address.bytes[at])) {
    const single = `${canonicalAddress(cidr.address)}/${cidr.address.bytes.length * 8}`;
    warnings.push(`${field}: CIDR value "${text}" is ambiguous in this context (should be "${network}" or "${single}"?)`);
  }
  if (cidr.leadingZeros || isMapped(cidr.address)) warnings.push(`${field}: non-standard CIDR value "${text}" is invalid: use "${network}"`);
  const canonical = `${canonicalAddress(cidr.address)}/${cidr.length}`;
  if (warnings.length === 0 && cidr.address.bytes.length === 16 && canonical !== text) {
    warnings.push(`${field}: IPv6 CIDR value "${text}" should be in RFC 5952 canonical format ("${canonical}")`);
  }
  return warnings;
}

/** Why Endpoints and the like may not point at an address that means no single host elsewhere. */
export function checkNotSpecial(field: Path, text: string): FieldError[] {
  const address = parseAddress(text);
  if (!address) return [invalid(field, text, 'must be a valid IP address')];
  const bytes = isMapped(address) ? address.bytes.slice(12) : address.bytes;
  const errors: FieldError[] = [];
  const v4 = bytes.length === 4;
  if (isUnspecified(bytes)) errors.push(invalid(field, text, `may not be unspecified (${text})`));
  if (isLoopback(bytes)) errors.push(invalid(field, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
  if (isLinkLocal(bytes)) errors.push(invalid(field, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'));
  const [first = 0, second = 0, third = 0] = bytes;
  const multicast = v4 ? first === 224 && second === 0 && third === 0 : first === 0xff && (second & 0x0f) === 2;
  if (multicast) errors.push(invalid(field, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'));
  return errors;
}

/** One host, and not only from where one stands. */
export function isGlobalUnicast(text: string): boolean {
  const address = parseAddress(text);
  if (!address) return false;
  const bytes = isMapped(address) ? address.bytes.slice(12) : address.bytes;
  const [first = 0] = bytes;
  const multicast = bytes.length === 4 ? first >> 4 === 14 : first === 0xff;
  const broadcast = bytes.length === 4 && bytes.every((byte) => byte === 255);
  return !isUnspecified(bytes) && !isLoopback(bytes) && !isLinkLocal(bytes) && !multicast && !broadcast;
}

type Bytes = Address['bytes'];

function isUnspecified(bytes: Bytes): boolean {
  return bytes.every((byte) => byte === 0);
}

function isLoopback(bytes: Bytes): boolean {
  return bytes.length === 4 ? bytes[0] === 127 : bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1;
}

function isLinkLocal([first = 0, second = 0, ...more]: Bytes): boolean {
  return more.length === 2 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80;
}

function checkStrict(field: Path, text: string): FieldError[] {
  const address = parseAddress(text);
  if (!address) return [invalid(field, text, ADDRESS_WRONG)];
  if (address.leadingZeros) return [invalid(field, text, 'must not have leading 0s')];
  return isMapped(address) ? [invalid(field, text, 'must not be an IPv4-mapped IPv6 address')] : [];
}

function parseIPv4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^[0-9]+$/.test(part) && Number(part) <= 255)) return undefined;
  return { bytes: parts.map(Number), leadingZeros: parts.some((part) => part.length > 1 && part.startsWith('0')) };
}

function parseIPv6(text: string): Address | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const v4 = tail ? parseIPv4(tail[2] ?? '') : undefined;
  if (tail && !v4) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = v4?.bytes ?? [];
  const plain = tail ? `${tail[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}` : text;
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], rest = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - rest.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...rest];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const bytes = groups.map((group) => Number.parseInt(group, 16)).flatMap((group) => [group >> 8, group & 0xff]);
  return { bytes, leadingZeros: v4?.leadingZeros ?? false };
}

function isMapped(address: Address): boolean {
  return address.bytes.length === 16 && address.bytes.slice(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
}

function masked(cidr: Cidr): number[] {
  return cidr.address.bytes.map((byte, at) => {
    const kept = Math.min(8, Math.max(0, cidr.length - at * 8));
    return byte & (0xff << (8 - kept)) & 0xff;
  });
}

function shownLength(cidr: Cidr): number {
  return isMapped(cidr.address) ? cidr.length - 96 : cidr.length;
}

function compressed(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0));
  let best = { from: -1, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.from < 0) return text(groups);
  return `${text(groups.slice(0, best.from))}::${text(groups.slice(best.from + best.length))}`;
}
