/** Workloads other than Deployments: one pod for each node, each in its turn, and none for what is over. */
import type { Raw } from '../picture.ts';
import { Held, hasCondition, isDeleting, keyOf, type Rule, type Scene, type Write } from './rule.ts';

interface Set {
  readonly key: string;
  readonly kind: string;
  readonly isOrdered: boolean;
  readonly parallelism: number;
}

interface One {
  readonly name: string;
  readonly owner: string;
  /** Of a DaemonSet: for which it is meant. */
  readonly node: string | undefined;
}

export function workloadRule(scene: Scene): Rule {
  const sets = new Map<string, Set>();
  /** Pods that have neither ended nor been told to. */
  const pods = new Map<string, One>();
  const held = new Held();

  const setSet = ({ now, before }: Write): void => {
    const raw = (now ?? before) as Raw;
    const { uid } = raw.metadata;
    const { podManagementPolicy = 'OrderedReady', parallelism = 1 } = (raw.spec ?? {}) as { podManagementPolicy?: string; parallelism?: number };
    if (now) sets.set(uid, { key: keyOf(raw), kind: raw.kind, isOrdered: raw.kind === 'StatefulSet' && podManagementPolicy === 'OrderedReady', parallelism });
    else sets.delete(uid);
    held.set(`${uid} is over`, now !== undefined && (hasCondition(now, 'Complete') || hasCondition(now, 'Failed')), scene.monotonic());
  };

  const made = (pod: Raw, one: One): void => {
    const at = scene.monotonic();
    const set = sets.get(one.owner);
    if (!set || scene.isRelaxed()) return;
    const text = `${set.kind} ${set.key} made ${one.name}`;
    const known = [...pods].filter(([uid, other]) => uid !== pod.metadata.uid && other.owner === one.owner && held.isKnown(`${uid} lives`, at));
    if (set.kind === 'Job' && held.isKnown(`${one.owner} is over`, at)) scene.say(`${text} though it is over`);
    if (set.kind === 'Job' && known.length >= set.parallelism) scene.say(`${text} beside ${known.length} others, at most ${set.parallelism} may be at work`);
    const rival = set.kind === 'DaemonSet' && known.find(([, other]) => other.node === one.node);
    if (rival) scene.say(`${text} for ${one.node}, where ${rival[1].name} is`);
    if (!set.isOrdered) return;
    const [, stem = '', ordinal = '0'] = /^(.*-)(\d+)$/.exec(one.name) ?? [];
    for (let i = 0; i < Number(ordinal); i++) {
      const earlier = `${one.owner} ${stem}${i}`;
      const everReady = held.has(`${earlier} ready`) || held.has(`${earlier} not ready`);
      if (!everReady || held.isKnown(`${earlier} not ready`, at)) scene.say(`${text} before ${stem}${i} was ready`);
    }
  };

  const podSet = ({ now, before }: Write): void => {
    const raw = (now ?? before) as Raw;
    const owner = raw.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    const set = owner === undefined ? undefined : sets.get(owner);
    if (!set || owner === undefined) return;
    const { uid, name } = raw.metadata;
    const phase = now?.status?.['phase'];
    const lives = now !== undefined && !isDeleting(now) && phase !== 'Succeeded' && phase !== 'Failed';
    const one: One = { name, owner, node: meantFor(raw) };
    if (lives && !before) made(raw, one);
    if (lives) pods.set(uid, one);
    else pods.delete(uid);
    held.set(`${uid} lives`, lives, scene.monotonic());
    if (!set.isOrdered) return;
    const isReady = now !== undefined && hasCondition(now, 'Ready');
    held.set(`${owner} ${name} ready`, isReady, scene.monotonic());
    held.set(`${owner} ${name} not ready`, !isReady, scene.monotonic());
  };

  return {
    changed(write) {
      const { kind } = (write.now ?? write.before) as Raw;
      if (kind === 'Pod') podSet(write);
      if (kind === 'Job' || kind === 'DaemonSet' || kind === 'StatefulSet') setSet(write);
    },
  };
}

function meantFor({ spec }: Raw): string | undefined {
  const { nodeAffinity } = ((spec?.['affinity'] ?? {}) as { nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: readonly { matchFields?: readonly { values: readonly string[] }[] }[] } } });
  return nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values[0];
}
