/** CronJobs that come, go, rest and go on. */
import { cronjobs } from '../../../api/resources.ts';
import type { CronJobSpec } from '../../../api/types/batch.v1.ts';
import { below } from '../../../std/random.ts';
import { CLOCKWORK } from '../auditor.ts';
import type { Habit, People } from './habit.ts';

/** A run that is due is made within this. */
export const CRON_SPARE_MS = 10_000;
const MAX_CRONS = 3;
const NAMESPACE = 'red';

export function byTheClock(people: People): Habit {
  const { client, random } = people;
  const pick = <T>(from: readonly T[]): T => people.pick(from);
  const names: string[] = [];

  const make = async (): Promise<void> => {
    const name = `${CLOCKWORK}${people.number()}`;
    const concurrencyPolicy = pick(['Allow', 'Forbid', 'Forbid', 'Replace']);
    const spec = {
      schedule: pick(['* * * * *', '* * * * *', '*/2 * * * *']),
      concurrencyPolicy,
      ...pick([{}, {}, { startingDeadlineSeconds: 20 }, { startingDeadlineSeconds: 100 }]),
      ...pick([{}, { successfulJobsHistoryLimit: 0, failedJobsHistoryLimit: 0 }, { successfulJobsHistoryLimit: 1 }]),
      jobTemplate: {
        spec: {
          backoffLimit: 1,
          template: {
            metadata: { labels: { app: name }, annotations: { 'coracle.dev/hollow-run': `${below(random, 90)}s`, 'coracle.dev/hollow-exit-code': pick(['0', '0', '1']) } },
            spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 5, containers: [{ name: 'c', image: 'tick', resources: { requests: { cpu: '50m', memory: '16Mi' } } }] },
          },
        },
      },
    } as unknown as CronJobSpec;
    names.push(name);
    await people.attempt(`create cronjob ${name} ${concurrencyPolicy} ${spec.schedule}`, () => client.create(cronjobs, { metadata: { namespace: NAMESPACE, name }, spec }));
  };
  const suspend = async (): Promise<void> => {
    const name = pick(names);
    const is = random.next() < 0.5;
    await people.attempt(`${is ? 'suspend' : 'resume'} ${name}`, () => client.patch(cronjobs, { namespace: NAMESPACE, name }, { type: 'application/merge-patch+json', body: { spec: { suspend: is } } }));
  };
  const remove = async (): Promise<void> => {
    const [name = ''] = names.splice(below(random, names.length), 1);
    await people.attempt(`delete cronjob ${name}`, () => client.delete(cronjobs, { namespace: NAMESPACE, name }, { propagationPolicy: pick(['Background', 'Foreground']) }));
  };
  return {
    begin: make,
    menu: () => [
      [names.length < MAX_CRONS ? 6 : 0, make],
      [names.length > 0 ? 4 : 0, suspend],
      [names.length > 0 ? 1 : 0, remove],
    ],
  };
}
