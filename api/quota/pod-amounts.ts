/** What a whole pod requests and may use at most: sums over containers, with init containers and sidecars. Pure. */
import type { Container, PodSpec } from '../types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Amounts } from './amounts.ts';
import { amountsOf, largest, plus } from './amounts.ts';

type Side = 'requests' | 'limits';

/** Containers together, or the largest moment of initialization; what the pod itself says stands above both. */
export function podAmounts(spec: DeepReadonly<PodSpec>, side: Side, options: { readonly overhead: boolean }): Amounts {
  const of = (container: DeepReadonly<Pick<Container, 'resources'>>): Amounts => amountsOf(container.resources?.[side]);
  let sum: Amounts = {};
  for (const container of spec.containers) sum = plus(sum, of(container));
  let sidecars: Amounts = {};
  let initial: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      sum = plus(sum, of(container));
      sidecars = plus(sidecars, of(container));
      initial = largest(initial, sidecars);
    } else initial = largest(initial, plus(sidecars, of(container)));
  }
  const total = largest(sum, initial);
  for (const [name, quantity] of Object.entries(amountsOf(spec.resources?.[side]))) if (isPodLevel(name)) total[name] = quantity;
  if (!options.overhead || !spec.overhead) return total;
  const overhead = amountsOf(spec.overhead);
  if (side === 'requests') return plus(total, overhead);
  // Overhead adds to a limit; it does not make one.
  return plus(total, Object.fromEntries(Object.entries(overhead).filter(([name]) => (total[name]?.nano ?? 0n) !== 0n)));
}

export function isPodLevel(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}
