/** Cron schedules: five fields, names, steps and the `@` words, in a time zone. */

export interface Schedule {
  /** The first time after this one, in milliseconds; undefined where there is none within five years. */
  next(after: number): number | undefined;
}

/** Throws where the text is no schedule or the zone is not known. */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule {
  const trimmed = text.trim();
  const every = /^@every (?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?$/.exec(trimmed);
  if (every) {
    const [hours = 0, minutes = 0, seconds = 0] = every.slice(1).map((part) => Number(part ?? 0));
    const period = Math.max(1, hours * 3600 + minutes * 60 + seconds) * 1000;
    return { next: (after) => Math.floor(after / 1000) * 1000 + period };
  }
  const parts = (WORDS[trimmed] ?? trimmed).split(/\s+/);
  if (parts.length !== 5) throw new Error(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`);
  const [minute, hour, day, month, weekday] = FIELDS.map((field, i) => parseField(parts[i] ?? '', field)) as [Field, Field, Field, Field, Field];
  const local = localTime(timeZone);
  const fitsDay = (at: Local): boolean => {
    const [byDay, byWeekday] = [day.values.has(at.day), weekday.values.has(at.weekday)];
    return day.any || weekday.any ? byDay && byWeekday : byDay || byWeekday;
  };
  return {
    next(after) {
      let time = Math.floor(after / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
      for (const limit = after + MAX_AHEAD_MS; time < limit; ) {
        const at = local(time);
        if (!month.values.has(at.month) || !fitsDay(at)) time += ((23 - at.hour) * 60 + (60 - at.minute)) * MINUTE_MS;
        else if (!hour.values.has(at.hour)) time += (60 - at.minute) * MINUTE_MS;
        else if (!minute.values.has(at.minute)) time += MINUTE_MS;
        else return time;
      }
      return undefined;
    },
  };
}

/** `2026-01-01T05:30:00+05:30` */
export function zonedTimeText(time: number, timeZone: string): string {
  const name = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign = '+', hours = '00', minutes = '00'] = /^GMT([+-])([0-9]{2}):([0-9]{2})/.exec(name) ?? [];
  const offsetMinutes = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  const wall = new Date(time + offsetMinutes * MINUTE_MS).toISOString().replace(/\.\d+Z$/, '');
  return wall + (offsetMinutes === 0 ? 'Z' : `${sign}${hours}:${minutes}`);
}

const MINUTE_MS = 60_000;
const MAX_AHEAD_MS = 5 * 366 * 24 * 60 * MINUTE_MS;

const WORDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
};

interface FieldRange {
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly FieldRange[] = [{ from: 0, to: 59 }, { from: 0, to: 23 }, { from: 1, to: 31 }, { from: 1, to: 12, names: MONTHS }, { from: 0, to: 6, names: WEEKDAYS }];

interface Field {
  readonly values: ReadonlySet<number>;
  /** A star: this field says nothing. */
  readonly any: boolean;
}

function parseField(text: string, range: FieldRange): Field {
  const values = new Set<number>();
  let any = false;
  for (const part of text.split(',')) {
    const match = /^(\*|\?|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/([0-9]+))?$/i.exec(part);
    if (!match) throw new Error(`failed to parse "${part}"`);
    const [, first = '', last, step] = match;
    const star = first === '*' || first === '?';
    if (star && (step === undefined || step === '1')) any = true;
    const from = star ? range.from : numberOf(first, range);
    const to = last !== undefined ? numberOf(last, range) : star || step !== undefined ? range.to : from;
    const by = Number(step ?? 1);
    if (from < range.from || to > range.to || from > to || by === 0) throw new Error(`value out of range: "${part}"`);
    for (let value = from; value <= to; value += by) values.add(value);
  }
  return { values, any };
}

function numberOf(text: string, { from, names }: FieldRange): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + from;
  if (!/^[0-9]+$/.test(text)) throw new Error(`failed to parse number: "${text}"`);
  return Number(text);
}

interface Local {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

function localTime(timeZone: string): (time: number) => Local {
  if (timeZone === 'UTC' || timeZone === 'Etc/UTC') {
    return (time) => {
      const at = new Date(time);
      return { month: at.getUTCMonth() + 1, day: at.getUTCDate(), weekday: at.getUTCDay(), hour: at.getUTCHours(), minute: at.getUTCMinutes() };
    };
  }
  const format = new Intl.DateTimeFormat('en-US', { timeZone, month: 'numeric', day: 'numeric', weekday: 'short', hour: 'numeric', minute: 'numeric', hourCycle: 'h23' });
  return (time) => {
    const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]));
    return { month: Number(parts['month']), day: Number(parts['day']), weekday: WEEKDAYS.indexOf(String(parts['weekday']).toLowerCase()), hour: Number(parts['hour']), minute: Number(parts['minute']) };
  };
}
