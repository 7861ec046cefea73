/** Terms of affinity between pods, compiled: whom they select, and in which domain of the topology that counts. */
import { type Selector, compileLabelSelector, formatSelector, matchesLabels } from '../api/selectors.ts';
import type { Affinity as AffinitySpec, PodAffinityTerm } from '../api/types/core.v1.ts';
import type { LabelSelector } from '../api/types/meta.v1.ts';
import type { DeepReadonly } from '../std/deep.ts';

export type Labels = Readonly<Record<string, string>>;

/** What pods must have in common to be counted alike. */
export interface PodKind {
  readonly namespace: string;
  readonly labels: Labels;
  readonly terminating: boolean;
}

/** Pods to be counted. Equal signatures select the same pods. */
export interface Selection {
  readonly signature: string;
  /** Whom it selects changes with the labels of namespaces. */
  readonly looksAtNamespaces: boolean;
  /** All that it selects are in this namespace and have this label. */
  readonly within?: Within | undefined;
  matches(pod: PodKind, namespaceLabels: (namespace: string) => Labels): boolean;
}

export interface Within {
  readonly namespace: string;
  readonly key: string;
  readonly value: string;
}

export interface Term extends Selection {
  readonly topologyKey: string;
}

/** A negative weight keeps away. */
export interface WeightedTerm {
  readonly term: Term;
  readonly weight: number;
}

export interface Affinity {
  readonly required: readonly Term[];
  readonly anti: readonly Term[];
  readonly preferred: readonly WeightedTerm[];
}

export const NO_AFFINITY: Affinity = { required: [], anti: [], preferred: [] };

export function affinityOf(affinity: DeepReadonly<AffinitySpec>, namespace: string): Affinity {
  const { podAffinity, podAntiAffinity } = affinity;
  const compile = (term: DeepReadonly<PodAffinityTerm>): Term => termOf(term, namespace);
  return {
    required: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compile),
    anti: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compile),
    preferred: [
      ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm, weight }) => ({ term: compile(podAffinityTerm), weight })),
      ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm, weight }) => ({ term: compile(podAffinityTerm), weight: -weight })),
    ],
  };
}

/** Pods that all of the terms select. */
export function allOf(terms: readonly Term[]): Selection {
  const [only] = terms;
  if (only && terms.length === 1) return only;
  return {
    signature: `all of ${terms.map(({ signature }) => signature).join(' and ')}`,
    looksAtNamespaces: terms.some(({ looksAtNamespaces }) => looksAtNamespaces),
    within: terms.find(({ within }) => within)?.within,
    matches: (pod, namespaceLabels) => terms.every((term) => term.matches(pod, namespaceLabels)),
  };
}

/** Without namespaces and namespace selector a term means the pod's own namespace; an empty namespace selector means all. */
function termOf(term: DeepReadonly<PodAffinityTerm>, namespace: string): Term {
  const selector = compiled(term.labelSelector);
  const names = term.namespaces?.length ? term.namespaces : term.namespaceSelector ? [] : [namespace];
  const namespaces = new Set(names);
  const of = term.namespaceSelector ? compiled(term.namespaceSelector) : undefined;
  const where = [[...names].sort().join(','), of ? `{${formatSelector(of)}}` : ''].join(';');
  return {
    topologyKey: term.topologyKey,
    looksAtNamespaces: of !== undefined && of.requirements.length > 0,
    within: of || names.length !== 1 ? undefined : withinOf(names[0] as string, selector),
    signature: `${term.topologyKey}|${where}|${textOf(selector)}`,
    matches(pod, namespaceLabels) {
      if (!namespaces.has(pod.namespace) && !(of && matchesLabels(of, namespaceLabels(pod.namespace)))) return false;
      return matchesLabels(selector, pod.labels);
    },
  };
}

export function withinOf(namespace: string, { requirements }: Selector): Within | undefined {
  const one = requirements.find(({ operator, values }) => ['=', '==', 'in'].includes(operator) && values.length === 1);
  return one && { namespace, key: one.key, value: one.values[0] as string };
}

export function textOf(selector: Selector): string {
  return selector.nothing ? '(nothing)' : formatSelector(selector);
}

export function compiled(selector: DeepReadonly<LabelSelector> | undefined): Selector {
  return compileLabelSelector(selector as LabelSelector | undefined);
}
