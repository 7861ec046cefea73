/** Remembers when tokens of Secrets were last used, by a label with the day, and since when that is remembered: whoever clears unused ones looks there. */
import { configmaps, secrets } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { ConfigMap, Secret } from '../../api/types/core.v1.ts';
import type { Clock } from '../../std/clock.ts';
import { deepCopy } from '../../std/deep.ts';
import type { Reader, Stored, Writer } from './reader.ts';

const LAST_USED = 'kubernetes.io/legacy-token-last-used';
const NAMESPACE = 'kube-system';
const NAME = 'kube-apiserver-legacy-service-account-token-tracking';
const DAY_MS = 24 * 3600 * 1000;

export interface TrackingParts {
  readonly reader: Reader;
  readonly writer: Writer;
  readonly clock: Pick<Clock, 'now'>;
}

/** Makes the ConfigMap that says since when uses are remembered, or puts its date right. */
export async function startTracking({ reader, writer, clock }: TrackingParts): Promise<void> {
  const data = { since: day(clock.now()) };
  try {
    const found = await reader.getFresh(configmaps, NAMESPACE, NAME);
    if (!found) await writer.create(configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: NAMESPACE, name: NAME }, data });
    else if (!/^\d{4}-\d\d-\d\d$/.test(found.data?.['since'] ?? '')) await writer.update(configmaps, { ...(deepCopy(found) as ConfigMap), data: { ...found.data, ...data } });
  } catch (error) {
    // Another API server does the same.
    if (!isReason(error, 'AlreadyExists') && !isReason(error, 'Conflict')) throw error;
  }
}

/** Writes at most once a day and Secret. */
export async function noteUse({ writer, clock }: Omit<TrackingParts, 'reader'>, secret: Stored<Secret>): Promise<void> {
  const today = day(clock.now());
  const last = secret.metadata.labels?.[LAST_USED];
  // Another API server's clock may be past midnight already.
  if (last === today || last === day(clock.now() + DAY_MS)) return;
  const next = deepCopy(secret) as Secret;
  next.metadata.labels = { ...next.metadata.labels, [LAST_USED]: today };
  await writer.update(secrets, next);
}

function day(now: number): string {
  return new Date(now).toISOString().slice(0, 10);
}
