/** Required affinity, anti-affinity and hard spread hold at the moment of each binding, by what the scheduler could have heard. */
import type { Raw } from '../picture.ts';
import { brokenTerm, type Placed } from '../terms.ts';
import { UNHEARD_MS, isDeleting, keyOf, type Rule, type Scene, type Write } from './rule.ts';

interface One {
  pod: Raw;
  readonly key: string;
  node: string | undefined;
  placedAt: number;
  /** Marked, or ended. */
  leavesAt: number;
  overAt: number;
}

interface Placement {
  readonly one: One;
  readonly node: string;
  readonly at: number;
}

export function termRule(scene: Scene): Rule {
  const pods = new Map<string, One>();
  const nodes = new Map<string, { readonly raw: Raw; readonly since: number }>();
  /** Judged when it is known who else was under way. */
  let open: Placement[] = [];
  /** Until then a pod may be taken to be where it is not. */
  let unsureUntil = -Infinity;

  const judge = ({ one, node, at }: Placement): void => {
    const all = [...pods.values()];
    const asPlaced = (those: readonly One[]): Placed[] => those.map((other) => ({ pod: other.pod, node: other.node as string }));
    const present = all.filter((other) => other.placedAt <= at + UNHEARD_MS && other.overAt > at - UNHEARD_MS);
    const sure = all.filter((other) => other.placedAt < at && other.overAt > at);
    const broken = brokenTerm(one.pod, node, {
      sure: asPlaced(sure),
      staying: asPlaced(sure.filter(({ leavesAt }) => leavesAt > at)),
      present: asPlaced(present),
      maybe: asPlaced(present.filter(({ leavesAt }) => leavesAt > at - UNHEARD_MS)),
      nodes: [...nodes.values()].filter(({ raw, since }) => raw.metadata.name === node || at - since > UNHEARD_MS).map(({ raw }) => raw),
    });
    if (broken !== undefined) scene.say(`pod ${one.key} was put on ${node} ${scene.monotonic() - at} ms ago, though ${broken}`);
  };

  const settle = (at: number): void => {
    if (scene.isRelaxed() || unsureUntil > at) open = [];
    const due = open.filter((placement) => at - placement.at > UNHEARD_MS);
    if (due.length === 0) return;
    open = open.filter((placement) => !due.includes(placement));
    for (const placement of due) judge(placement);
    for (const [uid, { overAt }] of pods) if (at - overAt > 3 * UNHEARD_MS) pods.delete(uid);
  };

  const podSet = ({ now, before }: Write): void => {
    const at = scene.monotonic();
    const raw = (now ?? before) as Raw;
    const one = pods.get(raw.metadata.uid) ?? { pod: raw, key: keyOf(raw), node: undefined, placedAt: Infinity, leavesAt: Infinity, overAt: Infinity };
    pods.set(raw.metadata.uid, one);
    one.pod = raw;
    const phase = now?.status?.['phase'];
    const isOver = !now || phase === 'Succeeded' || phase === 'Failed';
    if (isOver) one.overAt = Math.min(one.overAt, at);
    if (isOver || isDeleting(raw)) one.leavesAt = Math.min(one.leavesAt, at);
    const node = raw.spec?.['nodeName'] as string | undefined;
    if (node === undefined || one.node !== undefined) return;
    one.node = node;
    one.placedAt = at;
    // Who is made with a node is not placed by the scheduler.
    if (before) open.push({ one, node, at });
  };

  return {
    unsure({ resource, subresource }) {
      if (resource === 'pods' && subresource === 'binding') unsureUntil = scene.monotonic() + UNSURE_MS;
    },
    changed(write) {
      const raw = (write.now ?? write.before) as Raw;
      const at = scene.monotonic();
      settle(at);
      if (raw.kind === 'Pod') podSet(write);
      if (raw.kind !== 'Node') return;
      const known = nodes.get(raw.metadata.name);
      if (write.now) nodes.set(raw.metadata.name, { raw: write.now, since: known?.since ?? at });
      else nodes.delete(raw.metadata.name);
    },
  };
}

/** Its call may still be under way, and is undone some time after. */
const UNSURE_MS = 2 * UNHEARD_MS;
