/** Jobs with an index for each pod, some of which fail, and with rules on what that means. */
import { jobs } from '../../../api/resources.ts';
import type { JobSpec } from '../../../api/types/batch.v1.ts';
import type { HollowRules } from '../../../kubelet/runtime/hollow-behaviour.ts';
import { below } from '../../../std/random.ts';
import { FAIL_INDEX_CODE, FAIL_JOB_CODE, INDEX } from '../rules/indexes.ts';
import type { Habit, People } from './habit.ts';

const NAMESPACE = 'red';
const MAX_JOBS = 4;
const COMPLETIONS = 4;
const FATE = 'fate';

const of = (fate: string, index: number, what: object): object => ({ labels: { [FATE]: fate, [INDEX]: String(index) }, ...what });

/** What pods do, which differs by their index. */
export const FATES: HollowRules = {
  containers: [
    of('patchy', 1, { run: '4s', 'exit-code': FAIL_INDEX_CODE }),
    of('patchy', 3, { run: '12s', 'exit-code': 5 }),
    of('fatal', 2, { run: '15s', 'exit-code': FAIL_JOB_CODE }),
    of('fatal', 0, { run: '3s' }),
    { labels: { [FATE]: 'fine' }, run: '10s' },
    { labels: { [FATE]: 'patchy' }, run: '20s' },
    { labels: { [FATE]: 'fatal' }, run: '25s' },
  ] as NonNullable<HollowRules['containers']>,
};

export function indexing(people: People): Habit {
  const { client, random } = people;
  const names: string[] = [];
  /** Jobs that were never acknowledged may stand as well. */
  const all: string[] = [];

  const make = async (): Promise<void> => {
    const name = `indexed-${people.number()}`;
    const fate = people.pick(['fine', 'patchy', 'patchy', 'fatal']);
    const perIndex = random.next() < 0.6;
    const onExitCodes = (code: number): object => ({ onExitCodes: { operator: 'In', values: [code] } });
    const ignore = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] };
    const rules = [{ action: 'FailJob', ...onExitCodes(FAIL_JOB_CODE) }, ...(perIndex ? [{ action: 'FailIndex', ...onExitCodes(FAIL_INDEX_CODE) }] : []), ignore];
    const options = {
      ...(perIndex ? { backoffLimitPerIndex: below(random, 3), ...people.pick([{}, { maxFailedIndexes: 1 }, { maxFailedIndexes: 0 }]) } : { backoffLimit: 3 }),
      ...people.pick([{}, { podFailurePolicy: { rules } }, { podFailurePolicy: { rules } }, { podReplacementPolicy: 'Failed' }]),
      ...people.pick([{}, {}, { successPolicy: { rules: [{ succeededIndexes: '0,2' }] } }, { successPolicy: { rules: [{ succeededIndexes: '1-3', succeededCount: 1 }, { succeededCount: 3 }] } }]),
    };
    const container = { name: 'c', image: 'indexed', resources: { requests: { cpu: '50m', memory: '16Mi' } } };
    const template = { metadata: { labels: { [FATE]: fate }, annotations: { 'coracle.dev/hollow-stop': `${below(random, 6)}s` } }, spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 10, containers: [container] } };
    const spec = { completionMode: 'Indexed', completions: COMPLETIONS, parallelism: 1 + below(random, 4), ...options, template } as unknown as JobSpec;
    names.push(name);
    all.push(name);
    await people.attempt(`create ${name} ${fate} ${JSON.stringify({ parallelism: spec.parallelism, ...options })}`, () => client.create(jobs, { metadata: { namespace: NAMESPACE, name }, spec }));
  };
  const set = (name: string, spec: object): Promise<unknown> => client.patch(jobs, { namespace: NAMESPACE, name }, { type: 'application/merge-patch+json', body: { spec } });
  const change = async (): Promise<void> => {
    const name = people.pick(names);
    const spec = people.pick([{ suspend: true }, { suspend: false }, { suspend: false }, { parallelism: 1 + below(random, 4) }]);
    await people.attempt(`${name} ${JSON.stringify(spec)}`, () => set(name, spec));
  };
  const remove = async (): Promise<void> => {
    const [name = ''] = names.splice(below(random, names.length), 1);
    const propagationPolicy = people.pick(['Background', 'Foreground'] as const);
    await people.attempt(`delete ${name} ${propagationPolicy}`, () => client.delete(jobs, { namespace: NAMESPACE, name }, { propagationPolicy }));
  };
  return {
    begin: make,
    menu: () => [
      [names.length < MAX_JOBS ? 8 : 0, make],
      [names.length > 0 ? 5 : 0, change],
      [names.length > 0 ? 4 : 0, remove],
    ],
    async end() {
      for (const name of all) await people.insist(`resume ${name}`, () => set(name, { suspend: false }));
    },
  };
}
