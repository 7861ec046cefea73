/** Where a pod must not be put beside others: required affinity and anti-affinity, and spread that binds. */
import type { Raw } from './picture.ts';

interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
}

interface Term {
  readonly topologyKey: string;
  readonly labelSelector: Selector;
}

interface Spread extends Term {
  readonly maxSkew: number;
  readonly whenUnsatisfiable: string;
}

interface Terms {
  readonly near: readonly Term[];
  readonly apart: readonly Term[];
  readonly spread: readonly Spread[];
}

export interface Placed {
  readonly pod: Raw;
  readonly node: string;
}

export interface Neighbours {
  /** Who was there for certain, as others count it. */
  readonly sure: readonly Placed[];
  /** And who may have been taken to be there, also while he goes. */
  readonly present: readonly Placed[];
  /** Of them, who may have been taken to stay. */
  readonly maybe: readonly Placed[];
  /** Of those whom `sure` names, who do not go: others are not counted when pods are spread. */
  readonly staying: readonly Placed[];
  readonly nodes: readonly Raw[];
}

const NONE: readonly never[] = [];

export function termsOf({ spec }: Raw): Terms {
  type Required = { readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly Term[] };
  const { affinity, topologySpreadConstraints = NONE } = (spec ?? {}) as { affinity?: { podAffinity?: Required; podAntiAffinity?: Required }; topologySpreadConstraints?: readonly Spread[] };
  return {
    near: affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? NONE,
    apart: affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? NONE,
    spread: topologySpreadConstraints.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule'),
  };
}

/** What is broken when this pod is put there; undefined: nothing. */
export function brokenTerm(pod: Raw, node: string, { sure, present, maybe, staying, nodes }: Neighbours): string | undefined {
  const labels = new Map(nodes.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  const domain = (key: string, name: string): string | undefined => labels.get(name)?.[key];
  const isOther = (one: Placed): boolean => one.pod.metadata.uid !== pod.metadata.uid;
  const together = (key: string) => (one: Placed): boolean => isOther(one) && domain(key, one.node) !== undefined && domain(key, one.node) === domain(key, node);
  const { near, apart, spread } = termsOf(pod);
  for (const term of apart) {
    const rival = sure.filter(together(term.topologyKey)).find((one) => matches(term, pod, one.pod));
    if (rival) return `it is to be apart from ${rival.pod.metadata.name} on ${rival.node}`;
  }
  for (const one of sure) {
    const term = termsOf(one.pod).apart.find((theirs) => together(theirs.topologyKey)(one) && matches(theirs, one.pod, pod));
    if (term) return `${one.pod.metadata.name} on ${one.node} is to be apart from it`;
  }
  for (const term of near) {
    if (present.filter(together(term.topologyKey)).some((one) => matches(term, pod, one.pod))) continue;
    // Of those who are to be together, one is the first.
    const isFirst = matches(term, pod, pod) && !sure.some((one) => isOther(one) && matches(term, pod, one.pod));
    if (!isFirst) return `it is to be near ${JSON.stringify(term.labelSelector.matchLabels)}, of which there is none there`;
  }
  for (const term of spread) {
    const { topologyKey: key, maxSkew } = term;
    const count = (all: readonly Placed[], of: string | undefined): number => all.filter((one) => isOther(one) && domain(key, one.node) === of && matches(term, pod, one.pod)).length;
    const domains = new Set(nodes.map(({ metadata }) => domain(key, metadata.name)).filter((one) => one !== undefined));
    const least = Math.min(...[...domains].map((one) => count(maybe, one)));
    const most = count(staying, domain(key, node)) + (matches(term, pod, pod) ? 1 : 0);
    if (most - least > maxSkew) return `by ${key}, there are ${most} with it and ${least} elsewhere, at most ${maxSkew} more are allowed`;
  }
  return undefined;
}

/** Terms name no namespaces: their own is meant. */
function matches({ labelSelector: { matchLabels } }: Term, of: Raw, { metadata }: Raw): boolean {
  return metadata.namespace === of.metadata.namespace && Object.entries(matchLabels).every(([name, value]) => metadata.labels?.[name] === value);
}
