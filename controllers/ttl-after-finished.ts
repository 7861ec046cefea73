/** The TTL-after-finished controller: Jobs that say so are deleted some time after they have finished. */
import { jobs } from '../api/resources.ts';
import { parseKey } from '../client/cache.ts';
import { timeMs } from '../client/time.ts';
import { remove } from './actions.ts';
import { watch, type Controller } from './controller.ts';
import { conditionOf } from './job/judge.ts';
import { isDeleting } from './owners.ts';

export const ttlAfterFinishedController: Controller = {
  name: 'ttl-after-finished-controller',
  watches: [watch({ resource: jobs, keys: ({ metadata, spec }) => (spec?.ttlSecondsAfterFinished === undefined ? [] : [`${metadata.namespace}/${metadata.name}`]) })],
  reconcile(key, view, { now }) {
    const job = view.of(jobs).get(parseKey(key));
    const ttl = job?.spec?.ttlSecondsAfterFinished;
    const end = ['Complete', 'Failed'].map((type) => conditionOf(job?.status, type)).find((condition) => condition?.status === 'True');
    if (!job || ttl === undefined || !end?.lastTransitionTime || isDeleting(job)) return { actions: [] };
    const left = timeMs(end.lastTransitionTime) + ttl * 1000 - now;
    return left > 0 ? { actions: [], requeueAfterMs: left } : { actions: [remove(jobs, job, { propagationPolicy: 'Foreground' })] };
  },
};
