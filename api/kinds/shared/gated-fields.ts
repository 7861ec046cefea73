/** Fields of a pod that belong to features which are off by default: a server drops them silently. */
import { dropField } from '../../codec/empties.ts';
import type { Container, Pod, PodSpec } from '../../types/core.v1.ts';

export function dropGatedFields(spec: PodSpec | undefined): void {
  if (!spec) return;
  delete spec.schedulingGroup;
  for (const container of spec.containers ?? []) dropStopSignal(container);
  for (const container of spec.initContainers ?? []) dropStopSignal(container);
  for (const container of spec.ephemeralContainers ?? []) dropStopSignal(container);
  for (const volume of spec.volumes ?? []) {
    for (const source of volume.projected?.sources ?? []) {
      delete source.clusterTrustBundle;
      delete source.podCertificate;
    }
  }
}

export function dropGatedStatus({ status }: Pod): void {
  if (!status) return;
  dropField(status, 'nodeAllocatableResourceClaimStatuses');
  for (const container of [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? []), ...(status.ephemeralContainerStatuses ?? [])]) {
    for (const mount of container.volumeMounts ?? []) delete mount.volumeStatus;
  }
}

function dropStopSignal(container: Container): void {
  const lifecycle = container.lifecycle;
  if (lifecycle?.stopSignal === undefined) return;
  delete lifecycle.stopSignal;
  if (!lifecycle.postStart && !lifecycle.preStop) delete container.lifecycle;
}
