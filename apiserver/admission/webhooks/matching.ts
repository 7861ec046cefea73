/** Whether a webhook is called for a request, and about which of the resource's names. Provenance: admission/plugin/webhook/generic of apiserver v0.36. */
import type { Kind } from '../../../api/kind.ts';
import { forbidden } from '../../../api/status.ts';
import type { Reader } from '../../auth/reader.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { ConditionMatcher } from '../matching/conditions.ts';
import { matchesRule } from '../matching/rules.ts';
import { matchesNamespace, matchesObject } from '../matching/selectors.ts';
import type { RequestTargets, Target } from '../matching/subject.ts';
import type { VersionedObjects } from '../matching/versioned.ts';
import type { DynamicSeries, WebhookStage } from '../series.ts';
import type { Hook } from './hooks.ts';

export interface MatchDependencies {
  readonly reader: Reader;
  /** All that is served. */
  readonly kinds: () => readonly Kind[];
  readonly conditions: ConditionMatcher;
}

/** By rules alone: most webhooks have nothing to do with most requests. */
export function targetBy({ rules, exact }: Hook, targets: RequestTargets): Target | undefined {
  const { asked, request } = targets;
  if (rules.some((rule) => matchesRule(rule, request, asked.resource))) return asked;
  if (exact) return undefined;
  for (const rule of rules) {
    const found = targets.others.find(({ resource }) => matchesRule(rule, request, resource));
    if (found) return found;
  }
  return undefined;
}

/** Whether a webhook is called whose rules speak of the request. Throws what keeps the question from being answered. */
export async function isCalled(hook: Hook, target: Target, request: AdmissionRequest, { objects, reader, conditions, series, stage }: MatchContext): Promise<boolean> {
  if (!matchesObject(hook.selectors.object, request) || !(await matchesNamespace(hook.selectors.namespace, request, reader))) return false;
  await objects.prepare(target.kind);
  if (hook.matchConditions.length === 0) return true;
  const beganMs = series.now();
  const matched = await conditions.match(hook.matchConditions, { request, target, versioned: objects.get(target.kind), ignoresFailure: hook.ignoresFailure });
  series.conditions(hook.name, stage, request.operation, { beganMs, outcome: 'problem' in matched ? 'failed' : matched.matches ? 'matched' : 'excluded' });
  if ('problem' in matched) throw forbidden({ group: request.kind.group, resource: request.kind.plural, name: request.name }, matched.problem);
  return matched.matches;
}

export type MatchContext = Pick<MatchDependencies, 'reader' | 'conditions'> & { readonly objects: VersionedObjects; readonly series: DynamicSeries; readonly stage: WebhookStage };
