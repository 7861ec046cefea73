/** Volumes: bound once and to one claim, never taken away in use, on the right node, and kept or not as a StatefulSet says. */
import { Recent, type Raw } from '../picture.ts';
import { Held, isDeleting, keyOf, type Rule, type Scene, type Write } from './rule.ts';

interface ClaimSpec {
  readonly volumeName?: string;
  readonly accessModes?: readonly string[];
  readonly storageClassName?: string;
}

interface VolumeSpec {
  readonly claimRef?: { readonly uid?: string };
  readonly nodeAffinity?: { readonly required?: { readonly nodeSelectorTerms: readonly { readonly matchExpressions?: readonly { readonly values?: readonly string[] }[] }[] } };
}

interface Use {
  readonly pod: string;
  readonly at: number;
  readonly isPlaced: boolean;
}

interface Keeping {
  readonly whenDeleted: string;
  readonly whenScaled: string;
  readonly replicas: Recent;
  isGoing: boolean;
}

/** From a smaller size on, a pod may take a while to go, and its claim goes with it though the size is larger again. */
const CONDEMNED_MS = 180_000;

/** Classes that wait for a pod have this word in their name. */
export const WAITING = 'waiting';

export function claimsOf({ metadata, spec }: Raw): string[] {
  const volumes = (spec?.['volumes'] as readonly { readonly persistentVolumeClaim?: { readonly claimName: string } }[] | undefined) ?? [];
  return volumes.flatMap(({ persistentVolumeClaim: claim }) => (claim ? [`${metadata.namespace}/${claim.claimName}`] : []));
}

/** Undefined: any. */
export function nodesOfVolume(volume: Raw): readonly string[] | undefined {
  return (volume.spec as VolumeSpec).nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values;
}

export function volumeRule(scene: Scene): Rule {
  const claims = new Map<string, Raw>();
  const volumes = new Map<string, Raw>();
  /** By claim and the uid of the pod. */
  const uses = new Map<string, Map<string, Use>>();
  const everUsed = new Set<string>();
  const deletedAt = new Map<string, number>();
  const held = new Held();
  const retention = retentionRule(scene);

  const specOf = (claim: Raw): ClaimSpec => (claim.spec ?? {}) as ClaimSpec;

  const podSet = ({ now, before }: Write): void => {
    const pod = (now ?? before) as Raw;
    const over = !now || now.status?.['phase'] === 'Succeeded' || now.status?.['phase'] === 'Failed';
    const node = pod.spec?.['nodeName'] as string | undefined;
    for (const key of claimsOf(pod)) {
      const mine = uses.get(key) ?? new Map<string, Use>();
      uses.set(key, mine);
      everUsed.add(key);
      const known = mine.get(pod.metadata.uid);
      if (over) mine.delete(pod.metadata.uid);
      else if (!known || known.isPlaced !== (node !== undefined)) mine.set(pod.metadata.uid, { pod: pod.metadata.name, at: scene.monotonic(), isPlaced: node !== undefined });
      if (now && node !== undefined && before?.spec?.['nodeName'] === undefined) placed(pod, node, key, mine);
    }
  };

  const placed = (pod: Raw, node: string, key: string, mine: ReadonlyMap<string, Use>): void => {
    const claim = claims.get(key);
    const text = `pod ${keyOf(pod)} was put on ${node}`;
    if (!claim) return;
    if (held.isKnown(`${claim.metadata.uid} goes`, scene.monotonic())) scene.say(`${text}, though its claim ${key} was being deleted`);
    const volume = volumes.get(specOf(claim).volumeName ?? '');
    if (!volume) return scene.say(`${text} before its claim ${key} was bound`);
    const nodes = nodesOfVolume(volume);
    if (nodes && !nodes.includes(node)) scene.say(`${text}, though its volume is on ${nodes.join()}`);
    const other = [...mine].find(([uid, use]) => uid !== pod.metadata.uid && use.isPlaced);
    if (other && specOf(claim).accessModes?.includes('ReadWriteOncePod')) scene.say(`${text}, though ${other[1].pod} has ${key} for itself`);
  };

  const claimSet = ({ now, before }: Write): void => {
    const claim = (now ?? before) as Raw;
    const key = keyOf(claim);
    const { uid } = claim.metadata;
    if (before && !isDeleting(before) && (!now || isDeleting(now))) retention.claimGoes(claim);
    held.set(`${uid} goes`, now !== undefined && isDeleting(now), scene.monotonic());
    if (now && isDeleting(now) && !deletedAt.has(uid)) deletedAt.set(uid, scene.monotonic());
    if (!now) return claimGone(claim, key);
    claims.set(key, now);
    const [was, is] = [before && specOf(before).volumeName, specOf(now).volumeName];
    if (was && was !== is) scene.say(`claim ${key} went from volume ${was} to ${is}`);
    if (!is || is === was) return;
    const rival = [...claims.values()].find((other) => other.metadata.uid !== uid && specOf(other).volumeName === is);
    if (rival) scene.say(`volume ${is} was given to ${key}, though ${keyOf(rival)} has it`);
    if ((volumes.get(is)?.spec as VolumeSpec | undefined)?.claimRef?.uid !== uid) scene.say(`claim ${key} was bound to volume ${is}, which is not meant for it`);
    if (specOf(now).storageClassName?.includes(WAITING) && !everUsed.has(key)) scene.say(`claim ${key} was bound before any pod wanted it`);
  };

  const claimGone = (claim: Raw, key: string): void => {
    claims.delete(key);
    everUsed.delete(key);
    const since = deletedAt.get(claim.metadata.uid) ?? scene.monotonic();
    for (const { pod, at, isPlaced } of uses.get(key)?.values() ?? []) if (isPlaced && at < since) scene.say(`claim ${key} went while ${pod} was using it`);
  };

  const volumeSet = ({ now, before }: Write): void => {
    const { name } = ((now ?? before) as Raw).metadata;
    if (now) volumes.set(name, now);
    else volumes.delete(name);
    const of = (raw: Raw | undefined): string | undefined => (raw?.spec as VolumeSpec | undefined)?.claimRef?.uid;
    if (now && of(before) && of(now) !== of(before)) scene.say(`volume ${name} went from one claim to another`);
    const owner = now ? undefined : [...claims.values()].find((claim) => specOf(claim).volumeName === name && claim.metadata.uid === of(before));
    if (owner) scene.say(`volume ${name} went while claim ${keyOf(owner)} had it`);
  };

  return {
    changed(write) {
      retention.changed(write);
      switch ((write.now ?? write.before)?.kind) {
        case 'Pod':
          return podSet(write);
        case 'PersistentVolumeClaim':
          return claimSet(write);
        case 'PersistentVolume':
          return volumeSet(write);
      }
    },
  };
}

