/** What a whole pod requests and may use at most: sums over containers, with init containers and sidecars. Pure. */
import type { Container, Pod, PodSpec } from '../types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Amounts } from './amounts.ts';
import { amountsOf, largest, plus } from './amounts.ts';

type Side = 'requests' | 'limits';

/**
 * Containers together, or the largest moment of initialization; what the pod itself says stands above both. With a status, what a
 * container still has or was promised counts where that is more than it asks for.
 */
export function podAmounts(spec: DeepReadonly<PodSpec>, side: Side, options: { readonly overhead: boolean; readonly status?: DeepReadonly<Pod>['status'] }): Amounts {
  const { status } = options;
  const of = (container: DeepReadonly<Container>): Amounts => (status ? effective(container, side, status) : amountsOf(container.resources?.[side]));
  let sum: Amounts = {};
  for (const container of spec.containers) sum = plus(sum, of(container));
  let sidecars: Amounts = {};
  let initial: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      sum = plus(sum, of(container));
      sidecars = plus(sidecars, of(container));
      initial = largest(initial, sidecars);
    } else initial = largest(initial, plus(sidecars, amountsOf(container.resources?.[side])));
  }
  const total = largest(sum, initial);
  for (const [name, quantity] of Object.entries(amountsOf(spec.resources?.[side]))) if (isPodLevel(name)) total[name] = quantity;
  if (!options.overhead || !spec.overhead) return total;
  const overhead = amountsOf(spec.overhead);
  if (side === 'requests') return plus(total, overhead);
  // Overhead adds to a limit; it does not make one.
  return plus(total, Object.fromEntries(Object.entries(overhead).filter(([name]) => (total[name]?.nano ?? 0n) !== 0n)));
}

/** While a container is resized; a resize that cannot be done asks for nothing. */
function effective({ name, resources }: DeepReadonly<Container>, side: Side, { containerStatuses = [], initContainerStatuses = [], conditions = [] }: NonNullable<DeepReadonly<Pod>['status']>): Amounts {
  const asked = amountsOf(resources?.[side]);
  const status = [...initContainerStatuses, ...containerStatuses].findLast((one) => one.name === name);
  if (!status?.resources) return asked;
  const has = amountsOf(status.resources[side]);
  const held = side === 'requests' ? largest(has, amountsOf(status.allocatedResources)) : has;
  const infeasible = conditions.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';
  return infeasible ? held : largest(asked, held);
}

export function isPodLevel(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}
