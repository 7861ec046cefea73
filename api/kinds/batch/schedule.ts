/** Whether a cron schedule is one: five fields, or one of the named schedules. Provenance: robfig/cron v3, standard parser. */
import { parseGoDuration } from '../../go-duration.ts';

/** Why a schedule cannot be read; '' when it can. */
export function scheduleProblem(schedule: string): string {
  let text = schedule;
  if (/^(CRON_)?TZ=/.test(text)) {
    const blank = text.indexOf(' ');
    if (blank < 0) return 'schedule parser panic: runtime error: slice bounds out of range [:-1]';
    text = text.slice(blank).trim();
  }
  if (text.startsWith('@')) return descriptorProblem(text);
  const fields = text.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== FIELDS.length) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  for (const [at, field] of fields.entries()) {
    const bounds = FIELDS[at];
    const problem = bounds ? fieldProblem(field, bounds) : '';
    if (problem) return problem;
  }
  return '';
}

interface Bounds {
  readonly low: number;
  readonly high: number;
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Bounds[] = [
  { low: 0, high: 59 },
  { low: 0, high: 23 },
  { low: 1, high: 31 },
  { low: 1, high: 12, names: MONTHS },
  { low: 0, high: 6, names: DAYS },
];
const DESCRIPTORS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

function descriptorProblem(text: string): string {
  if (DESCRIPTORS.includes(text)) return '';
  if (!text.startsWith('@every ')) return `unrecognized descriptor: ${text}`;
  const duration = text.slice('@every '.length);
  const read = parseGoDuration(duration);
  return typeof read === 'string' ? `failed to parse duration ${text}: ${read}` : '';
}

function fieldProblem(field: string, bounds: Bounds): string {
  for (const range of field.split(',')) {
    const problem = rangeProblem(range, bounds);
    if (problem) return problem;
  }
  return '';
}

function rangeProblem(expression: string, { low, high, names }: Bounds): string {
  const [range = '', step, ...more] = expression.split('/');
  const [first = '', last, ...rest] = range.split('-');
  let [from, to] = [low, high];
  if (first !== '*' && first !== '?') {
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
  let width = 1;
  if (more.length > 0) return `too many slashes: ${expression}`;
  if (step !== undefined) {
    const parsed = parseOne(step, undefined, 0);
    if (typeof parsed === 'string') return parsed;
    width = parsed;
    if (last === undefined) to = high;
  }
  if (from < low) return `beginning of range (${from}) below minimum (${low}): ${expression}`;
  if (to > high) return `end of range (${to}) above maximum (${high}): ${expression}`;
  if (from > to) return `beginning of range (${from}) beyond end of range (${to}): ${expression}`;
  return width === 0 ? `step of range should be a positive number: ${expression}` : '';
}

/** A number or a name; a text is why it is neither. */
function parseOne(text: string, names: readonly string[] | undefined, first: number): number | string {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + first;
  if (!/^[+-]?\d+$/.test(text)) return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  return Number(text) < 0 ? `negative number (${text}) not allowed: ${text}` : Number(text);
}
