/** Preemption: only for somebody more important, only where there is no room, gently, and what was cleared is kept for whom it was cleared. */
import { NODE_ROOM, Recent, demandOf, type Raw } from '../picture.ts';
import { Held, UNHEARD_MS, hasCondition, isDeleting, keyOf, type Rule, type Scene, type Write } from './rule.ts';

interface One {
  readonly uid: string;
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly polite: boolean;
  readonly milliCpu: number;
  /** Claims may hold it up for long after its node was chosen. */
  readonly waits: boolean;
  readonly since: number;
  node: string | undefined;
  nominated: string | undefined;
  boundAt: number;
  /** Not to be scheduled any more since then. */
  settledAt: number;
  /** Until then somebody may believe that it is bound to some node. */
  unsureUntil: number;
}

interface Budget {
  readonly namespace: string;
  readonly app: string;
}

interface Load {
  readonly milliCpu: Recent;
  readonly count: Recent;
}

/** It was given room that `first` had been promised. */
interface Suspect {
  readonly one: One;
  readonly node: string;
  readonly first: readonly One[];
  readonly at: number;
}

export function preemptionRule(scene: Scene): Rule {
  /** All but those that have ended; who was placed or went a moment ago may still be what others decide by. */
  const pods = new Map<string, One>();
  const budgets = new Map<string, Budget>();
  /** By node, and for those whom it may ask to leave: by node and priority. */
  const loads = new Map<string, Load>();
  const held = new Held();
  const nodes = new Set<string>();
  /** In the order of their times. */
  const suspects: Suspect[] = [];

  const onNode = (node: string): One[] => [...pods.values()].filter((one) => one.node === node);
  const isGuarded = ({ namespace, labels }: One): boolean => [...budgets.values()].some((budget) => budget.namespace === namespace && budget.app === labels['app']);
  const pending = (): One[] => [...pods.values()].filter((one) => one.node === undefined && one.settledAt === Infinity);

  const note = (name: string, those: readonly One[]): void => {
    const at = scene.monotonic();
    const load = loads.get(name) ?? { milliCpu: new Recent(0, UNHEARD_MS), count: new Recent(0, UNHEARD_MS) };
    loads.set(name, load);
    load.milliCpu.set(those.reduce((sum, { milliCpu }) => sum + milliCpu, 0), at);
    load.count.set(those.length, at);
  };

  const recount = (node: string): void => {
    const there = onNode(node);
    note(node, there);
    for (const priority of PRIORITIES) note(`${node} below ${priority}`, there.filter((one) => one.priority >= priority || isGuarded(one)));
  };

  /** Whether there was room for it all the time that somebody may not have heard of, beside all who may have been promised some. */
  const hasRoom = (one: One, node: string, load: string): boolean => {
    const at = scene.monotonic();
    if (!held.isKnown(`${node} is open`, at)) return false;
    const promised = pending().filter((other) => other !== one && (other.nominated === node || other.waits || other.unsureUntil > at));
    const { milliCpu, count } = loads.get(load) ?? { milliCpu: new Recent(0, 0), count: new Recent(0, 0) };
    return milliCpu.max(at) + one.milliCpu + promised.reduce((sum, other) => sum + other.milliCpu, 0) <= NODE_ROOM.milliCpu && count.max(at) + 1 + promised.length <= NODE_ROOM.pods;
  };

  const preempted = (victim: One): void => {
    const at = scene.monotonic();
    const text = `pod ${victim.key} was preempted on ${victim.node}`;
    const takers = [...pods.values()].filter((one) => one.priority > victim.priority && !one.polite && at - Math.min(one.settledAt, one.boundAt) <= UNHEARD_MS);
    if (takers.length === 0) return scene.say(`${text} for nobody more important`);
    if (takers.some(({ waits, since }) => waits || at - since <= UNHEARD_MS)) return;
    const open = [...nodes];
    if (takers.every((one) => open.some((node) => hasRoom(one, node, node)))) return scene.say(`${text} though there was room elsewhere`);
    const isTight = isGuarded(victim) && held.isKnown(`${victim.namespace}/${victim.labels['app']} is tight`, at);
    const gentler = (one: One): boolean => PRIORITIES.includes(one.priority) && open.some((node) => node !== victim.node && hasRoom(one, node, `${node} below ${one.priority}`));
    if (isTight && takers.every(gentler)) scene.say(`${text} against its budget, though others could have gone`);
  };

  const bound = (one: One, node: string): void => {
    const at = scene.monotonic();
    const first = pending().filter((other) => other.nominated === node && other.priority > one.priority && !other.waits && other.unsureUntil <= at && held.isKnown(`${other.uid} to ${node}`, at));
    if (first.length === 0) return;
    const most = Math.max(...first.map(({ priority }) => priority));
    // Who is more important than all of them may have come in between.
    const there = onNode(node).filter((other) => other === one || at - other.boundAt > UNHEARD_MS || other.priority <= most);
    const milliCpu = [...there, ...first].reduce((sum, other) => sum + other.milliCpu, 0);
    if (milliCpu > NODE_ROOM.milliCpu || there.length + first.length > NODE_ROOM.pods) suspects.push({ one, node, first, at });
  };

  /** Who was promised the room may have been promised other room in the same moment: which of both is written first is nobody's matter. */
  const judge = (): void => {
    while (suspects[0] && suspects[0].at < scene.monotonic()) {
      const { one, node, first } = suspects.shift() as Suspect;
      const robbed = first.filter(({ nominated }) => nominated === node);
      if (robbed.length > 0) scene.say(`pod ${one.key} was given the room on ${node} that was cleared for ${robbed.map(({ key }) => key).join()}`);
    }
  };

  const podSet = ({ now, before }: Write): void => {
    const at = scene.monotonic();
    const raw = (now ?? before) as Raw;
    const spec = raw.spec as { nodeName?: string; priority?: number; preemptionPolicy?: string; volumes?: readonly { persistentVolumeClaim?: object }[] };
    const known = pods.get(raw.metadata.uid);
    const phase = now?.status?.['phase'];
    const over = !now || phase === 'Succeeded' || phase === 'Failed';
    const one = known ?? {
      uid: raw.metadata.uid, key: keyOf(raw), namespace: raw.metadata.namespace ?? '', labels: raw.metadata.labels ?? {}, priority: spec.priority ?? 0, polite: spec.preemptionPolicy === 'Never',
      milliCpu: demandOf(raw).milliCpu, waits: spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim) ?? false, since: at, node: undefined, nominated: undefined, boundAt: Infinity, settledAt: Infinity, unsureUntil: -Infinity,
    };
    pods.set(one.uid, one);
    const nominated = over || isDeleting(raw) ? undefined : (now.status?.['nominatedNodeName'] as string | undefined) || undefined;
    for (const node of one.nominated === nominated ? [] : nodes) held.set(`${one.uid} to ${node}`, nominated === node, at);
    one.nominated = nominated;
    if (now && before && isPreempted(now) && !isPreempted(before)) preempted(one);
    if ((over || isDeleting(raw)) && one.settledAt === Infinity) one.settledAt = at;
    const node = over ? undefined : spec.nodeName;
    if (node === one.node) return;
    const from = one.node;
    one.node = node;
    if (from !== undefined) recount(from);
    if (node === undefined) return;
    one.boundAt = at;
    recount(node);
    bound(one, node);
  };

  const budgetSet = ({ now, before }: Write): void => {
    const raw = (now ?? before) as Raw;
    const app = (raw.spec?.['selector'] as { matchLabels?: Readonly<Record<string, string>> } | undefined)?.matchLabels?.['app'] ?? '';
    const namespace = raw.metadata.namespace ?? '';
    const isNew = budgets.has(raw.metadata.uid) !== (now !== undefined);
    if (now) budgets.set(raw.metadata.uid, { namespace, app });
    else budgets.delete(raw.metadata.uid);
    held.set(`${namespace}/${app} is tight`, now?.status !== undefined && Number(now.status['disruptionsAllowed'] ?? 0) <= 0, scene.monotonic());
    if (isNew) for (const node of nodes) recount(node);
  };

  return {
    unsure({ resource, subresource, namespace, name }) {
      if (resource !== 'pods' || subresource !== 'binding') return;
      for (const one of pods.values()) if (one.key === `${namespace}/${name}`) one.unsureUntil = scene.monotonic() + UNSURE_MS;
    },
    changed(write) {
      judge();
      const raw = (write.now ?? write.before) as Raw;
      if (raw.kind === 'Node') {
        const { taints = [], unschedulable = false } = (write.now?.spec ?? {}) as { taints?: readonly object[]; unschedulable?: boolean };
        if (write.now) nodes.add(raw.metadata.name);
        else nodes.delete(raw.metadata.name);
        held.set(`${raw.metadata.name} is open`, write.now !== undefined && taints.length === 0 && !unschedulable && hasCondition(write.now, 'Ready'), scene.monotonic());
      } else if (raw.kind === 'PodDisruptionBudget') budgetSet(write);
      else if (raw.kind === 'Pod') {
        podSet(write);
        forget(pods, scene.monotonic());
      }
    },
  };
}

/** Of those who preempt. */
export const PRIORITIES = [1000, 2000];
const MANY = 200;
/** It waits its turn before it is looked at again. */
const UNSURE_MS = 10_000 + UNHEARD_MS;

function forget(pods: Map<string, One>, at: number): void {
  if (pods.size <= MANY) return;
  for (const [uid, { settledAt, node }] of pods) if (node === undefined && at - settledAt > UNHEARD_MS) pods.delete(uid);
}

function isPreempted({ status }: Raw): boolean {
  const conditions = (status?.['conditions'] as readonly { readonly type: string; readonly reason?: string }[] | undefined) ?? [];
  return conditions.some(({ type, reason }) => type === 'DisruptionTarget' && reason === 'PreemptionByScheduler');
}
