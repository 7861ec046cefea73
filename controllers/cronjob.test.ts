import { cronjobs, jobs } from '../api/resources.ts';
import type { CronJob, Job } from '../api/types/batch.v1.ts';
import { seededRandom } from '../std/random.ts';
import { cronJobController } from './cronjob.ts';
import { parseSchedule } from './cronjob/schedule.ts';
import { NOW, item, shown, viewOf, type Item } from './fake-view.ts';

const SPEC: Job['spec'] = { template: { metadata: {}, spec: { restartPolicy: 'Never', containers: [{ name: 'c' }] } } };
const cron = (spec: Partial<CronJob['spec']> = {}, status: CronJob['status'] = {}) =>
  item(cronjobs, { metadata: { name: 'tick', creationTimestamp: '2026-01-01T11:00:00Z' }, spec: { schedule: '*/10 * * * *', jobTemplate: { metadata: { labels: { a: 'b' } }, spec: SPEC }, ...spec }, status });
const child = (minute: string, status: Job['status'] = {}) => {
  const name = `tick-${Date.parse(minute) / 60_000}`;
  return item(jobs, { metadata: { name, annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': minute }, ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid: 'uid-tick', controller: true }] }, spec: SPEC, status });
};
const at = (ms: number, ...items: Item[]) => cronJobController.reconcile('a/tick', viewOf(cronJobController, items), { now: NOW + ms, random: seededRandom(1) });
const last = { lastScheduleTime: '2026-01-01T11:50:00Z' };
const name = `tick-${NOW / 60_000}`;
const complete = { completionTime: '2026-01-01T11:58:00Z', conditions: [{ type: 'Complete', status: 'True' }] };

test('a Job is made when its time has come, named after the minute', () => {
  const early = at(-1000, cron({}, last));
  expect(early).toEqual({ actions: [], requeueAfterMs: 1100 });
  const { actions, requeueAfterMs } = at(0, cron({}, last));
  expect(shown(actions)).toEqual([`create jobs a/${name}`, `Normal SuccessfulCreate: Created job ${name}`]);
  expect(requeueAfterMs).toBe(600_100);
});

test('what it made is active until it has finished; what it did not make is remarked on', () => {
  const running = at(100, cron({}, last), child('2026-01-01T12:00:00Z')).actions;
  expect(running).toMatchObject([{ do: 'update', object: { status: { active: [{ name }], lastScheduleTime: '2026-01-01T12:00:00Z' } } }]);
  const done = at(100, cron({}, { lastScheduleTime: '2026-01-01T12:00:00Z', active: [{ name, uid: `uid-${name}` }] }), child('2026-01-01T12:00:00Z', complete)).actions;
  expect(shown(done)[0]).toBe(`Normal SawCompletedJob: Saw completed job: ${name}, condition: Complete`);
  expect(done.at(-1)).toMatchObject({ object: { status: { lastSuccessfulTime: '2026-01-01T11:58:00Z' } } });
  const strange = item(jobs, { ...child('2026-01-01T11:00:00Z').object, metadata: { ...child('2026-01-01T11:00:00Z').object.metadata, name: 'by-hand' } });
  expect(shown(at(-1000, cron({}, last), strange).actions)).toEqual(['Warning UnexpectedJob: Saw a job that the controller did not create or forgot: by-hand']);
  expect(shown(at(-1000, cron({}, { ...last, active: [{ name: 'lost', uid: 'lost' }] })).actions)).toEqual(['Normal MissingJob: Active job went missing: lost', 'update cronjobs/status a/tick']);
});

const busy = { lastScheduleTime: '2026-01-01T11:50:00Z', active: [{ name: `tick-${NOW / 60_000 - 10}`, uid: `uid-tick-${NOW / 60_000 - 10}` }] };
const before = child('2026-01-01T11:50:00Z');
const POLICIES: [string, Partial<CronJob['spec']>, RegExp[]][] = [
  ['Allow starts another', { concurrencyPolicy: 'Allow' }, [/^create jobs/, /SuccessfulCreate/]],
  ['Forbid does not', { concurrencyPolicy: 'Forbid' }, [/JobAlreadyActive/]],
  ['Replace deletes the one before', { concurrencyPolicy: 'Replace' }, [/^delete jobs/, /SuccessfulDelete/, /^create jobs/, /SuccessfulCreate/, /^update cronjobs/]],
  ['a suspended one starts nothing', { suspend: true }, []],
  ['a bad schedule is said', { schedule: '61 * * * *' }, [/UnparseableSchedule/]],
  ['a day that never comes as well', { schedule: '0 0 31 2 *' }, [/InvalidSchedule: invalid schedule: 0 0 31 2 \* : time difference between two schedules is less than 1 second/]],
  ['an unknown zone too', { timeZone: 'Mars/Olympus' }, [/UnknownTimeZone/]],
];
test.each(POLICIES)('%s', (_, spec, expected) => {
  const found = shown(at(0, cron(spec, busy), before).actions);
  expect(found).toHaveLength(expected.length);
  expected.forEach((pattern, i) => expect(found[i]).toMatch(pattern));
});

test('a start that was missed by too much is not made up for; of many missed only the last is', () => {
  expect(shown(at(240_000, cron({ startingDeadlineSeconds: 60 }, last)).actions)).toEqual([]);
  expect(shown(at(0, cron({}, { lastScheduleTime: '2026-01-01T10:00:00Z' })).actions)).toEqual([`create jobs a/${name}`, `Normal SuccessfulCreate: Created job ${name}`]);
  expect(shown(at(0, cron({}, { lastScheduleTime: '2025-12-01T10:00:00Z' })).actions)[0]).toMatch(/TooManyMissedTimes/);
});

test('a Job goes only after it is written down that its time had its run', () => {
  const found = shown(at(100, cron({ successfulJobsHistoryLimit: 0 }, last), child('2026-01-01T12:00:00Z', complete)).actions);
  expect(found.slice(-3)).toEqual(['update cronjobs/status a/tick', `delete jobs a/${name}`, `Normal SuccessfulDelete: Deleted job ${name}`]);
});

test('finished Jobs beyond the limits go, oldest first', () => {
  const minutes = ['11:10', '11:20', '11:30', '11:40'].map((time) => `2026-01-01T${time}:00Z`);
  const old = minutes.map((minute) => child(minute, { ...complete, startTime: minute }));
  const found = shown(at(-1000, cron({ successfulJobsHistoryLimit: 3 }, { ...last, lastSuccessfulTime: '2026-01-01T11:59:00Z' }), ...old).actions);
  expect(found).toEqual([`delete jobs a/tick-${Date.parse(minutes[0] ?? '') / 60_000}`, expect.stringContaining('SuccessfulDelete')]);
});

test('the scheduled time is noted in the zone of the schedule', () => {
  const zoned = (timeZone: string) => at(0, cron({ timeZone, schedule: '*/10 * * * *' }, last)).actions[0];
  expect(zoned('Asia/Kolkata')).toMatchObject({ object: { metadata: { annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T17:30:00+05:30' } } } });
  expect(zoned('America/New_York')).toMatchObject({ object: { metadata: { annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T07:00:00-05:00' } } } });
  expect(zoned('Europe/London')).toMatchObject({ object: { metadata: { annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T12:00:00Z' } } } });
});

test('what comes never is said to come never', () => {
  expect(parseSchedule('0 0 30 2 *').next(NOW)).toBeUndefined();
  expect(parseSchedule(', * * * *').next(NOW)).toBeUndefined();
});

/** From Thursday 2026-01-01 12:00 UTC. */
const TIMES: [string, string, string][] = [
  ['* * * * *', 'UTC', '2026-01-01T12:01:00.000Z'],
  ['30 4 * * *', 'UTC', '2026-01-02T04:30:00.000Z'],
  ['0 0 * * sun', 'UTC', '2026-01-04T00:00:00.000Z'],
  ['0 0 13 * 5', 'UTC', '2026-01-02T00:00:00.000Z'],
  ['0 0 29 2 *', 'UTC', '2028-02-29T00:00:00.000Z'],
  ['5-59/20 12 * JAN ?', 'UTC', '2026-01-01T12:05:00.000Z'],
  ['@hourly', 'UTC', '2026-01-01T13:00:00.000Z'],
  ['@every 90m', 'UTC', '2026-01-01T13:30:00.000Z'],
  ['0 9 * * *', 'America/New_York', '2026-01-01T14:00:00.000Z'],
  ['30 0 * * *', 'Asia/Kolkata', '2026-01-01T19:00:00.000Z'],
  ['@every 1.5h', 'UTC', '2026-01-01T13:30:00.000Z'],
  ['@every 90.7s', 'UTC', '2026-01-01T12:01:30.000Z'],
  ['TZ=Asia/Kolkata 30 0 * * *', 'UTC', '2026-01-01T19:00:00.000Z'],
  ['0 0 *-5 * 1,,', 'UTC', '2026-01-05T00:00:00.000Z'],
  ['0 0 */2 * 1', 'UTC', '2026-01-03T00:00:00.000Z'],
  // Clocks are put forward or back on a day that does not fit: the next begins at its midnight all the same.
  ['30 0 9 3 *', 'America/New_York', '2026-03-09T04:30:00.000Z'],
  ['30 0 2 11 *', 'America/New_York', '2026-11-02T05:30:00.000Z'],
  // This hour does not exist on March 8th.
  ['30 2 8,9 3 *', 'America/New_York', '2026-03-09T06:30:00.000Z'],
  // This day begins at one o'clock.
  ['15 1 24 4 *', 'Africa/Cairo', '2026-04-23T22:15:00.000Z'],
];
test.each(TIMES)('parseSchedule(%s) in %s', (text, zone, expected) => {
  expect(new Date(parseSchedule(text, zone).next(NOW) ?? 0).toISOString()).toBe(expected);
});

test.each(['* * * *', '60 * * * *', '* * * * 8', '5-2 * * * *', '*/0 * * * *', 'a * * * *', 'constructor', ' @daily'])('parseSchedule(%s) is refused', (text) => {
  expect(() => parseSchedule(text)).toThrow();
});
