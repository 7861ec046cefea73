/** What a pod refers to in its own namespace, and what a volume's secrets are: the edges that the Node authorizer follows. Pure. */
import type { Container, PersistentVolume, Pod } from '../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';

export type ReferenceKind = 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts' | 'resourceclaims';

export type References = Readonly<Record<ReferenceKind, ReadonlySet<string>>>;

export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** What a pod gives its node the right to read. */
export function podReferences(pod: DeepReadonly<Pod>): References {
  // A node can make mirror pods: they must not give it anything.
  return pod.metadata.annotations?.[MIRROR_ANNOTATION] === undefined ? referencesOf(pod) : referencesOf({ metadata: {}, spec: { containers: [] } });
}

export function referencesOf(pod: DeepReadonly<Pod>): References {
  const found = { secrets: new Set<string>(), configmaps: new Set<string>(), persistentvolumeclaims: new Set<string>(), serviceaccounts: new Set<string>(), resourceclaims: new Set<string>() };
  if (!pod.spec) return found;
  const add = (kind: ReferenceKind, name: string | undefined): void => {
    if (name) found[kind].add(name);
  };
  const { spec, status } = pod;
  add('serviceaccounts', spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name);
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) environment(container, add);
  for (const volume of spec.volumes ?? []) {
    add('secrets', volume.secret?.secretName);
    add('configmaps', volume.configMap?.name);
    add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral) add('persistentvolumeclaims', `${pod.metadata.name}-${volume.name}`);
    for (const source of volume.projected?.sources ?? []) {
      add('secrets', source.secret?.name);
      add('configmaps', source.configMap?.name);
    }
    add('secrets', volume.azureFile?.secretName);
    for (const driver of [volume.cephfs, volume.cinder, volume.flexVolume, volume.rbd, volume.scaleIO, volume.iscsi, volume.storageos]) add('secrets', driver?.secretRef?.name);
    add('secrets', volume.csi?.nodePublishSecretRef?.name);
  }
  for (const claim of spec.resourceClaims ?? []) {
    add('resourceclaims', claim.resourceClaimName ?? status?.resourceClaimStatuses?.find(({ name }) => name === claim.name)?.resourceClaimName);
  }
  add('resourceclaims', status?.extendedResourceClaimStatus?.resourceClaimName);
  return found;
}

function environment(container: DeepReadonly<Pick<Container, 'env' | 'envFrom'>>, add: (kind: ReferenceKind, name: string | undefined) => void): void {
  for (const { valueFrom } of container.env ?? []) {
    add('secrets', valueFrom?.secretKeyRef?.name);
    add('configmaps', valueFrom?.configMapKeyRef?.name);
  }
  for (const source of container.envFrom ?? []) {
    add('secrets', source.secretRef?.name);
    add('configmaps', source.configMapRef?.name);
  }
}

/** The secrets, as `namespace/name`, with which a bound volume is mounted. */
export function volumeSecrets(volume: DeepReadonly<PersistentVolume>): string[] {
  const { spec } = volume;
  const claimed = spec?.claimRef?.namespace ?? '';
  const { azureFile, csi, ...drivers } = spec ?? {};
  const secrets = [drivers.cephfs, drivers.cinder, drivers.flexVolume, drivers.rbd, drivers.scaleIO, drivers.iscsi].map((driver) => driver?.secretRef);
  secrets.push(csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef);
  if (azureFile) secrets.push({ name: azureFile.secretName, namespace: azureFile.secretNamespace ?? claimed });
  return secrets.flatMap((secret) => (secret?.name ? [`${secret.namespace || claimed}/${secret.name}`] : []));
}
