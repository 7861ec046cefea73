/** What a whole pod requests and may use at most: sums over containers, with init containers and sidecars. Pure. */
import type { Container, Pod, PodSpec } from '../types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Quantity } from '../quantity.ts';
import { isPodLevelResource } from '../kinds/shared/resource-list.ts';
import { podSum } from '../pod-sum.ts';
import type { Amounts } from './amounts.ts';
import { amountsOf, amountSums, largest, plus } from './amounts.ts';

type Side = 'requests' | 'limits';

/**
 * Containers together, or the largest moment of initialization; what the pod itself says stands above both. With a status, what a
 * container still has or was promised counts where that is more than it asks for.
 */
export function podAmounts(spec: DeepReadonly<PodSpec>, side: Side, options: { readonly overhead: boolean; readonly status?: DeepReadonly<Pod>['status'] }): Amounts {
  const { status } = options;
  const of = (container: DeepReadonly<Container>, lasts: boolean): Record<string, Quantity> => (status && lasts ? effective(container, side, status) : amountsOf(container.resources?.[side]));
  const total = podSum(spec, of, amountSums);
  for (const [name, quantity] of Object.entries(amountsOf(spec.resources?.[side]))) if (isPodLevelResource(name)) total[name] = quantity;
  if (!options.overhead || !spec.overhead) return total;
  const overhead = amountsOf(spec.overhead);
  if (side === 'requests') return plus(total, overhead);
  // Overhead adds to a limit; it does not make one.
  return plus(total, Object.fromEntries(Object.entries(overhead).filter(([name]) => (total[name]?.nano ?? 0n) !== 0n)));
}

/** While a container is resized; a resize that cannot be done asks for nothing. */
function effective({ name, resources }: DeepReadonly<Container>, side: Side, { containerStatuses = [], initContainerStatuses = [], conditions = [] }: NonNullable<DeepReadonly<Pod>['status']>): Record<string, Quantity> {
  const asked = amountsOf(resources?.[side]);
  const status = [...initContainerStatuses, ...containerStatuses].findLast((one) => one.name === name);
  if (!status?.resources) return asked;
  const has = amountsOf(status.resources[side]);
  const held = side === 'requests' ? largest(has, amountsOf(status.allocatedResources)) : has;
  const infeasible = conditions.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';
  return infeasible ? held : largest(asked, held);
}