/** Claims of StatefulSets go only as persistentVolumeClaimRetentionPolicy says. Users leave them alone. */
function retentionRule(scene: Scene): Rule & { claimGoes(claim: Raw): void } {
  const sets = new Map<string, Keeping>();
  const leaving = new Set<string>();

  const setSet = ({ now, before }: Write): void => {
    const raw = (now ?? before) as Raw;
    const { replicas = 1, persistentVolumeClaimRetentionPolicy: policy } = raw.spec as { replicas?: number; persistentVolumeClaimRetentionPolicy?: { whenDeleted?: string; whenScaled?: string } };
    const known = sets.get(keyOf(raw)) ?? { whenDeleted: policy?.whenDeleted ?? 'Retain', whenScaled: policy?.whenScaled ?? 'Retain', replicas: new Recent(replicas, CONDEMNED_MS), isGoing: false };
    sets.set(keyOf(raw), known);
    known.replicas.set(replicas, scene.monotonic());
    known.isGoing = !now || isDeleting(now);
  };

  return {
    changed(write) {
      const raw = (write.now ?? write.before) as Raw;
      if (raw.kind === 'StatefulSet') setSet(write);
      if (raw.kind !== 'Namespace') return;
      if (write.now && isDeleting(write.now)) leaving.add(raw.metadata.name);
      else leaving.delete(raw.metadata.name);
    },
    claimGoes(claim) {
      const { namespace = '', name, labels } = claim.metadata;
      const set = sets.get(`${namespace}/${labels?.['app']}`);
      if (!set || leaving.has(namespace)) return;
      const isScaledAway = Number(/-(\d+)$/.exec(name)?.[1]) >= set.replicas.min(scene.monotonic());
      if (set.isGoing && set.whenDeleted === 'Delete') return;
      if (isScaledAway && set.whenScaled === 'Delete') return;
      scene.say(`claim ${namespace}/${name} is deleted, though its StatefulSet keeps it`);
    },
  };
}
