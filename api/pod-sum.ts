/** What a whole pod comes to: its containers together, or the largest moment of its initialization, whichever is more. Pure. */
import type { Container, PodSpec } from './types/core.v1.ts';
import type { DeepReadonly } from '../std/deep.ts';

/** How amounts of some form are computed with. None of them is changed. */
export interface Sums<A> {
  readonly none: A;
  plus(a: A, b: A): A;
  /** Resource by resource. */
  largest(a: A, b: A): A;
}

/** `of` says what one container comes to; it `lasts` unless it is over before the others begin. */
export function podSum<A>(spec: DeepReadonly<Partial<Pick<PodSpec, 'containers' | 'initContainers'>>>, of: (container: DeepReadonly<Container>, lasts: boolean) => A, { none, plus, largest }: Sums<A>): A {
  let sum = none;
  for (const container of spec.containers ?? []) sum = plus(sum, of(container, true));
  let sidecars = none;
  let initial = none;
  for (const container of spec.initContainers ?? []) {
    const lasts = container.restartPolicy === 'Always';
    const own = of(container, lasts);
    initial = largest(initial, plus(sidecars, own));
    if (!lasts) continue;
    sum = plus(sum, own);
    sidecars = plus(sidecars, own);
  }
  return largest(sum, initial);
}
