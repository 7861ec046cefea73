/** The cleaner of certificate requests: those that were answered go after an hour, those that nobody answers after a day. */
import { certificatesigningrequests } from '../api/resources.ts';
import { timeMs } from '../client/time.ts';
import { remove } from './actions.ts';
import type { StoredRequest } from './certificates/follow.ts';
import { watch, type Controller } from './controller.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const requestCleanerController: Controller = {
  name: 'certificatesigningrequest-cleaner-controller',
  account: 'certificate-controller',
  watches: [watch({ resource: certificatesigningrequests, keys: ({ metadata }) => [metadata.name] })],
  reconcile(name, view, { now }) {
    const request = view.of(certificatesigningrequests).get({ name });
    const end = request && endOf(request);
    if (end === undefined) return { actions: [] };
    return end > now ? { actions: [], requeueAfterMs: end - now } : { actions: [remove(certificatesigningrequests, request as StoredRequest)] };
  },
};

function endOf({ metadata, status }: StoredRequest): number | undefined {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return timeMs(metadata.creationTimestamp) + DAY_MS;
  const ends = conditions.flatMap(({ type, lastUpdateTime }) => {
    if (!lastUpdateTime) return [];
    const since = timeMs(lastUpdateTime);
    if (type === 'Denied' || type === 'Failed') return [since + HOUR_MS];
    return type === 'Approved' ? [since + (status?.certificate ? HOUR_MS : DAY_MS)] : [];
  });
  return ends.length === 0 ? undefined : Math.min(...ends);
}
