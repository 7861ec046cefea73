/** What a pod's containers need together. */
import { podSum } from '../../pod-sum.ts';
import type { Quantity } from '../../quantity.ts';
import { amountsOf, amountSums } from '../../quota/amounts.ts';
import type { Container, PodSpec } from '../../types/core.v1.ts';

export function containersNeed(spec: PodSpec, which: 'requests' | 'limits'): [name: string, needed: Quantity][] {
  return Object.entries(podSum(spec, ({ resources }) => amountsOf(resources?.[which]), amountSums));
}

/** An init container that keeps running beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}
