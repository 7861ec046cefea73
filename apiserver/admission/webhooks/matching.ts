/** Whether a webhook is called for a request, and about which of the resource's names. Provenance: admission/plugin/webhook/generic of apiserver v0.36. */
import type { Kind } from '../../../api/kind.ts';
import { forbidden } from '../../../api/status.ts';
import type { Reader } from '../../auth/reader.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { ConditionMatcher } from '../matching/conditions.ts';
import { matchesRule } from '../matching/rules.ts';
import { matchesNamespace, matchesObject } from '../matching/selectors.ts';
import { equivalentTargets, targetOf, type Target } from '../matching/subject.ts';
import type { VersionedObjects } from '../matching/versioned.ts';
import type { Hook } from './hooks.ts';

export interface MatchDependencies {
  readonly reader: Reader;
  /** All that is served. */
  readonly kinds: () => readonly Kind[];
  readonly conditions: ConditionMatcher;
}

/** Undefined: it is not called. Throws what keeps the question from being answered. */
export async function matchHook(hook: Hook, request: AdmissionRequest, objects: VersionedObjects, dependencies: MatchDependencies): Promise<Target | undefined> {
  const target = targetFor(hook, request, dependencies.kinds);
  if (!target || !matchesObject(hook.selectors.object, request)) return undefined;
  if (!(await matchesNamespace(hook.selectors.namespace, request, dependencies.reader))) return undefined;
  await objects.prepare(target.kind);
  if (hook.matchConditions.length === 0) return target;
  const { conditions } = dependencies;
  const matched = await conditions.match(hook.matchConditions, { request, target, versioned: objects.get(target.kind), ignoresFailure: hook.ignoresFailure });
  if ('problem' in matched) throw forbidden({ group: request.kind.group, resource: request.kind.plural, name: request.name }, matched.problem);
  return matched.matches ? target : undefined;
}

function targetFor({ rules, exact }: Hook, request: AdmissionRequest, kinds: () => readonly Kind[]): Target | undefined {
  const asked = targetOf(request);
  if (rules.some((rule) => matchesRule(rule, request, asked.resource))) return asked;
  if (exact) return undefined;
  const others = equivalentTargets(kinds, request);
  for (const rule of rules) {
    const found = others.find(({ resource }) => matchesRule(rule, request, resource));
    if (found) return found;
  }
  return undefined;
}
