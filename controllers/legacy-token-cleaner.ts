/** The cleaner of legacy tokens: Secrets that were once made for ServiceAccounts by themselves and that nobody uses any more. */
import { configmaps, pods, secrets, serviceaccounts } from '../api/resources.ts';
import type { Secret } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { timeMs } from '../client/time.ts';
import { remove } from './actions.ts';
import { watch, type Action, type Controller, type View } from './controller.ts';
import { isDeleting } from './owners.ts';
import type { StoredPod } from './pods.ts';

export interface LegacyTokenOptions {
  /** How long a token may be unused. */
  readonly cleanUpPeriodMs?: number;
}

const DAY_MS = 24 * 3_600_000;
const DEFAULT_MS = 365 * DAY_MS;
const TYPE = 'kubernetes.io/service-account-token';
const LAST_USED = 'kubernetes.io/legacy-token-last-used';
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';
/** Since when the API server has noted which tokens are used. Without it nothing is known, and nothing deleted. */
const TRACKING = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };
const KEY = 'tokens';
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export function legacyTokenCleaner({ cleanUpPeriodMs = DEFAULT_MS }: LegacyTokenOptions = {}): Controller {
  return {
    name: 'legacy-serviceaccount-token-cleaner-controller',
    account: 'legacy-service-account-token-cleaner',
    watches: [
      watch({ resource: secrets, selection: { fieldSelector: `type=${TYPE}` }, keys: () => [KEY] }),
      watch({ resource: serviceaccounts, keys: () => [] }),
      watch({ resource: pods, keys: () => [] }),
      watch({ resource: configmaps, selection: { namespace: TRACKING.namespace, fieldSelector: `metadata.name=${TRACKING.name}` }, keys: () => [KEY] }),
    ],
    reconcile(_, view, { now }) {
      const again = { requeueAfterMs: DAY_MS };
      const since = view.of(configmaps).get(TRACKING)?.data?.['since'] ?? '';
      if (!DATE.test(since) || now < Date.parse(since) + DAY_MS + cleanUpPeriodMs) return { actions: [], ...again };
      const limit = now - cleanUpPeriodMs;
      const mounted = new Set(view.of(pods).list().flatMap(secretsOf));
      return { actions: view.of(secrets).list().filter((secret) => isUnused(secret, { limit, view, mounted })).flatMap((secret) => clean(secret, limit, now)), ...again };
    },
  };
}

function isUnused(secret: Stored<Secret>, { limit, view, mounted }: { readonly limit: number; readonly view: View; readonly mounted: ReadonlySet<string> }): boolean {
  const { namespace, name, creationTimestamp, labels = {}, annotations = {} } = secret.metadata;
  if (secret.type !== TYPE || isDeleting(secret) || timeMs(creationTimestamp) >= limit) return false;
  const used = labels[LAST_USED];
  if (used !== undefined && (!DATE.test(used) || used >= dateText(limit))) return false;
  const account = view.of(serviceaccounts).get({ namespace, name: annotations[ACCOUNT_NAME] ?? '' });
  if (!account || (annotations[ACCOUNT_UID] && annotations[ACCOUNT_UID] !== account.metadata.uid)) return false;
  // Only those that the account lists were made by themselves.
  return (account.secrets ?? []).some((one) => one.name === name) && !mounted.has(`${namespace}/${name}`);
}

/** First it is marked as invalid; after the same time again it goes. */
function clean(secret: Stored<Secret>, limit: number, now: number): Action[] {
  const { namespace, name, uid, resourceVersion, labels = {} } = secret.metadata;
  const since = labels[INVALID_SINCE] ?? '';
  if (!DATE.test(since)) {
    const body = { metadata: { uid, labels: { [INVALID_SINCE]: dateText(now) } } };
    return [{ do: 'patch', resource: secrets, key: { namespace, name }, patch: { type: 'application/merge-patch+json', body } }];
  }
  return since >= dateText(limit) ? [] : [remove(secrets, secret, { resourceVersion })];
}

function dateText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** All that a pod may read a Secret for. */
function secretsOf(pod: StoredPod): readonly string[] {
  const { namespace } = pod.metadata;
  const names = (pod.spec?.volumes ?? []).flatMap((volume) => [
    volume.secret?.secretName,
    volume.azureFile?.secretName,
    ...(volume.projected?.sources ?? []).map((source) => source.secret?.name),
    ...[volume.cephfs, volume.cinder, volume.flexVolume, volume.rbd, volume.scaleIO, volume.iscsi, volume.storageos].map((source) => source?.secretRef?.name),
    volume.csi?.nodePublishSecretRef?.name,
  ]);
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? []), ...(pod.spec?.ephemeralContainers ?? [])];
  const used = containers.flatMap(({ env = [], envFrom = [] }) => [...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name), ...envFrom.map(({ secretRef }) => secretRef?.name)]);
  const pull = (pod.spec?.imagePullSecrets ?? []).map(({ name }) => name);
  return [...new Set([...names, ...used, ...pull].filter((name) => name !== undefined))].map((name) => `${namespace}/${name}`);
}
