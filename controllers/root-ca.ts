/** The root certificate publisher: in every namespace a ConfigMap with which pods can verify the API server. */
import { configmaps, namespaces } from '../api/resources.ts';
import { deepEqual } from '../std/deep.ts';
import { create, update } from './actions.ts';
import { watch, type Controller } from './controller.ts';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION = 'kubernetes.io/description';
/** Clients compare it: the words are upstream's. */
const DESCRIPTION_TEXT =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or ' +
  'kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

export function rootCaController(options: { readonly caPem: string }): Controller {
  const data = { 'ca.crt': options.caPem };
  return {
    name: 'root-ca-certificate-publisher-controller',
    account: 'root-ca-cert-publisher',
    watches: [
      watch({ resource: namespaces, keys: ({ metadata }) => [metadata.name], matters: (before, after) => before.status?.phase !== after.status?.phase }),
      // Only the one name: a cluster's other ConfigMaps are no business of this controller.
      watch({ resource: configmaps, selection: { fieldSelector: `metadata.name=${NAME}` }, keys: ({ metadata }) => [metadata.namespace] }),
    ],
    reconcile(namespace, view) {
      const owner = view.of(namespaces).get({ name: namespace });
      if (!owner || owner.status?.phase === 'Terminating') return { actions: [] };
      const known = view.of(configmaps).get({ namespace, name: NAME });
      if (!known) return { actions: [create(configmaps, { metadata: { name: NAME, namespace, annotations: { [DESCRIPTION]: DESCRIPTION_TEXT } }, data }, { tolerateExisting: true })] };
      const { annotations } = known.metadata;
      if (deepEqual(known.data, data) && annotations?.[DESCRIPTION]) return { actions: [] };
      return { actions: [update(configmaps, { ...known, metadata: { ...known.metadata, annotations: { ...annotations, [DESCRIPTION]: DESCRIPTION_TEXT } }, data })] };
    },
  };
}
