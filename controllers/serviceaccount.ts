/** The ServiceAccount controller: a `default` account in every namespace. */
import { namespaces, serviceaccounts } from '../api/resources.ts';
import { create } from './actions.ts';
import { watch, type Controller } from './controller.ts';

const NAME = 'default';

export const serviceAccountController: Controller = {
  name: 'serviceaccount-controller',
  account: 'service-account-controller',
  watches: [
    watch({ resource: namespaces, keys: ({ metadata }) => [metadata.name], matters: (before, after) => before.status?.phase !== after.status?.phase }),
    watch({ resource: serviceaccounts, keys: ({ metadata }) => (metadata.name === NAME ? [metadata.namespace] : []) }),
  ],
  reconcile(namespace, view) {
    if (view.of(namespaces).get({ name: namespace })?.status?.phase === 'Terminating') return { actions: [] };
    if (!view.of(namespaces).get({ name: namespace }) || view.of(serviceaccounts).get({ namespace, name: NAME })) return { actions: [] };
    return { actions: [create(serviceaccounts, { metadata: { name: NAME, namespace } }, { tolerateExisting: true })] };
  },
};
