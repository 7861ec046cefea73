/** Whether a policy or a binding speaks of a request. Provenance: admission/plugin/policy/matching of apiserver v0.36. */
import type { Kind } from '../../../api/kind.ts';
import type { MatchResources, NamedRuleWithOperations } from '../../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { Reader } from '../../auth/reader.ts';
import type { AdmissionRequest } from '../admission.ts';
import { matchesRule } from '../matching/rules.ts';
import { compileSelectors, matchesNamespace, matchesObject, type Selectors } from '../matching/selectors.ts';
import { equivalentTargets, targetOf, type Target } from '../matching/subject.ts';

type Rules = readonly DeepReadonly<NamedRuleWithOperations>[];

/** Compiled MatchResources. */
export interface Match {
  readonly rules: Rules;
  readonly excluded: Rules;
  readonly exact: boolean;
  readonly selectors: Selectors;
}

export function compileMatch(match: DeepReadonly<MatchResources>): Match {
  return {
    rules: match.resourceRules ?? [], excluded: match.excludeResourceRules ?? [], exact: match.matchPolicy !== 'Equivalent', selectors: compileSelectors(match),
  };
}

export interface MatchContext {
  readonly request: AdmissionRequest;
  readonly reader: Reader;
  /** All that is served. */
  readonly kinds: () => readonly Kind[];
}

/** What of the resource's names it speaks of. Throws what keeps the question from being answered. */
export async function matchTarget({ rules, excluded, exact, selectors }: Match, { request, reader, kinds }: MatchContext): Promise<Target | undefined> {
  if (!matchesObject(selectors.object, request)) return undefined;
  const others = (): readonly Target[] => (exact ? [] : equivalentTargets(kinds, request));
  const target = rules.length === 0 ? targetOf(request) : targetBy(rules, request, others);
  if (!target || targetBy(excluded, request, others)) return undefined;
  return (await matchesNamespace(selectors.namespace, request, reader)) ? target : undefined;
}

function targetBy(rules: Rules, request: AdmissionRequest, others: () => readonly Target[]): Target | undefined {
  if (rules.length === 0) return undefined;
  const asked = targetOf(request);
  const speaks = (rule: Rules[number], { resource }: Target): boolean =>
    (rule.resourceNames === undefined || rule.resourceNames.length === 0 || rule.resourceNames.includes(request.name)) && matchesRule(rule, request, resource);
  if (rules.some((rule) => speaks(rule, asked))) return asked;
  const equivalents = others();
  for (const rule of rules) {
    const found = equivalents.find((one) => speaks(rule, one));
    if (found) return found;
  }
  return undefined;
}
