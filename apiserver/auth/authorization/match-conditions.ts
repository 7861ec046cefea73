/** Conditions in the expression language on which an authorization webhook is asked at all. Provenance: pkg/authorization/cel of apiserver v0.36. */
import type { CelObject, CelProgram, CelType } from '../../../api/cel/cel.ts';
import { CALL_LIMIT, compile } from '../../../api/cel/compile.ts';

const text: CelType = { kind: 'string' };
const texts: CelType = { kind: 'list', of: text };

function object(name: string, fields: Readonly<Record<string, CelType>>): CelObject {
  return { kind: 'object', name, field: (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined) };
}

const requirement = object('kubernetes.SelectorRequirement', { key: text, operator: text, values: texts });
const selector = object('kubernetes.SelectorAttributes', { rawSelector: text, requirements: { kind: 'list', of: requirement } });
const REQUEST = object('kubernetes.SubjectAccessReviewSpec', {
  resourceAttributes: object('kubernetes.ResourceAttributes', {
    namespace: text, verb: text, group: text, version: text, resource: text, subresource: text, name: text, fieldSelector: selector, labelSelector: selector,
  }),
  nonResourceAttributes: object('kubernetes.NonResourceAttributes', { path: text, verb: text }),
  user: text, groups: texts, uid: text, extra: { kind: 'map', of: texts },
});

export type MatchConditions = readonly CelProgram[];

/** Throws nothing: what is wrong is told by the field's path. */
export function compileMatchConditions(expressions: readonly string[], path: string, problems: string[]): MatchConditions {
  const programs: CelProgram[] = [];
  expressions.forEach((expression, at) => {
    const here = `${path}.matchConditions[${at}].expression`;
    if (expression.trim() === '') return void problems.push(`${here}: Required value`);
    if (expressions.indexOf(expression) < at) return void problems.push(`${here}: Duplicate value: ${JSON.stringify(expression)}`);
    const made = compile(expression, { variables: { request: REQUEST }, result: { kind: 'bool' } });
    if ('program' in made) programs.push(made.program);
    else problems.push(`${here}: Invalid value: ${JSON.stringify(expression)}: ${made.stage === 'result' ? 'must evaluate to bool' : `compilation failed: ${made.errors.join('\n')}`}`);
  });
  return programs;
}

/** False as soon as one says no, whatever becomes of the others; throws when one fails and none says no. */
export function matches(conditions: MatchConditions, spec: Readonly<Record<string, unknown>>): boolean {
  if (conditions.length === 0) return true;
  const request = complete(spec);
  const errors: string[] = [];
  for (const program of conditions) {
    try {
      if (program.evaluate({ request }, { left: CALL_LIMIT }) !== true) return false;
    } catch (error) {
      errors.push((error as Error).message);
    }
  }
  if (errors.length > 0) throw new Error(errors.join(', '));
  return true;
}

/** Fields that are not pointers upstream are always there. */
function complete(spec: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { resourceAttributes, nonResourceAttributes, ...who } = spec;
  const empty = { namespace: '', verb: '', group: '', version: '', resource: '', subresource: '', name: '' };
  return {
    user: '', groups: [], uid: '', extra: {}, ...who,
    ...(resourceAttributes !== undefined && { resourceAttributes: { ...empty, ...(resourceAttributes as object) } }),
    ...(nonResourceAttributes !== undefined && { nonResourceAttributes }),
  };
}
