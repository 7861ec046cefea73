/** Scalars with a form of their own, as Go's types read and print them: times, durations, base64. Undefined: it is none. */

const SECONDS = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;
const PLAIN_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

export const ZERO_TIME = '0001-01-01T00:00:00Z';

/** RFC 3339 in UTC, without fractions. */
export function canonicalTime(text: string): string | undefined {
  if (text === lastPlain) return text;
  const match = SECONDS.exec(text);
  if (!match || !isDate(match)) return undefined;
  if (PLAIN_SECONDS.test(text)) return (lastPlain = text);
  return `${inUtc(match)}Z`;
}

/** What is written within one second says the same time several times over. */
let lastPlain = '';

/** RFC 3339 in UTC, with exactly six digits of fraction. */
export function canonicalMicroTime(text: string): string | undefined {
  const match = SECONDS.exec(text);
  if (!match || match[7]?.length !== 6 || !isDate(match)) return undefined;
  return text.endsWith('Z') ? text.replace(',', '.') : `${inUtc(match)}.${match[7]}Z`;
}

function isDate([, year, month, day, hour, minute, second, , zone = 'Z']: RegExpExecArray): boolean {
  const y = Number(year);
  const m = Number(month);
  const leap = m === 2 && y % 4 === 0 && (y % 100 !== 0 || y % 400 === 0) ? 1 : 0;
  const days = (DAYS[m - 1] ?? 0) + leap;
  const inZone = zone === 'Z' || (Number(zone.slice(1, 3)) <= 24 && Number(zone.slice(4)) < 60);
  return Number(day) >= 1 && Number(day) <= days && Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60 && inZone;
}

/** `2006-01-02T15:04:05` */
function inUtc([, year, month, day, hour, minute, second, , zone = 'Z']: RegExpExecArray): string {
  const at = new Date(0);
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const sign = zone.startsWith('-') ? 1 : -1;
  const minutes = zone === 'Z' ? 0 : sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  at.setUTCHours(Number(hour), Number(minute) + minutes, Number(second));
  return at.toISOString().slice(0, 19);
}

/** What Go says of a text that is no time in the layout. */
export function timeProblem(text: string, layout: string): string {
  const match = SECONDS.exec(text);
  if (match && (layout === TIME_LAYOUT || match[7]?.length === 6)) {
    const part = Number(match[2]) < 1 || Number(match[2]) > 12 ? 'month' : outOfRange(match);
    return `parsing time ${JSON.stringify(text)}: ${part} out of range`;
  }
  const [rest, element] = unparsed(text, layout);
  if (element === '') return `parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`;
  return `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`;
}

export const TIME_LAYOUT = '2006-01-02T15:04:05Z07:00';
export const MICRO_TIME_LAYOUT = '2006-01-02T15:04:05.000000Z07:00';

const ELEMENTS: readonly (readonly [string, RegExp])[] = [
  ['2006', /^\d{4}/], ['-', /^-/], ['01', /^\d\d/], ['-', /^-/], ['02', /^\d\d/], ['T', /^T/],
  ['15', /^\d\d/], [':', /^:/], ['04', /^\d\d/], [':', /^:/], ['05', /^\d\d/],
];

function unparsed(text: string, layout: string): [string, string] {
  let rest = text;
  const fraction: readonly [string, RegExp] = layout === MICRO_TIME_LAYOUT ? ['.000000', /^[.,]\d{6}(?!\d)/] : ['', /^(?:[.,]\d+)?/];
  for (const [element, pattern] of [...ELEMENTS, fraction, ['Z07:00', /^(?:Z|[+-]\d\d:\d\d)/] as const]) {
    const match = pattern.exec(rest);
    if (!match) return [rest, element];
    rest = rest.slice(match[0].length);
  }
  return [rest, ''];
}

function outOfRange([, , , , hour, minute, second]: RegExpExecArray): string {
  if (Number(hour) > 23) return 'hour';
  if (Number(minute) > 59) return 'minute';
  return Number(second) > 59 ? 'second' : 'day';
}

const UNITS: Readonly<Record<string, bigint>> = { ns: 1n, us: 1000n, 'µs': 1000n, 'μs': 1000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n };
const DURATION = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;

/** Nanoseconds. */
export function parseDuration(text: string): bigint | undefined {
  if (/^[+-]?0$/.test(text)) return 0n;
  if (!DURATION.test(text)) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = UNITS[unit] ?? 0n;
    total += BigInt(whole || 0) * scale + (BigInt(fraction || 0) * scale) / 10n ** BigInt(fraction.length);
  }
  const value = text.startsWith('-') ? -total : total;
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** As Go prints it: `1h30m0s`. */
export function formatDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  const sign = nanos < 0n ? '-' : '';
  const size = nanos < 0n ? -nanos : nanos;
  if (size < 1000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 1000n)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 1_000_000n)}ms`;
  const hours = size / 3_600_000_000_000n;
  const minutes = (size / 60_000_000_000n) % 60n;
  const seconds = decimal(size % 60_000_000_000n, 1_000_000_000n);
  return `${sign}${hours > 0n ? `${hours}h` : ''}${hours > 0n || minutes > 0n ? `${minutes}m` : ''}${seconds}s`;
}

function decimal(value: bigint, unit: bigint): string {
  const rest = value % unit;
  if (rest === 0n) return String(value / unit);
  return `${value / unit}.${String(rest).padStart(String(unit).length - 1, '0').replace(/0+$/, '')}`;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Standard base64, in the form it is printed again. */
export function canonicalBase64(text: string): string | undefined {
  const clean = text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\r\n]/g, '') : text;
  if (clean.length % 4 !== 0 || !BASE64.test(clean)) return undefined;
  return clean.endsWith('=') ? Buffer.from(clean, 'base64').toString('base64') : clean;
}

/** What Go says of a text that is no base64. */
export function base64Problem(text: string): string {
  const at = text.search(/[^A-Za-z0-9+/=\r\n]/);
  const padding = text.indexOf('=');
  const isUnfinished = padding === text.length - 1 && padding % 4 === 2;
  const bad = at >= 0 ? at : isUnfinished ? text.length : padding >= 0 && (text.length % 4 === 0 || padding % 4 < 2) ? padding : text.length - (text.length % 4);
  return `illegal base64 data at input byte ${bad}`;
}
