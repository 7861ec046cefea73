/** Gives claims that waited for their first pod the volumes that were chosen for them, and waits until they are bound. */
import { persistentvolumeclaims, persistentvolumes } from '../api/resources.ts';
import { reaches } from '../client/cache.ts';
import type { Client } from '../client/client.ts';
import { type Clock, sleep } from '../std/clock.ts';
import type { NodeFacts } from './node-facts.ts';
import { type Claim, SELECTED_NODE, type VolumePlan, type Volumes, isBound, isReachable } from './volumes.ts';

export interface BindVolumesTools {
  readonly client: Client;
  readonly clock: Clock;
  readonly volumes: Pick<Volumes, 'claim' | 'volume'>;
  /** As they are now. */
  readonly podIsThere: () => boolean;
  readonly factsOf: (node: string) => NodeFacts | undefined;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

const POLL_MS = 1_000;
const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';

/** Throws where a write is refused, something goes away, a volume cannot be had on the node, or the time is up. */
export async function bindVolumes(tools: BindVolumesTools, plan: VolumePlan, node: string): Promise<void> {
  const { clock, signal, timeoutMs } = tools;
  const written = await write(tools.client, plan, node);
  for (const end = clock.now() + timeoutMs; ; await sleep(clock, POLL_MS, signal)) {
    if (areBound(tools, plan, written, node)) return;
    if (signal.aborted || clock.now() >= end) throw new Error('binding volumes: context deadline exceeded');
  }
}

/** Claims that are to be provisioned, as they were written. */
async function write(client: Client, { matched, provisioned }: VolumePlan, node: string): Promise<Claim[]> {
  for (const { claim, volume } of matched) {
    if (volume.spec?.claimRef?.uid === claim.metadata.uid) continue;
    const { namespace, name, uid, resourceVersion } = claim.metadata;
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion };
    const metadata = { ...volume.metadata, annotations: { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' } };
    await client.update(persistentvolumes, { ...volume, metadata, spec: { ...volume.spec, claimRef } });
  }
  const written: Claim[] = [];
  for (const claim of provisioned) {
    const { metadata } = claim;
    const body = { metadata: { uid: metadata.uid, annotations: { [SELECTED_NODE]: node } } };
    written.push(metadata.annotations?.[SELECTED_NODE] === node ? claim : await client.patch(persistentvolumeclaims, metadata, { type: 'application/merge-patch+json', body }));
  }
  return written;
}

function areBound({ volumes, podIsThere, factsOf }: BindVolumesTools, { matched }: VolumePlan, provisioned: readonly Claim[], node: string): boolean {
  const facts = factsOf(node);
  if (!facts) throw new Error(`binding volumes: failed to get node ${JSON.stringify(node)}: node ${JSON.stringify(node)} not found`);
  if (!podIsThere()) throw new Error('binding volumes: pod does not exist any more');
  const current = (claim: Claim): Claim => {
    const known = volumes.claim(claim.metadata);
    if (known?.metadata.uid !== claim.metadata.uid) throw new Error(`binding volumes: persistentvolumeclaim "${claim.metadata.name}" not found`);
    return known;
  };
  let all = true;
  for (const { claim } of matched) all = isBound(current(claim)) && all;
  for (const claim of provisioned) {
    const known = current(claim);
    const { name, annotations, resourceVersion } = known.metadata;
    // What was written may not be seen on the watch yet.
    if (!reaches(resourceVersion, claim.metadata.resourceVersion)) return false;
    // A provisioner that cannot provide on the node takes the node's name away.
    if (annotations?.[SELECTED_NODE] !== node) throw new Error(`binding volumes: ${annotations ? 'provisioning failed' : 'selectedNode annotation reset'} for PVC ${JSON.stringify(name)}`);
    const volume = known.spec?.volumeName ? volumes.volume(known.spec.volumeName) : undefined;
    if (volume && !isReachable(volume, facts)) throw new Error(`binding volumes: pv ${JSON.stringify(volume.metadata.name)} node affinity doesn't match node ${JSON.stringify(node)}: no matching NodeSelectorTerms`);
    all &&= volume !== undefined && isBound(known);
  }
  return all;
}
