/** What a pod's containers need together: the running ones add up, init containers set a minimum. */
import type { Quantity } from '../../quantity.ts';
import type { Container, PodSpec } from '../../types/core.v1.ts';
import { addTo, raiseTo } from './resource-list.ts';

export function containersNeed(spec: PodSpec, which: 'requests' | 'limits'): Map<string, Quantity> {
  const sum = new Map<string, Quantity>();
  for (const container of spec.containers ?? []) addTo(sum, container.resources?.[which]);
  const sidecars = new Map<string, Quantity>();
  const starting = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    const needed = container.resources?.[which];
    if (isSidecar(container)) {
      addTo(sum, needed);
      addTo(sidecars, needed);
      raiseTo(starting, sidecars);
    } else {
      const during = new Map(sidecars);
      addTo(during, needed);
      raiseTo(starting, during);
    }
  }
  raiseTo(sum, starting);
  return sum;
}

/** An init container that keeps running beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}
