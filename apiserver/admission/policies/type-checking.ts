/** What a policy's expressions get wrong about the types that the policy speaks of: warnings, told in its status. Provenance: validating/typechecking.go of apiserver v0.36. */
import type { CelType } from '../../../api/cel/cel.ts';
import { compile } from '../../../api/cel/compile.ts';
import { environmentOf, Variables } from '../../../api/kinds/admissionregistration/expressions.ts';
import type { Kind } from '../../../api/kind.ts';
import type { ExpressionWarning, Rule, ValidatingAdmissionPolicy } from '../../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { GroupVersionKind } from '../matching/subject.ts';
import { declaredType } from './declared-type.ts';

/** Of one rule. */
const TYPES_LIMIT = 10;

type Policy = DeepReadonly<ValidatingAdmissionPolicy>;

export function checkTypes(policy: Policy, kinds: readonly Kind[]): ExpressionWarning[] {
  const checker = new Checker(policy, kinds);
  return (policy.spec?.validations ?? []).flatMap(({ expression, messageExpression }, at) => [
    ...checker.check(expression, `spec.validations[${at}].expression`),
    ...(messageExpression ? checker.check(messageExpression, `spec.validations[${at}].messageExpression`) : []),
  ]);
}

interface Checked {
  readonly kind: GroupVersionKind;
  readonly type: CelType;
}

class Checker {
  readonly #policy: Policy;
  readonly #types: readonly Checked[];
  readonly #params: CelType | undefined;

  constructor(policy: Policy, kinds: readonly Kind[]) {
    const { matchConstraints, paramKind } = policy.spec ?? {};
    this.#policy = policy;
    this.#types = kindsOf(matchConstraints?.resourceRules ?? [], kinds).flatMap((kind) => {
      const type = typeOf(kinds, kind);
      return type ? [{ kind, type }] : [];
    });
    const [version = '', group = ''] = (paramKind?.apiVersion ?? '').split('/').reverse();
    this.#params = paramKind && (typeOf(kinds, { group, version, kind: paramKind.kind ?? '' }) ?? { kind: 'dyn' });
  }

  check(expression: string, fieldRef: string): ExpressionWarning[] {
    const problems = this.#types.flatMap(({ kind, type }) => {
      const problem = this.#problem(expression, type);
      const { group, version } = kind;
      return problem === undefined ? [] : [`${group}/${version}, Kind=${kind.kind}: ${problem}\n`];
    });
    return problems.length === 0 ? [] : [{ fieldRef, warning: problems.join('\n') }];
  }

  #problem(expression: string, object: CelType): string | undefined {
    const variables = new Variables();
    const { variables: declared } = environmentOf({ params: this.#params !== undefined, authorizer: true, variables });
    const { 'authorizer.requestResource': _, ...types } = declared;
    const environment = { variables: { ...types, object, oldObject: object, ...(this.#params && { params: this.#params }) } };
    for (const { name, expression: text } of this.#policy.spec?.variables ?? []) {
      const compiled = compile(text, environment);
      variables.add(name, 'program' in compiled ? compiled.program : undefined);
    }
    const compiled = compile(expression, environment);
    return 'errors' in compiled ? compiled.errors.join('\n') : undefined;
  }
}

/** The kinds of all resources that rules name without a wildcard. */
function kindsOf(rules: readonly DeepReadonly<Rule>[], kinds: readonly Kind[]): GroupVersionKind[] {
  const found = new Map<string, GroupVersionKind>();
  for (const rule of rules) {
    let count = 0;
    for (const one of named(rule, kinds)) {
      found.set(`${one.group}/${one.version}/${one.kind}`, one);
      if (++count === TYPES_LIMIT) return sorted(found);
    }
  }
  return sorted(found);
}

function* named({ apiGroups = [], apiVersions = [], resources = [] }: DeepReadonly<Rule>, kinds: readonly Kind[]): Generator<GroupVersionKind> {
  if (apiGroups.some((group) => group.includes('*')) || apiVersions.some((version) => version.includes('*'))) return;
  const plain = resources.filter((resource) => !/[*/]/.test(resource)).toSorted();
  for (const group of apiGroups.toSorted()) {
    for (const version of apiVersions.toSorted()) {
      for (const resource of plain) {
        const row = kinds.find((kind) => kind.group === group && kind.plural === resource && kind.versions.some((one) => one.version === version));
        if (row) yield { group, version, kind: row.kind };
      }
    }
  }
}

function sorted(found: ReadonlyMap<string, GroupVersionKind>): GroupVersionKind[] {
  return [...found.values()].sort((a, b) => compare(a.group, b.group) || compare(a.version, b.version) || compare(a.kind, b.kind));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function typeOf(kinds: readonly Kind[], { group, version, kind }: GroupVersionKind): CelType | undefined {
  const row = kinds.find((one) => one.group === group && one.kind === kind);
  const schema = row?.versions.find((one) => one.version === version)?.schema;
  return schema && declaredType(schema);
}
