/** Workloads other than Deployments: one pod for each node, each in its turn, and none for what is over. */
import { Recent, share, type Raw } from '../picture.ts';
import { Held, UNHEARD_MS, hasCondition, isDeleting, keyOf, type Rule, type Scene, type Write } from './rule.ts';

interface Set {
  readonly key: string;
  readonly kind: string;
  readonly isOrdered: boolean;
  readonly parallelism: number;
  /** Of a DaemonSet: nodes that may have an old and a new pod. */
  readonly surge: Recent;
  /** Of a StatefulSet: lower ordinals stay as they are. */
  readonly partition: Recent;
  /** What pods below the partition are made of, and those above. */
  readonly current: Revision;
  readonly update: Revision;
}

const REVISION = 'controller-revision-hash';

/** One that others may not have heard of yet. */
class Revision {
  readonly #since = new Map<string, number>();
  #now: string | undefined;

  set(now: string | undefined, at: number): void {
    if (now === this.#now) return;
    if (this.#now !== undefined) this.#since.set(this.#now, at);
    this.#now = now;
  }

  /** Also where none was told of. */
  mayBe(hash: string | undefined, at: number): boolean {
    return this.#now === undefined || hash === this.#now || at - (this.#since.get(hash ?? '') ?? -Infinity) <= UNHEARD_MS;
  }
}

interface One {
  readonly name: string;
  readonly owner: string;
  /** Of a DaemonSet: for which it is meant. */
  readonly node: string | undefined;
  readonly revision: string | undefined;
  /** Of a DaemonSet: the one whose place it takes was ready. Others are replaced as soon as may be. */
  isSurge: boolean;
}

export function workloadRule(scene: Scene): Rule {
  const sets = new Map<string, Set>();
  /** Pods that have neither ended nor been told to. */
  const pods = new Map<string, One>();
  const held = new Held();
  /** By set. */
  const newest = new Map<string, number>();
  /** Until then a pod may stand that nobody was told of. */
  let unsureUntil = -Infinity;
  let nodeCount = 0;

  const setSet = ({ now, before }: Write): void => {
    const raw = (now ?? before) as Raw;
    const { uid } = raw.metadata;
    const { podManagementPolicy = 'OrderedReady', parallelism = 1, updateStrategy } = (raw.spec ?? {}) as { podManagementPolicy?: string; parallelism?: number; updateStrategy?: { rollingUpdate?: { maxSurge?: unknown; partition?: number } } };
    const { maxSurge = 0, partition = 0 } = updateStrategy?.rollingUpdate ?? {};
    const at = scene.monotonic();
    const fresh = sets.get(uid) ?? { surge: new Recent(0, UNHEARD_MS), partition: new Recent(partition, UNHEARD_MS), current: new Revision(), update: new Revision() };
    fresh.surge.set(share(maxSurge, nodeCount, 'up'), at);
    fresh.partition.set(partition, at);
    fresh.current.set(raw.status?.['currentRevision'] as string | undefined, at);
    if (now) sets.set(uid, { ...fresh, key: keyOf(raw), kind: raw.kind, isOrdered: raw.kind === 'StatefulSet' && podManagementPolicy === 'OrderedReady', parallelism });
    else sets.delete(uid);
    held.set(`${uid} is over`, now !== undefined && (hasCondition(now, 'Complete') || hasCondition(now, 'Failed')), scene.monotonic());
  };

  /** The newest revision is what pods are to become, from when it stands on. */
  const revised = (raw: Raw): void => {
    const owner = raw.metadata.ownerReferences?.find(({ controller }) => controller)?.uid ?? '';
    const { revision } = raw as unknown as { readonly revision: number };
    if (revision < (newest.get(owner) ?? 0)) return;
    newest.set(owner, revision);
    sets.get(owner)?.update.set(raw.metadata.name, scene.monotonic());
  };

  const made = (pod: Raw, one: One): void => {
    const at = scene.monotonic();
    const set = sets.get(one.owner);
    if (!set || scene.isRelaxed()) return;
    const text = `${set.kind} ${set.key} made ${one.name}`;
    const known = [...pods].filter(([uid, other]) => uid !== pod.metadata.uid && other.owner === one.owner && held.isKnown(`${uid} lives`, at));
    if (set.kind === 'Job' && held.isKnown(`${one.owner} is over`, at)) scene.say(`${text} though it is over`);
    if (set.kind === 'Job' && known.length >= set.parallelism) scene.say(`${text} beside ${known.length} others, at most ${set.parallelism} may be at work`);
    if (set.kind === 'DaemonSet') {
      one.isSurge = known.some(([uid, { node }]) => node === one.node && held.isKnown(`${uid} ready`, at));
      beside({ text, one, set, known: known.map(([, other]) => other), all: [...pods.values()].filter(({ owner }) => owner === one.owner) });
    }
    if (set.kind === 'StatefulSet') parted(text, one, set);
    if (!set.isOrdered) return;
    const [, stem = '', ordinal = '0'] = /^(.*-)(\d+)$/.exec(one.name) ?? [];
    for (let i = 0; i < Number(ordinal); i++) {
      const earlier = `${one.owner} ${stem}${i}`;
      const everReady = held.has(`${earlier} ready`) || held.has(`${earlier} not ready`);
      if (!everReady || held.isKnown(`${earlier} not ready`, at)) scene.say(`${text} before ${stem}${i} was ready`);
    }
  };

  /** Others are where the new pod is to be only while it takes their place, on as many nodes as that may happen at a time. */
  const beside = ({ text, one, set: { surge }, known, all }: { readonly text: string; readonly one: One; readonly set: Set; readonly known: readonly One[]; readonly all: readonly One[] }): void => {
    const rivals = known.filter(({ node }) => node === one.node);
    const most = surge.max(scene.monotonic());
    const equal = rivals.find(({ revision }) => most === 0 || revision === one.revision);
    if (equal) scene.say(`${text} for ${one.node}, where ${equal.name} is`);
    if (unsureUntil > scene.monotonic()) return;
    const nodes = all.map(({ node }) => node);
    const surging = all.filter(({ isSurge, node }, i) => isSurge && node !== one.node && nodes.indexOf(node) < i);
    const doubles = surging.length + (one.isSurge ? 1 : 0);
    if (rivals.length > 1 || (one.isSurge && doubles > most)) scene.say(`${text} for ${one.node}, where ${rivals.map(({ name }) => name).join()} is, and there are doubles on ${doubles} nodes of ${most}`);
  };

  const parted = (text: string, { name, revision }: One, { partition, current, update }: Set): void => {
    const at = scene.monotonic();
    const ordinal = Number(/\d+$/.exec(name)?.[0]);
    if (ordinal < partition.min(at) && !current.mayBe(revision, at)) scene.say(`${text} below its partition of what is new`);
    if (ordinal >= partition.max(at) && !update.mayBe(revision, at)) scene.say(`${text} beyond its partition of what is old`);
  };

  const podSet = ({ now, before }: Write): void => {
    const raw = (now ?? before) as Raw;
    const owner = raw.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    const set = owner === undefined ? undefined : sets.get(owner);
    if (!set || owner === undefined) return;
    const { uid, name } = raw.metadata;
    const phase = now?.status?.['phase'];
    const lives = now !== undefined && !isDeleting(now) && phase !== 'Succeeded' && phase !== 'Failed';
    const one: One = { name, owner, node: meantFor(raw), revision: raw.metadata.labels?.[REVISION], isSurge: pods.get(uid)?.isSurge ?? false };
    if (lives && !before) made(raw, one);
    if (lives) pods.set(uid, one);
    else pods.delete(uid);
    held.set(`${uid} lives`, lives, scene.monotonic());
    const isReady = now !== undefined && hasCondition(now, 'Ready');
    held.set(`${uid} ready`, isReady, scene.monotonic());
    if (!set.isOrdered) return;
    held.set(`${owner} ${name} ready`, isReady, scene.monotonic());
    held.set(`${owner} ${name} not ready`, !isReady, scene.monotonic());
  };

  return {
    unsure({ resource, verb }) {
      if (resource === 'pods' && verb === 'create') unsureUntil = scene.monotonic() + UNHEARD_MS;
    },
    changed(write) {
      const { kind } = (write.now ?? write.before) as Raw;
      if (kind === 'Node') nodeCount += (write.now ? 1 : 0) - (write.before ? 1 : 0);
      if (kind === 'ControllerRevision' && write.now) revised(write.now);
      if (kind === 'Pod') podSet(write);
      if (kind === 'Job' || kind === 'DaemonSet' || kind === 'StatefulSet') setSet(write);
    },
  };
}

function meantFor({ spec }: Raw): string | undefined {
  const { nodeAffinity } = ((spec?.['affinity'] ?? {}) as { nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: readonly { matchFields?: readonly { values: readonly string[] }[] }[] } } });
  return nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values[0];
}
