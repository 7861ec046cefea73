/** The token controller: Secrets with the token of a ServiceAccount go with it. They are filled by the API server, which has the key. */
import { secrets, serviceaccounts } from '../api/resources.ts';
import { parseKey } from '../client/cache.ts';
import { remove } from './actions.ts';
import { watch, type Controller } from './controller.ts';
import { isDeleting } from './owners.ts';

const TYPE = 'kubernetes.io/service-account-token';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';
/** An account that is not there may be on its way here: its Secret may have come first. */
const PATIENCE_MS = 1000;

/** It remembers since when an account has been missed. */
export function serviceAccountTokenController(): Controller {
  const missed = new Map<string, number>();
  return {
    name: 'serviceaccount-token-controller',
    watches: [
      watch({ resource: secrets, selection: { fieldSelector: `type=${TYPE}` }, indexes: { byAccount: ({ metadata }) => [`${metadata.namespace}/${metadata.annotations?.[ACCOUNT_NAME] ?? ''}`] }, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
      watch({ resource: serviceaccounts, keys: ({ metadata }, view) => view.of(secrets).by('byAccount', `${metadata.namespace}/${metadata.name}`).map((secret) => `${metadata.namespace}/${secret.metadata.name}`), matters: (before, after) => before.metadata.uid !== after.metadata.uid }),
    ],
    reconcile(key, view, { now }) {
      const secret = view.of(secrets).get(parseKey(key));
      const { [ACCOUNT_NAME]: name, [ACCOUNT_UID]: uid } = secret?.metadata.annotations ?? {};
      const account = name ? view.of(serviceaccounts).get({ namespace: secret?.metadata.namespace ?? '', name }) : undefined;
      if (!secret || !name || isDeleting(secret) || (account && (!uid || uid === account.metadata.uid))) {
        missed.delete(key);
        return { actions: [] };
      }
      const since = missed.get(key) ?? now;
      missed.set(key, since);
      const left = since + PATIENCE_MS - now;
      return left > 0 ? { actions: [], requeueAfterMs: left } : { actions: [remove(secrets, secret)] };
    },
  };
}
