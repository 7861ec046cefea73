/** Taints that drive pods off: only pods that do not bear them, and not before their time. */
import type { Raw } from '../picture.ts';
import { Held, UNHEARD_MS, keyOf, type Rule, type Scene } from './rule.ts';

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

interface Seen extends Taint {
  readonly since: number;
  until: number;
}

export function taintRule(scene: Scene): Rule {
  /** NoExecute taints of each node since it last had none, those that have gone included: a time that was set is not set anew while others remain, as upstream. */
  const taints = new Map<string, Seen[]>();
  const held = new Held();

  const stillKnown = (name: string, at: number): Seen[] => {
    const known = taints.get(name) ?? [];
    return known.some(({ until }) => until + UNHEARD_MS >= at) ? known : [];
  };

  const nodeSet = (name: string, now: Raw | undefined): void => {
    const at = scene.monotonic();
    const wanted = ((now?.spec?.['taints'] as readonly Taint[] | undefined) ?? []).filter(({ effect }) => effect === 'NoExecute');
    const same = (a: Taint, b: Taint): boolean => a.key === b.key && a.value === b.value;
    const known = stillKnown(name, at);
    for (const one of known) if (one.until === Infinity && !wanted.some((taint) => same(taint, one))) one.until = at;
    const fresh = wanted.filter((taint) => !known.some((one) => one.until === Infinity && same(taint, one)));
    taints.set(name, [...known, ...fresh.map((taint) => ({ ...taint, since: at, until: Infinity }))]);
  };

  const driven = (pod: Raw): void => {
    const at = scene.monotonic();
    const { nodeName = '', tolerations = [] } = pod.spec as { nodeName?: string; tolerations?: readonly Toleration[] };
    const recent = stillKnown(nodeName, at);
    const since = held.since(`${pod.metadata.uid} on ${nodeName}`) ?? at;
    const isDue = (taint: Seen): boolean => {
      const seconds = bearsFor(tolerations, taint);
      return seconds === 0 || at - Math.max(taint.since, since) >= seconds * 1000 - 1000 || (seconds !== Infinity && scene.steadyMs() < seconds * 1000 + UNHEARD_MS);
    };
    if (!recent.some(isDue)) scene.say(`pod ${keyOf(pod)} was driven off ${nodeName}, which had ${recent.map(({ key, since: from }) => `${key} for ${at - from} ms, borne for ${bearsFor(tolerations, { key, effect: 'NoExecute' })} s`).join(' and ') || 'no such taint'}`);
  };

  return {
    changed({ now, before }) {
      const raw = (now ?? before) as Raw;
      if (raw.kind === 'Node') nodeSet(raw.metadata.name, now);
      if (raw.kind !== 'Pod') return;
      const node = raw.spec?.['nodeName'] as string | undefined;
      if (node !== undefined) held.set(`${raw.metadata.uid} on ${node}`, now !== undefined, scene.monotonic());
      if (now && isDriven(now) && before && !isDriven(before)) driven(now);
    },
  };
}

function isDriven({ status }: Raw): boolean {
  const conditions = (status?.['conditions'] as readonly { readonly type: string; readonly reason?: string }[] | undefined) ?? [];
  return conditions.some(({ type, reason }) => type === 'DisruptionTarget' && reason === 'DeletionByTaintManager');
}

/** Seconds; Infinity: for ever. */
function bearsFor(tolerations: readonly Toleration[], taint: Taint): number {
  const fitting = tolerations.filter(({ key, operator = 'Equal', value = '', effect }) => (key === undefined || key === taint.key) && (effect === undefined || effect === taint.effect) && (operator === 'Exists' || value === (taint.value ?? '')));
  if (fitting.length === 0) return 0;
  return Math.min(...fitting.map(({ tolerationSeconds = Infinity }) => Math.max(0, tolerationSeconds)));
}
