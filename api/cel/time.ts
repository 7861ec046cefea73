/** Timestamps and durations of expressions, to the nanosecond. */

const NS = 1_000_000_000n;
/** The years 1 to 9999. */
export const FIRST_INSTANT = -62_135_596_800n * NS;
const LAST = 253_402_300_799n * NS + 999_999_999n;
const LONGEST = 2n ** 63n - 1n;

export class Timestamp {
  readonly ns: bigint;
  /** From UTC, as it was written; only texts show it. */
  readonly offsetSeconds: number;

  constructor(ns: bigint, offsetSeconds = 0) {
    this.ns = ns;
    this.offsetSeconds = offsetSeconds;
  }

  toString(): string {
    const seconds = floorDiv(this.ns, NS);
    const rest = this.ns - seconds * NS;
    const text = new Date((Number(seconds) + this.offsetSeconds) * 1_000).toISOString().replace('.000Z', '');
    const fraction = rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`;
    return text + fraction + zoneText(this.offsetSeconds);
  }
}

function zoneText(offset: number): string {
  if (offset === 0) return 'Z';
  const minutes = Math.abs(offset) / 60;
  const two = (part: number): string => String(Math.trunc(part)).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}

export class Duration {
  readonly ns: bigint;

  constructor(ns: bigint) {
    this.ns = ns;
  }

  toString(): string {
    return `${decimal(Number(this.ns) / 1e9)}s`;
  }
}

/** Without an exponent, as Go's format 'f' shows it. */
export function decimal(value: number): string {
  const text = String(value);
  const [, sign = '', whole = '', fraction = '', power] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(text) ?? [];
  if (power === undefined) return text;
  const digits = whole + fraction;
  const point = whole.length + Number(power);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return point >= digits.length ? sign + digits.padEnd(point, '0') : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

export function timestampOf(ns: bigint, offsetSeconds = 0): Timestamp | undefined {
  return ns < FIRST_INSTANT || ns > LAST ? undefined : new Timestamp(ns, offsetSeconds);
}

export function durationOf(ns: bigint): Duration | undefined {
  return ns < -LONGEST - 1n || ns > LONGEST ? undefined : new Duration(ns);
}

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** As Go's time.Parse reads it: in capitals. */
export function parseStrictTimestamp(text: string): Timestamp | undefined {
  return /[tz]/.test(text) ? undefined : parseTimestamp(text);
}

export function parseTimestamp(text: string): Timestamp | undefined {
  const found = RFC3339.exec(text);
  if (!found) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const date = utc(year, month, day);
  if (date === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
  const fraction = BigInt((found[7] ?? '').slice(0, 9).padEnd(9, '0'));
  const shift = found[8] === undefined ? 0 : (found[8] === '-' ? -1 : 1) * (Number(found[9]) * 60 + Number(found[10])) * 60;
  return timestampOf(BigInt(date / 1_000 + hour * 3_600 + minute * 60 + second - shift) * NS + fraction, shift);
}

export function parseDate(text: string): Timestamp | undefined {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const date = found && utc(Number(found[1]), Number(found[2]), Number(found[3]));
  return typeof date === 'number' ? timestampOf(BigInt(date / 1_000) * NS) : undefined;
}

/** Undefined: there is no such day. */
function utc(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : undefined;
}

const UNITS: Readonly<Record<string, bigint>> = { ns: 1n, us: 1_000n, µs: 1_000n, μs: 1_000n, ms: 1_000_000n, s: NS, m: 60n * NS, h: 3_600n * NS };

/** As Go's time.ParseDuration. */
export function parseGoDuration(text: string): Duration | undefined {
  const body = text.replace(/^[+-]/, '');
  if (body === '0') return new Duration(0n);
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let ns = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of body.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const size = UNITS[unit] as bigint;
    ns += BigInt(whole || '0') * size + (fraction ? (BigInt(fraction.slice(0, 18)) * size) / 10n ** BigInt(Math.min(fraction.length, 18)) : 0n);
  }
  return durationOf(text.startsWith('-') ? -ns : ns);
}

const LARGEST_INT = 2n ** 63n - 1n;

/** Names of units; the last of a row also begins longer names. */
const WORDS: readonly (readonly [names: readonly string[], ns: bigint])[] = [
  [['ns', 'nano'], 1n], [['us', 'µs', 'micro'], 1_000n], [['ms', 'milli'], 1_000_000n], [['s', 'sec'], NS], [['m', 'min'], 60n * NS], [['h', 'hr', 'hour'], 3_600n * NS],
  [['d', 'day'], 86_400n * NS], [['w', 'wk', 'week'], 604_800n * NS],
];

/** As fields of format `duration` may be written: Go's way, or in words (`3 days`). */
export function parseDuration(text: string): Duration | undefined {
  const plain = parseGoDuration(text);
  if (plain) return plain;
  let ns: bigint | undefined;
  for (const [, number = '', word = ''] of text.matchAll(/(\d+)[\t\n\f\r ]*([A-Za-zµ]+)/g)) {
    if (BigInt(number) > LARGEST_INT) return undefined;
    const unit = word.toLowerCase();
    for (const [names, size] of WORDS) {
      const last = names.length - 1;
      if (names.some((name, at) => name === unit || (at === last && unit.startsWith(name)))) ns = (ns ?? 0n) + BigInt(number) * size;
    }
  }
  // What is too long starts over, as Go's numbers do.
  return ns === undefined ? undefined : durationOf(BigInt.asIntN(64, ns));
}

export type DateField = 'fullYear' | 'month' | 'dayOfYear' | 'dayOfMonth' | 'date' | 'dayOfWeek' | 'hours' | 'minutes' | 'seconds' | 'milliseconds';

/** Undefined: there is no such time zone. */
export function dateField(time: Timestamp, field: DateField, zone = 'UTC'): bigint | undefined {
  const offset = zoneOffsetMs(time, zone);
  if (offset === undefined) return undefined;
  const ms = Number(floorDiv(time.ns, 1_000_000n)) + offset;
  return BigInt(fieldOf(new Date(ms), field));
}

function fieldOf(date: Date, field: DateField): number {
  switch (field) {
    case 'fullYear':
      return date.getUTCFullYear();
    case 'month':
      return date.getUTCMonth();
    case 'dayOfYear': {
      const start = new Date(0);
      start.setUTCFullYear(date.getUTCFullYear(), 0, 1);
      return Math.floor((date.getTime() - start.getTime()) / 86_400_000);
    }
    case 'dayOfMonth':
      return date.getUTCDate() - 1;
    case 'date':
      return date.getUTCDate();
    case 'dayOfWeek':
      return date.getUTCDay();
    case 'hours':
      return date.getUTCHours();
    case 'minutes':
      return date.getUTCMinutes();
    case 'seconds':
      return date.getUTCSeconds();
    case 'milliseconds':
      return date.getUTCMilliseconds();
  }
}

function zoneOffsetMs(time: Timestamp, zone: string): number | undefined {
  if (zone === 'UTC' || zone === '') return 0;
  const fixed = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone);
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000;
  try {
    const at = Number(floorDiv(time.ns, NS)) * 1_000;
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const shift = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(name);
    if (!shift?.[1]) return 0;
    return (shift[1] === '-' ? -1 : 1) * ((Number(shift[2]) * 60 + Number(shift[3])) * 60 + Number(shift[4] ?? 0)) * 1_000;
  } catch {
    return undefined;
  }
}

function floorDiv(a: bigint, b: bigint): bigint {
  const whole = a / b;
  return a % b < 0n ? whole - 1n : whole;
}
