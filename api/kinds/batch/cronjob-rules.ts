/** The rules for CronJobs. */
import { parseCron } from '../../cron.ts';
import { Named, type FieldError, Path, invalid, notSupported, required } from '../../field-error.ts';
import type { CronJob, CronJobSpec } from '../../types/batch.v1.ts';
import { bytes } from '../shared/formats.ts';
import { shownSelector } from '../shared/label-selector.ts';
import { notNegative } from '../shared/quantity-rules.ts';
import { checkJobSpec } from './job-spec-rules.ts';

const SPEC = Path.of('spec');
/** Names of Jobs get eleven more characters. */
const NAME_LIMIT = 52;

export function validateCronJob({ metadata, spec }: CronJob): FieldError[] {
  const errors = spec ? checkSpec(spec, undefined) : [];
  if (bytes(metadata.name ?? '') <= NAME_LIMIT) return errors;
  return [...errors, invalid(Path.of('metadata', 'name'), metadata.name, `must be no more than ${NAME_LIMIT} characters`)];
}

export function validateCronJobUpdate({ spec }: CronJob, old: CronJob): FieldError[] {
  return spec ? checkSpec(spec, old.spec) : [];
}

const POLICIES = ['Allow', 'Forbid', 'Replace'];

function checkSpec(spec: CronJobSpec, old: CronJobSpec | undefined): FieldError[] {
  const policy = spec.concurrencyPolicy ?? '';
  const field = SPEC.child('concurrencyPolicy');
  return [
    ...(spec.schedule ? checkSchedule(spec, old, SPEC.child('schedule')) : [required(SPEC.child('schedule'))]),
    ...notNegative(spec.startingDeadlineSeconds, SPEC.child('startingDeadlineSeconds')),
    ...(old && old.timeZone === spec.timeZone ? [] : checkTimeZone(spec.timeZone, SPEC.child('timeZone'))),
    ...(policy === '' ? [required(field)] : POLICIES.includes(policy) ? [] : [notSupported(field, policy, POLICIES)]),
    ...checkTemplate(spec, SPEC.child('jobTemplate', 'spec')),
    ...notNegative(spec.successfulJobsHistoryLimit, SPEC.child('successfulJobsHistoryLimit')),
    ...notNegative(spec.failedJobsHistoryLimit, SPEC.child('failedJobsHistoryLimit')),
  ];
}

function checkSchedule({ schedule, timeZone }: CronJobSpec, old: CronJobSpec | undefined, path: Path): FieldError[] {
  const parsed = parseCron(schedule);
  const errors = typeof parsed === 'string' ? [invalid(path, schedule, parsed)] : [];
  if (!schedule.includes('TZ')) return errors;
  if (!old?.schedule.includes('TZ')) return [...errors, invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')];
  if (timeZone === undefined) return errors;
  return [...errors, invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule')];
}

function checkTimeZone(zone: string | undefined, path: Path): FieldError[] {
  if (zone === undefined) return [];
  if (zone === '') return [invalid(path, zone, 'timeZone must be nil or non-empty string')];
  const malformed = zone.split('/').some((part) => part === '.' || part === '..' || part.startsWith('-') || !/^[A-Za-z.\-_0-9+]{1,}$/.test(part));
  if (malformed) return [invalid(path, new Named(zone), `unknown time zone ${zone}`)];
  const errors: FieldError[] = [];
  if (zone.toLowerCase() === 'local') {
    errors.push(invalid(path, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'));
  }
  return isTimeZone(zone) || zone === 'Local' ? errors : [...errors, invalid(path, new Named(zone), `unknown time zone ${zone}`)];
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone }).format();
    return true;
  } catch {
    return false;
  }
}

function checkTemplate({ jobTemplate }: CronJobSpec, path: Path): FieldError[] {
  const spec = jobTemplate?.spec;
  if (!spec) return [];
  const errors = checkJobSpec(spec, path);
  if (spec.selector) errors.push(invalid(path.child('selector'), shownSelector(spec.selector), '`selector` will be auto-generated'));
  if (spec.manualSelector) errors.push(notSupported(path.child('manualSelector'), true, ['nil', 'false']));
  return errors;
}
