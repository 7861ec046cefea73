/** Holds values to the rules of their schema. Provenance: apiextensions-apiserver pkg/apiserver/schema/cel/validation.go of v0.36. */
import { CelError, type CelBudget } from '../cel/cel.ts';
import { duplicate, forbiddenField, invalid, Path, required, type FieldError } from '../field-error.ts';
import type { ValidationRule } from '../types/apiextensions.v1.ts';
import { Correlation, oldItems } from './correlation.ts';
import { additionalOf, isObject, itemsOf, type Json, type JsonSchema, propertyOf, someSchema } from './json-schema.ts';
import { compileRules, type Rule } from './rules.ts';

/** What the rules of one object may cost together. */
export const OBJECT_BUDGET = 10_000_000;
/** Messages that are longer than this are not told. */
const MESSAGE_LIMIT_BYTES = 5_120;

export interface RuleCheck {
  readonly schema: JsonSchema;
  readonly value: unknown;
  /** Undefined: there was none. */
  readonly old?: unknown;
  /** What is wrong but was so before becomes a warning. */
  readonly ratchets: boolean;
  /** The value is an object with kind and metadata. */
  readonly isResource: boolean;
  readonly path: Path;
  readonly budget: CelBudget;
}

export interface RuleFindings {
  readonly errors: readonly FieldError[];
  readonly warnings: readonly string[];
}

const NOTHING: RuleFindings = { errors: [], warnings: [] };

export function checkRules(check: RuleCheck): RuleFindings {
  if (!hasRules(check.schema)) return NOTHING;
  const run = new Run(check.budget);
  const correlation = check.ratchets ? new Correlation(check.value, check.old, check.schema) : undefined;
  run.walk({ schema: check.schema, isResource: check.isResource, value: check.value, old: check.old, path: check.path, correlation, above: undefined });
  return { errors: run.errors.map((error) => (error.field === '' ? { ...error, field: ROOT } : error)), warnings: run.warnings };
}

/** How errors of the whole object are told. */
const ROOT = '<nil>';

const withRules = new WeakMap<JsonSchema, boolean>();

export function hasRules(schema: JsonSchema): boolean {
  let known = withRules.get(schema);
  if (known === undefined) withRules.set(schema, (known = someSchema(schema, (one) => (one['x-kubernetes-validations']?.length ?? 0) > 0)));
  return known;
}

interface Node {
  readonly schema: JsonSchema;
  readonly isResource: boolean;
  readonly value: unknown;
  readonly old: unknown;
  readonly path: Path;
  /** Undefined: nobody knows what the value was before. */
  readonly correlation: Correlation | undefined;
  /** Of the nearest value around it. */
  readonly above: Correlation | undefined;
}

class Run {
  readonly errors: FieldError[] = [];
  readonly warnings: string[] = [];
  readonly #budget: CelBudget;
  #over = false;

  constructor(budget: CelBudget) {
    this.#budget = budget;
  }

  walk(node: Node): void {
    const { schema, value, old } = node;
    if (value === null || value === undefined || this.#over || !hasRules(schema)) return;
    this.#check(node);
    if (Array.isArray(value)) {
      const items = itemsOf(schema);
      if (!items) return;
      const find = oldItems(schema, old);
      for (const [at, item] of value.entries()) this.#enter(node, { schema: items, value: item, old: find(item), path: node.path.index(at), correlation: node.correlation?.index(at) });
    } else if (isObject(value)) this.#walkObject(node, value);
  }

  #walkObject(node: Node, value: Json): void {
    const { schema } = node;
    const old = isObject(node.old) ? node.old : {};
    const additional = additionalOf(schema);
    for (const name of Object.keys(value)) {
      const property = propertyOf(schema, name);
      const inner = property ?? additional;
      if (!inner) continue;
      const before = Object.hasOwn(old, name) ? old[name] : undefined;
      const path = property ? node.path.child(name) : node.path.key(name);
      // Kind and version are never what they were: both are shown in the version that was asked for.
      const hidden = node.correlation !== undefined && node.above === undefined && (name === 'apiVersion' || name === 'kind');
      this.#enter(node, { schema: inner, value: value[name], old: before, path, correlation: hidden ? undefined : node.correlation?.key(name), ...(hidden && { above: undefined }) });
    }
  }

