/** Whether the rules of a definition compile, and what they could cost. Provenance: apiextensions-apiserver pkg/apis/apiextensions/validation/{validation,cel_validation}.go of v0.36. */
import { fixedDigits } from '../cel/library/fixed-digits.ts';
import { forbiddenField, invalid, type Path, type FieldError } from '../field-error.ts';
import { internalRule } from './internal-form.ts';
import { hasRules } from './rule-check.ts';
import { additionalOf, itemsOf, type JsonSchema } from './json-schema.ts';
import { compileRules, type Rule } from './rules.ts';

const EXPRESSION_LIMIT = 10_000_000;
const DEFINITION_LIMIT = 100_000_000;
const SHOWN_LIMIT = 4;

export interface RuleFacts {
  /** The schema was there before: its rules may cost what they cost. */
  readonly unchanged: boolean;
  /** What else is wrong with the schema: rules around such a place are not looked at. */
  readonly errors: readonly FieldError[];
}

export function validateRules(schema: JsonSchema, path: Path, facts: RuleFacts): FieldError[] {
  const check = new Check(facts);
  check.walk(schema, path, { isResource: true, times: 1, uncorrelated: undefined });
  return [...check.errors, ...check.overAll(path)];
}

interface Where {
  readonly isResource: boolean;
  /** How many values of the schema one object can have; undefined: nothing bounds it. */
  readonly times: number | undefined;
  /** The outermost list around it whose items cannot be told apart. */
  readonly uncorrelated: Path | undefined;
}

class Check {
  readonly errors: FieldError[] = [];
  readonly #facts: RuleFacts;
  #total = 0;
  #expensive: { readonly path: Path; readonly cost: number }[] = [];

  constructor(facts: RuleFacts) {
    this.#facts = facts;
  }

  walk(schema: JsonSchema, path: Path, where: Where): void {
    if (!hasRules(schema)) return;
    const inside = (child: JsonSchema, uncorrelated = where.uncorrelated): Where => {
      const factor = elements(schema);
      const times = where.times === undefined || factor === undefined ? undefined : where.times * factor;
      return { isResource: child['x-kubernetes-embedded-resource'] === true, times, uncorrelated };
    };
    const additional = additionalOf(schema);
    const mapType = schema['x-kubernetes-map-type'];
    const odd = mapType !== undefined && mapType !== 'granular' && mapType !== 'atomic' ? path : undefined;
    if (additional) this.walk(additional, path.child('additionalProperties'), inside(additional, where.uncorrelated ?? odd));
    for (const [name, property] of Object.entries(schema.properties ?? {})) this.walk(property, path.child('properties').key(name), inside(property, where.uncorrelated ?? odd));
    const items = itemsOf(schema);
    if (items) this.walk(items, path.child('items'), inside(items, schema['x-kubernetes-list-type'] === 'map' ? where.uncorrelated : (where.uncorrelated ?? path)));
    this.#check(schema, path, where);
  }

  /** What all rules together cost. */
  overAll(path: Path): FieldError[] {
    if (this.#total <= DEFINITION_LIMIT) return [];
    return [
      ...this.#expensive.map((one) => forbiddenField(one.path, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema')),
      forbiddenField(path, tooExpensive('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', this.#total, DEFINITION_LIMIT)),
    ];
  }

  #check(schema: JsonSchema, path: Path, where: Where): void {
    if ((schema['x-kubernetes-validations']?.length ?? 0) === 0 || this.#facts.errors.some(({ field }) => isWithin(field, path.text))) return;
    const place = path.child('x-kubernetes-validations');
    const made = compileRules(schema, where.isResource);
    if (!made) {
      this.errors.push({ type: 'InternalError', field: place.text, message: 'Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations' });
      return;
    }
    for (const [at, rule] of made.rules.entries()) this.#checkRule(rule, place.index(at), where.times ?? made.cardinality, where);
  }

  #checkRule(rule: Rule, path: Path, times: number, { uncorrelated }: Where): void {
    const field = path.child('rule');
    this.#count(field, 'estimated rule cost', multiplied(rule.program?.estimate().max ?? 0, times));
    if (rule.problem !== undefined) this.errors.push(invalid(field, internalRule(rule.definition), rule.problem));
    const message = path.child('messageExpression');
    if (rule.messageProblem !== undefined) this.errors.push(invalid(message, internalRule(rule.definition), rule.messageProblem));
    else if (rule.message) this.#count(message, 'estimated messageExpression cost', rule.message.estimate().max);
    const { optionalOldSelf } = rule.definition;
    if (rule.usesOldSelf) {
      if (uncorrelated) this.errors.push(invalid(field, rule.definition.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`));
    } else if (optionalOldSelf !== undefined) this.errors.push(invalid(path.child('optionalOldSelf'), optionalOldSelf, 'may not be set if oldSelf is not used in rule'));
  }

  #count(path: Path, what: string, cost: number): void {
    if (cost > EXPRESSION_LIMIT && !this.#facts.unchanged) this.errors.push(forbiddenField(path, tooExpensive(what, cost, EXPRESSION_LIMIT)));
    this.#total += cost;
    if (cost < DEFINITION_LIMIT / 100) return;
    this.#expensive.push({ path, cost });
    this.#expensive = this.#expensive.sort((a, b) => b.cost - a.cost || 0).slice(0, SHOWN_LIMIT);
  }
}

/** By how much a schema multiplies what is inside; undefined: nothing bounds it. */
function elements({ type, additionalProperties, maxProperties, maxItems }: JsonSchema): number | undefined {
  if (type === 'object' && additionalProperties !== undefined) return maxProperties === undefined ? undefined : Math.max(0, maxProperties);
  if (type === 'array') return maxItems === undefined ? undefined : Math.max(0, maxItems);
  return 1;
}

function isWithin(field: string, path: string): boolean {
  return field.startsWith(path) && (field.length === path.length || '.['.includes(field[path.length] as string));
}

function multiplied(cost: number, times: number): number {
  return cost === 0 || times === 0 ? 0 : cost * times;
}

function tooExpensive(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100x' : `${fixedDigits(factor, factor < 1.5 ? 6 : 1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
