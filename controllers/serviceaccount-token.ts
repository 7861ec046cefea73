/** The token controller: Secrets with the token of a ServiceAccount go with it, and it forgets those that are gone. They are filled by the API server, which has the key. */
import { secrets, serviceaccounts } from '../api/resources.ts';
import { parseKey } from '../client/cache.ts';
import { remove, update } from './actions.ts';
import { watch, type Action, type Controller, type View } from './controller.ts';
import { isDeleting } from './owners.ts';

const TYPE = 'kubernetes.io/service-account-token';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';
/** An account that is not there may be on its way here: its Secret may have come first. */
const PATIENCE_MS = 1000;

/** Whose token a Secret held. */
interface Holder {
  readonly name: string;
  readonly uid: string | undefined;
}

/** It remembers since when an account has been missed, and whose the tokens are that it has seen. */
export function serviceAccountTokenController(): Controller {
  const missed = new Map<string, number>();
  const holders = new Map<string, Holder>();
  return {
    name: 'serviceaccount-token-controller',
    watches: [
      watch({ resource: secrets, selection: { fieldSelector: `type=${TYPE}` }, indexes: { byAccount: ({ metadata }) => [`${metadata.namespace}/${metadata.annotations?.[ACCOUNT_NAME] ?? ''}`] }, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
      watch({ resource: serviceaccounts, keys: ({ metadata }, view) => view.of(secrets).by('byAccount', `${metadata.namespace}/${metadata.name}`).map((secret) => `${metadata.namespace}/${secret.metadata.name}`), matters: (before, after) => before.metadata.uid !== after.metadata.uid }),
    ],
    reconcile(key, view, { now }) {
      const secret = view.of(secrets).get(parseKey(key));
      const { [ACCOUNT_NAME]: name, [ACCOUNT_UID]: uid } = secret?.metadata.annotations ?? {};
      if (secret && name) holders.set(key, { name, uid });
      const holder = secret ? undefined : holders.get(key);
      if (holder) {
        const actions = withdraw(key, holder, view);
        if (actions.length === 0) holders.delete(key);
        return { actions };
      }
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

/** An account lists a Secret no more that is gone. */
function withdraw(key: string, { name, uid }: Holder, view: View): readonly Action[] {
  const gone = parseKey(key);
  const account = view.of(serviceaccounts).get({ namespace: gone.namespace ?? '', name });
  if (!account || (uid && uid !== account.metadata.uid) || !account.secrets?.some((one) => one.name === gone.name)) return [];
  const { secrets: listed, ...rest } = account;
  const left = listed.filter((one) => one.name !== gone.name);
  return [update(serviceaccounts, { ...rest, ...(left.length > 0 && { secrets: left }) })];
}
