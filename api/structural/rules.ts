/** The rules of one schema, `x-kubernetes-validations`, compiled. Provenance: apiextensions-apiserver pkg/apiserver/schema/cel/compilation.go of v0.36. */
import type { CelCompilation, CelProgram, CelType } from '../cel/cel.ts';
import { compile } from '../cel/compile.ts';
import { Path } from '../field-error.ts';
import type { ValidationRule } from '../types/apiextensions.v1.ts';
import { declaredType, REQUEST_LIMIT_BYTES } from './cel-type.ts';
import type { JsonSchema } from './json-schema.ts';
import { fieldAtPath } from './selectable-path.ts';

export interface Rule {
  readonly definition: ValidationRule;
  /** Absent: the rule is empty, or does not compile. */
  readonly program?: CelProgram;
  readonly problem?: string;
  readonly message?: CelProgram;
  readonly messageProblem?: string;
  readonly usesOldSelf: boolean;
  /** Where errors are told, below the value: '' is the value itself. */
  readonly place: string;
}

export interface Rules {
  readonly rules: readonly Rule[];
  /** How many values that the schema applies to one request can hold. */
  readonly cardinality: number;
}

const compiled = new WeakMap<JsonSchema, Map<boolean, Rules>>();

/** Undefined: expressions can say nothing about such values. `isResource`: the value is an object with kind and metadata. */
export function compileRules(schema: JsonSchema, isResource: boolean): Rules | undefined {
  const known = compiled.get(schema) ?? new Map<boolean, Rules>();
  const found = known.get(isResource);
  if (found) return found;
  const declared = declaredType(schema, isResource);
  if (!declared) return undefined;
  const rules = (schema['x-kubernetes-validations'] ?? []).map((rule) => compileRule(rule, schema, declared.type));
  const made: Rules = { rules, cardinality: Math.floor(REQUEST_LIMIT_BYTES / (declared.least + 1)) };
  compiled.set(schema, known.set(isResource, made));
  return made;
}

function compileRule(definition: ValidationRule, schema: JsonSchema, self: CelType): Rule {
  const { rule = '', messageExpression = '', fieldPath = '', optionalOldSelf = false } = definition;
  const none = { definition, usesOldSelf: false, place: '' };
  if (rule.trim() === '') return none;
  const variables = { self, oldSelf: optionalOldSelf ? ({ kind: 'optional', of: self } as const) : self };
  const made = compile(rule, { variables, result: { kind: 'bool' } });
  if ('errors' in made) return { ...none, problem: problemOf(made, 'compilation failed: ', 'cel expression must evaluate to a bool') };
  // What only might be a bool is none.
  if (made.program.type.kind !== 'bool') return { ...none, problem: 'cel expression must evaluate to a bool' };
  const base = { definition, program: made.program, usesOldSelf: made.program.uses('oldSelf'), place: placeOf(fieldPath, schema) };
  if (messageExpression === '') return base;
  const message = compile(messageExpression, { variables, result: { kind: 'string' } });
  if ('errors' in message) return { ...base, messageProblem: problemOf(message, 'messageExpression compilation failed: ', 'messageExpression must evaluate to a string').replace(/^program i/, 'messageExpression i') };
  return message.program.type.kind === 'string' ? { ...base, message: message.program } : { ...base, messageProblem: 'messageExpression must evaluate to a string' };
}

function problemOf({ errors, stage }: Extract<CelCompilation, { readonly errors: readonly string[] }>, prefix: string, wrongType: string): string {
  return stage === 'result' ? wrongType : stage === 'check' ? prefix + errors.join('\n') : errors.join('\n');
}

function placeOf(fieldPath: string, schema: JsonSchema): string {
  if (fieldPath === '') return '';
  try {
    return fieldAtPath(fieldPath, schema).path.text;
  } catch {
    return Path.of().text;
  }
}
