/** Gives claims that waited for their first pod the volumes that were chosen for them, and waits until they are bound. */
import { persistentvolumeclaims, persistentvolumes } from '../api/resources.ts';
import type { Client } from '../client/client.ts';
import { type Clock, sleep } from '../std/clock.ts';
import { SELECTED_NODE, type VolumePlan, type Volumes, isBound } from './volumes.ts';

export interface BindVolumesTools {
  readonly client: Client;
  readonly clock: Clock;
  readonly volumes: Volumes;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

const POLL_MS = 1_000;
const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';

/** Throws where a write is refused, a claim goes away or the time is up. */
export async function bindVolumes({ client, clock, volumes, signal, timeoutMs }: BindVolumesTools, { matched, provisioned }: VolumePlan, node: string): Promise<void> {
  for (const { claim, volume } of matched) {
    if (volume.spec?.claimRef?.uid === claim.metadata.uid) continue;
    const { namespace, name, uid, resourceVersion } = claim.metadata;
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion };
    const metadata = { ...volume.metadata, annotations: { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' } };
    await client.update(persistentvolumes, { ...volume, metadata, spec: { ...volume.spec, claimRef } });
  }
  for (const { metadata } of provisioned) {
    if (metadata.annotations?.[SELECTED_NODE] === node) continue;
    const body = { metadata: { uid: metadata.uid, annotations: { [SELECTED_NODE]: node } } };
    await client.patch(persistentvolumeclaims, metadata, { type: 'application/merge-patch+json', body });
  }
  const claims = [...matched.map(({ claim }) => claim), ...provisioned];
  for (const end = clock.now() + timeoutMs; ; await sleep(clock, POLL_MS, signal)) {
    const current = claims.map(({ metadata }) => volumes.claim(metadata));
    const gone = claims.find(({ metadata }, i) => current[i]?.metadata.uid !== metadata.uid);
    if (gone) throw new Error(`binding volumes: persistentvolumeclaim "${gone.metadata.name}" not found`);
    if (current.every((claim) => claim && isBound(claim))) return;
    if (signal.aborted || clock.now() >= end) throw new Error('binding volumes: context deadline exceeded');
  }
}
