/** Whether a policy or a binding speaks of a request. Provenance: admission/plugin/policy/matching of apiserver v0.36. */
import type { MatchResources, NamedRuleWithOperations } from '../../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { Reader } from '../../auth/reader.ts';
import type { AdmissionRequest } from '../admission.ts';
import { matchesRule } from '../matching/rules.ts';
import { compileSelectors, matchesNamespace, matchesObject, type Selectors } from '../matching/selectors.ts';
import type { RequestTargets, Target } from '../matching/subject.ts';

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

/** By rules and labels of the object, which is most of it: what of the resource's names it speaks of. */
export function targetBy({ rules, excluded, exact, selectors }: Match, targets: RequestTargets): Target | undefined {
  const target = rules.length === 0 ? targets.asked : named(rules, exact, targets);
  if (!target || (excluded.length > 0 && named(excluded, exact, targets))) return undefined;
  return matchesObject(selectors.object, targets.request) ? target : undefined;
}

/** The rest of the question. Throws what keeps it from being answered. */
export function inNamespace({ selectors }: Match, request: AdmissionRequest, reader: Reader): boolean | Promise<boolean> {
  return matchesNamespace(selectors.namespace, request, reader);
}

function named(rules: Rules, exact: boolean, targets: RequestTargets): Target | undefined {
  const { request, asked } = targets;
  const speaks = (rule: Rules[number], { resource }: Target): boolean =>
    (rule.resourceNames === undefined || rule.resourceNames.length === 0 || rule.resourceNames.includes(request.name)) && matchesRule(rule, request, resource);
  if (rules.some((rule) => speaks(rule, asked))) return asked;
  if (exact) return undefined;
  const { others } = targets;
  for (const rule of rules) {
    const found = others.find((one) => speaks(rule, one));
    if (found) return found;
  }
  return undefined;
}
