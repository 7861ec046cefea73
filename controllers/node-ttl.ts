/** The TTL controller: tells kubelets how long they may keep Secrets and ConfigMaps, by the size of the cluster. */
import { nodes } from '../api/resources.ts';
import { patch } from './actions.ts';
import { watch, type Controller } from './controller.ts';

const ANNOTATION = 'node.alpha.kubernetes.io/ttl';
/** The ranges overlap, so that a cluster on a border does not waver. */
const SIZES = [
  { from: 0, to: 100, seconds: 0 },
  { from: 90, to: 500, seconds: 15 },
  { from: 450, to: 1000, seconds: 30 },
  { from: 900, to: 2000, seconds: 60 },
  { from: 1800, to: Number.POSITIVE_INFINITY, seconds: 300 },
];

export function nodeTtlController(): Controller {
  let step = 0;
  return {
    name: 'ttl-controller',
    watches: [watch({ resource: nodes, keys: ({ metadata }) => [metadata.name], matters: (a, b) => a.metadata.annotations?.[ANNOTATION] !== b.metadata.annotations?.[ANNOTATION] })],
    reconcile(name, view) {
      const count = view.of(nodes).list().length;
      while (count > (SIZES[step]?.to ?? 0)) step++;
      while (count < (SIZES[step]?.from ?? 0)) step--;
      const node = view.of(nodes).get({ name });
      const seconds = String(SIZES[step]?.seconds ?? 0);
      if (!node || node.metadata.annotations?.[ANNOTATION] === seconds) return { actions: [] };
      return { actions: [patch(nodes, node.metadata, { metadata: { annotations: { [ANNOTATION]: seconds } } })] };
    },
  };
}
