/** Schedules of cron: five fields with names, ranges and steps, the `@` words, `@every`, a zone in front. Provenance: robfig/cron v3, its standard parser. */
import { parseGoDuration } from './go-duration.ts';

export interface CronSchedule {
  /** `TZ=…` in front of it. */
  readonly zone?: string;
  readonly when: { readonly everyMs: number } | CronFields;
}

export interface CronFields {
  readonly minute: ReadonlySet<number>;
  readonly hour: ReadonlySet<number>;
  readonly day: ReadonlySet<number>;
  readonly month: ReadonlySet<number>;
  readonly weekday: ReadonlySet<number>;
  /** A star stands for days or for weekdays: both have to fit. Otherwise one of them is enough. */
  readonly bothDays: boolean;
}

/** The schedule, or why there is none. */
export function parseCron(text: string): CronSchedule | string {
  if (text === '') return 'empty spec string';
  const zoned = /^(?:CRON_)?TZ=([^ ]*)( ?)/.exec(text);
  if (!zoned) return orProblem(parseWhen(text));
  if (zoned[2] === '') return 'schedule parser panic: runtime error: slice bounds out of range [:-1]';
  const [before, zone = ''] = zoned;
  const when = parseWhen(text.slice(before.length).trim());
  if (!isZone(zone)) return `provided bad location ${zone}: unknown time zone ${zone}`;
  return orProblem(when, zone === '' ? 'UTC' : zone);
}

interface Bounds {
  readonly low: number;
  readonly high: number;
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Bounds[] = [{ low: 0, high: 59 }, { low: 0, high: 23 }, { low: 1, high: 31 }, { low: 1, high: 12, names: MONTHS }, { low: 0, high: 6, names: WEEKDAYS }];

const WORDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
};
const EVERY = '@every ';
const SECOND_NANOS = 1e9;

function orProblem(when: CronSchedule['when'] | string, zone?: string): CronSchedule | string {
  return typeof when === 'string' ? when : { when, ...(zone !== undefined && { zone }) };
}

function isZone(name: string): boolean {
  if (name === '') return true;
  try {
    Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function parseWhen(text: string): CronSchedule['when'] | string {
  if (text.startsWith(EVERY)) return parseEvery(text);
  if (text.startsWith('@') && !Object.hasOwn(WORDS, text)) return `unrecognized descriptor: ${text}`;
  const parts = (Object.hasOwn(WORDS, text) ? (WORDS[text] as string) : text).split(/\s+/).filter((part) => part !== '');
  if (parts.length !== FIELDS.length) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`;
  const fields: Field[] = [];
  for (const [at, bounds] of FIELDS.entries()) {
    const field = parseField(parts[at] ?? '', bounds);
    if (typeof field === 'string') return field;
    fields.push(field);
  }
  const [minute, hour, day, month, weekday] = fields as [Field, Field, Field, Field, Field];
  return { minute: minute.values, hour: hour.values, day: day.values, month: month.values, weekday: weekday.values, bothDays: day.isStar || weekday.isStar };
}

/** In whole seconds, one at least. */
function parseEvery(text: string): CronSchedule['when'] | string {
  const nanos = parseGoDuration(text.slice(EVERY.length));
  return typeof nanos === 'string' ? `failed to parse duration ${text}: ${nanos}` : { everyMs: Math.max(1, Math.floor(nanos / SECOND_NANOS)) * 1000 };
}

interface Field {
  readonly values: ReadonlySet<number>;
  readonly isStar: boolean;
}

/** Nothing between two commas says nothing. */
function parseField(text: string, bounds: Bounds): Field | string {
  const values = new Set<number>();
  let isStar = false;
  for (const expression of text.split(',').filter((part) => part !== '')) {
    const range = parseRange(expression, bounds);
    if (typeof range === 'string') return range;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
    isStar ||= range.isStar;
  }
  return { values, isStar };
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly isStar: boolean;
}

function parseRange(expression: string, { low, high, names }: Bounds): Range | string {
  const [range = '', stepText, ...more] = expression.split('/');
  const [first = '', last, ...rest] = range.split('-');
  const star = first === '*' || first === '?';
  let [from, to, step] = [low, high, 1];
  if (!star) {
    const parsed = parseOne(first, names, low);
    if (typeof parsed === 'string') return parsed;
    [from, to] = [parsed, parsed];
    if (rest.length > 0) return `too many hyphens: ${expression}`;
    if (last !== undefined) {
      const end = parseOne(last, names, low);
      if (typeof end === 'string') return end;
      to = end;
    }
  }
  if (more.length > 0) return `too many slashes: ${expression}`;
  if (stepText !== undefined) {
    const parsed = parseOne(stepText, undefined, 0);
    if (typeof parsed === 'string') return parsed;
    step = parsed;
    if (last === undefined) to = high;
  }
  if (from < low) return `beginning of range (${from}) below minimum (${low}): ${expression}`;
  if (to > high) return `end of range (${to}) above maximum (${high}): ${expression}`;
  if (from > to) return `beginning of range (${from}) beyond end of range (${to}): ${expression}`;
  if (step === 0) return `step of range should be a positive number: ${expression}`;
  return { from, to, step, isStar: star && step === 1 };
}

/** Of 64 bits: as far as whole numbers go. */
const LARGEST = 2n ** 63n - 1n;

/** A number or a name; a text is why it is neither. */
function parseOne(text: string, names: readonly string[] | undefined, first: number): number | string {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + first;
  const failed = (why: string): string => `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: ${why}`;
  if (!/^[+-]?\d+$/.test(text)) return failed('invalid syntax');
  const exact = BigInt(text.replace(/^\+/, ''));
  if (exact > LARGEST || exact < -LARGEST - 1n) return failed('value out of range');
  return exact < 0n ? `negative number (${exact}) not allowed: ${text}` : Number(exact);
}
