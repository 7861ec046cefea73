/** The TTL controller: tells kubelets how long they may keep Secrets and ConfigMaps, by the size of the cluster. */
import { nodes } from '../api/resources.ts';
import { patch } from './actions.ts';
import { watch, type Controller, type View } from './controller.ts';

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
  const stepOf = (view: View): number => nextStep(step, view.of(nodes).list().length);
  return {
    name: 'ttl-controller',
    watches: [
      watch({
        resource: nodes,
        // Who comes or goes may change what all the others are told.
        keys({ metadata }, view) {
          const before = step;
          step = stepOf(view);
          return step === before ? [metadata.name] : view.of(nodes).list().map((node) => node.metadata.name);
        },
        matters: (a, b) => a.metadata.annotations?.[ANNOTATION] !== b.metadata.annotations?.[ANNOTATION],
      }),
    ],
    reconcile(name, view) {
      const node = view.of(nodes).get({ name });
      const seconds = String(SIZES[stepOf(view)]?.seconds ?? 0);
      if (!node || node.metadata.annotations?.[ANNOTATION] === seconds) return { actions: [] };
      return { actions: [patch(nodes, node.metadata, { metadata: { annotations: { [ANNOTATION]: seconds } } })] };
    },
  };
}

function nextStep(from: number, count: number): number {
  let step = from;
  while (count > (SIZES[step]?.to ?? 0)) step++;
  while (count < (SIZES[step]?.from ?? 0)) step--;
  return step;
}