  #enter(parent: Node, child: Omit<Node, 'isResource' | 'above'> & { readonly above?: undefined }): void {
    const above = 'above' in child ? undefined : (parent.correlation ?? parent.above);
    this.walk({ ...child, isResource: child.schema['x-kubernetes-embedded-resource'] === true, above });
  }

  #check(node: Node): void {
    const { schema, isResource, path, value } = node;
    if ((schema['x-kubernetes-validations']?.length ?? 0) === 0) return;
    const rules = compileRules(schema, isResource);
    const type = schema.type ?? '';
    if (!rules) {
      this.errors.push(invalid(path, type, 'rule compiler initialization error: failed to convert to declType for CEL validation rules'));
      return;
    }
    if (this.#budget.left <= 0) return this.#end(invalid(path, type, OUT_OF_BUDGET));
    const old = node.old === null ? undefined : node.old;
    // Messages may speak of what was there before where one of the rules does.
    const bindings = rules.rules.some(({ usesOldSelf }) => usesOldSelf) ? { self: value, oldSelf: old } : { self: value };
    for (const rule of rules.rules) {
      if (rule.problem !== undefined) this.errors.push(invalid(path, type, `rule compile error: ${rule.problem}`));
      const { program } = rule;
      if (!program || (rule.usesOldSelf && old === undefined && !rule.definition.optionalOldSelf)) continue;
      try {
        if (program.evaluate(bindings, this.#budget) !== true) this.#fail(node, rule, bindings);
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        this.#failed(node, rule.definition, error);
      }
      if (this.#over) return;
    }
  }

  #end(error: FieldError): void {
    this.errors.push(error);
    this.#over = true;
    this.#budget.left = Math.min(this.#budget.left, -1);
  }

  /** A rule that could not be evaluated. */
  #failed({ path, schema }: Node, rule: ValidationRule, error: CelError): void {
    const type = schema.type ?? '';
    const said = ruleText(rule);
    if (this.#budget.left < 0) this.#end(invalid(path, type, OUT_OF_BUDGET));
    else if (error.exhausted) this.#end(invalid(path, type, `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${said}`));
    else if (error.message.startsWith('no such overload')) {
      this.errors.push(invalid(path, type, `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${said}`));
    } else this.errors.push(invalid(path, type, `${error.message} evaluating rule: ${said}`));
  }

  /** A rule that does not hold. */
  #fail(node: Node, rule: Rule, bindings: Readonly<Record<string, unknown>>): void {
    const { schema, value } = node;
    const { definition } = rule;
    const path = rule.place === '' ? node.path : rule.place.startsWith('[') ? Path.of(`${node.path.text}${rule.place}`) : node.path.child(rule.place);
    const message = rule.message && this.#message(node, rule, bindings, path);
    if (this.#over) return;
    const detail = message ?? (definition.message ? definition.message.trim() : `failed rule: ${ruleText(definition)}`);
    const omitted = schema.type === 'object' || schema.type === 'array';
    this.#tell(node, rule, errorOf(definition.reason, path, omitted ? OMITTED : value, detail));
  }

  #tell({ correlation, above }: Node, rule: Rule, error: FieldError): void {
    const same = correlation ? correlation.same : (above?.same ?? false);
    if (!rule.usesOldSelf && same) this.warnings.push(`${error.field === '' ? ROOT : error.field}: ${error.message}`);
    else this.errors.push(error);
  }

  /** Undefined: another text must do. */
  #message(node: Node, rule: Rule, bindings: Readonly<Record<string, unknown>>, path: Path): string | undefined {
    const type = node.schema.type ?? '';
    const source = JSON.stringify(rule.definition.messageExpression);
    try {
      const text = rule.message?.evaluate(bindings, this.#budget);
      if (typeof text !== 'string') return undefined;
      const trimmed = text.trim();
      return trimmed === '' || trimmed.includes('\n') || new TextEncoder().encode(trimmed).length > MESSAGE_LIMIT_BYTES ? undefined : trimmed;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      if (this.#budget.left < 0) this.#end(invalid(path, type, 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run'));
      else if (error.exhausted) this.#end(invalid(path, type, `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${source}`));
      return undefined;
    }
  }
}

const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';
/** In place of values that are too large to show. */
const OMITTED = Symbol('omitted');

function errorOf(reason: ValidationRule['reason'], path: Path, value: unknown, detail: string): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return forbiddenField(path, detail);
    case 'FieldValueRequired':
      return required(path, detail);
    case 'FieldValueDuplicate':
      return value === OMITTED ? { type: 'FieldValueDuplicate', field: path.text, message: 'Duplicate value' } : duplicate(path, value);
    default:
      return value === OMITTED ? { type: 'FieldValueInvalid', field: path.text, message: `Invalid value: ${detail}` } : invalid(path, value, detail);
  }
}

function ruleText({ rule = '', message = '' }: ValidationRule): string {
  return (message === '' ? rule : message).trim();
}
