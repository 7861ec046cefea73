/** When a cron schedule comes due, in a time zone. */
import { type CronFields, parseCron, WEEKDAYS } from '../../api/cron.ts';

export interface Schedule {
  /** The first time after this one, in milliseconds; undefined where there is none within five years. */
  next(after: number): number | undefined;
}

/** Throws where the text is no schedule or the zone is not known. */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule {
  const schedule = parseCron(text);
  if (typeof schedule === 'string') throw new Error(schedule);
  const { zone = timeZone, when } = schedule;
  const local = localTime(zone);
  if (!('everyMs' in when)) return { next: (after) => nextOf(when, local, after) };
  return { next: (after) => Math.floor(after / 1000) * 1000 + when.everyMs };
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
const HOUR_MINUTES = 60;
const NOON = 12;
const MAX_YEARS = 5;

function nextOf(fields: CronFields, local: (time: number) => Local, after: number): number | undefined {
  if (fields.minute.size === 0 || fields.hour.size === 0) return undefined;
  const limit = Date.UTC(new Date(after).getUTCFullYear() + MAX_YEARS + 1, 0);
  for (let time = Math.floor(after / MINUTE_MS) * MINUTE_MS + MINUTE_MS; time < limit; ) {
    const at = local(time);
    if (!fields.month.has(at.month) || !fitsDay(fields, at)) time = nextDay(local, time, at);
    else if (!fields.hour.has(at.hour)) time += (HOUR_MINUTES - at.minute) * MINUTE_MS;
    else if (!fields.minute.has(at.minute)) time += MINUTE_MS;
    else return time;
  }
  return undefined;
}

function fitsDay({ day, weekday, bothDays }: CronFields, at: Local): boolean {
  const [byDay, byWeekday] = [day.has(at.day), weekday.has(at.weekday)];
  return bothDays ? byDay && byWeekday : byDay || byWeekday;
}

/** Its first moment. Where clocks are put forward or back on the way, a day has 23 or 25 hours; where that is done at midnight, it does not begin with one. */
function nextDay(local: (time: number) => Local, time: number, at: Local): number {
  const there = time + untilMidnight(at);
  const { day, hour, minute } = local(there);
  if (hour > NOON) return there + untilMidnight({ hour, minute });
  const begins = there - (hour * HOUR_MINUTES + minute) * MINUTE_MS;
  return local(begins).day === day ? begins : there;
}

function untilMidnight({ hour, minute }: { readonly hour: number; readonly minute: number }): number {
  return ((23 - hour) * HOUR_MINUTES + HOUR_MINUTES - minute) * MINUTE_MS;
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
