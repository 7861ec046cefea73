/**
 * Whether values fit a schema, told as upstream tells it. Provenance: kube-openapi pkg/validation/validate, whose errors
 * apiextensions-apiserver pkg/apiserver/validation of v0.36 turns into field errors.
 *
 * A schema is compiled once into closures. On updates what did not change is let through (ratcheting): errors of a value
 * that equals the old one at the same place are forgotten.
 */
import { deepEqual } from '../../std/deep.ts';
import { invalid, notSupported, Path, required, tooLong, tooMany, typeInvalid, type FieldError } from '../field-error.ts';
import { isInt64Value } from '../go-number.ts';
import { compileRegex, type Pattern } from '../cel/regex.ts';
import { FORMATS, formatKey, isKnownFormat } from './formats.ts';
import { Correlation } from './correlation.ts';
import { additionalOf, isObject, itemsOf, type JsonSchema, propertyOf } from './json-schema.ts';
import { inKeyOrder } from './key-order.ts';
import { compileNumbers } from './numbers.ts';

/** `prefix` is put before the paths of errors, but not into their texts. `old`: what an update changes; undefined: nothing to compare with. */
export type Validator = (value: unknown, prefix: string, old?: unknown) => FieldError[];

const compiled = new WeakMap<JsonSchema, Check>();

export function compileValidator(schema: JsonSchema): Validator {
  return (value, prefix, old) => {
    const run = new Run(prefix);
    run.check(compile(schema), value, '', old === undefined ? undefined : new Correlation(value, old, schema));
    return once(run.errors);
  };
}

/** What is said twice is told once. */
function once(errors: readonly FieldError[]): FieldError[] {
  if (errors.length < 2) return [...errors];
  return [...new Map(errors.map((error) => [`${error.type} ${error.field} ${error.message}`, error])).values()];
}

/** Returns how many of its checks passed: of alternatives that all fail, the errors of the closest are told. */
type Check = (run: Run, value: unknown, path: string, old: Correlation | undefined) => number;

class Run {
  readonly errors: FieldError[] = [];
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** What is the same as before may stay. */
  check(check: Check, value: unknown, path: string, old: Correlation | undefined): number {
    const before = this.errors.length;
    const passed = check(this, value, path, old);
    if (this.errors.length > before && old?.same) this.errors.length = before;
    return passed;
  }

  field(path: string): Path {
    return Path.of(...[this.prefix, path.startsWith('.') ? path.slice(1) : path].filter((part) => part !== ''));
  }

  /** `why` follows the path, as in `spec.a in body should …`. */
  wrong(path: string, value: unknown, why: string): void {
    this.errors.push(invalid(this.field(path), inKeyOrder(value), `${path} in body ${why}`));
  }

  /** Of a combination of schemas: upstream does not say where but in the text. */
  composite(why: string): void {
    this.errors.push(invalid(this.prefix === '' ? Path.of('<nil>') : Path.of(this.prefix), '', why));
  }

  wrongType(path: string, value: unknown, type: string): void {
    this.errors.push(typeInvalid(this.field(path), value, `${path} in body must be of type ${type}: ${JSON.stringify(value)}`));
  }

  attempt(check: Check, value: unknown, path: string): Attempt {
    const run = new Run(this.prefix);
    const passed = check(run, value, path, undefined);
    return { errors: run.errors, passed };
  }
}

interface Attempt {
  readonly errors: readonly FieldError[];
  readonly passed: number;
}

function compile(schema: JsonSchema): Check {
  const known = compiled.get(schema);
  if (known) return known;
  const all = [...typeChecks(schema), ...combinations(schema), ...strings(schema), ...numbers(schema), ...lists(schema), ...enums(schema), ...objects(schema)];
  const ofNull = [...typeChecks(schema), ...enums(schema)];
  const made: Check = (run, value, path, old) => {
    let passed = 1;
    for (const check of value === null ? ofNull : all) passed += check(run, value, path, old);
    return passed;
  };
  compiled.set(schema, made);
  return made;
}

/** Runs a check that has nothing inside; counts whether it passed. */
function leaf(check: (run: Run, value: unknown, path: string) => void): Check {
  return (run, value, path) => {
    const before = run.errors.length;
    check(run, value, path);
    return run.errors.length === before ? 1 : 0;
  };
}

function typesOf(schema: JsonSchema): string[] {
  if (schema['x-kubernetes-int-or-string']) return ['integer', 'string'];
  return schema.type ? [schema.type] : [];
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'bigint' || typeof value === 'number') return isInt64Value(value) ? 'integer' : 'number';
  return typeof value;
}

function typeChecks(schema: JsonSchema): Check[] {
  const types = typesOf(schema);
  if (types.length === 0) return [];
  const { nullable = false } = schema;
  const numeric = types.includes('number') || types.includes('integer');
  const format = schema.format && isKnownFormat(schema.format, schema.type) ? schema.format : undefined;
  return [leaf((run, value, path) => {
    const actual = typeName(value);
    if (types.includes(actual) || (actual === 'integer' && types.includes('number'))) return;
    if (actual === 'null' && nullable) return;
    const isText = typeof value === 'string' || Array.isArray(value);
    // Where there is a format, that is what is told of, and lists are taken for bytes.
    if (format === undefined || value === null || (numeric && isText)) run.wrongType(path, actual, types.join(','));
    else if (!isText && formatOf(value) !== format) run.wrongType(path, formatOf(value), format);
  })];
}

/** The format that a value has by itself. */
function formatOf(value: unknown): string {
  if (typeof value !== 'bigint' && typeof value !== 'number') return '';
  return isInt64Value(value) ? 'int64' : 'float64';
}

function combinations(schema: JsonSchema): Check[] {
  const { anyOf = [], oneOf = [], allOf = [], not } = schema;
  const checks: Check[] = [];
  if (anyOf.length > 0) checks.push(anyOfCheck(anyOf.map(compile)));
  if (oneOf.length > 0) checks.push(oneOfCheck(oneOf.map(compile)));
  if (allOf.length > 0) checks.push(allOfCheck(allOf.map(compile)));
  if (not) {
    const check = compile(not);
    checks.push(leaf((run, value, path) => {
      if (run.attempt(check, value, path).errors.length === 0) run.composite(`${JSON.stringify(path)} must not validate the schema (not)`);
    }));
  }
  return checks;
}

function closest(attempts: readonly Attempt[]): Attempt | undefined {
  return attempts.reduce<Attempt | undefined>((best, one) => (best && best.passed >= one.passed ? best : one), undefined);
}

function anyOfCheck(checks: readonly Check[]): Check {
  return (run, value, path) => {
    const failed: Attempt[] = [];
    for (const check of checks) {
      const attempt = run.attempt(check, value, path);
      if (attempt.errors.length === 0) return attempt.passed + 1;
      failed.push(attempt);
    }
    run.composite(`${JSON.stringify(path)} must validate at least one schema (anyOf)`);
    const best = closest(failed);
    run.errors.push(...(best?.errors ?? []));
    return best?.passed ?? 0;
  };
}

function oneOfCheck(checks: readonly Check[]): Check {
  return (run, value, path) => {
    const attempts = checks.map((check) => run.attempt(check, value, path));
    const valid = attempts.filter(({ errors }) => errors.length === 0);
    if (valid.length === 1) return (valid[0]?.passed ?? 0) + 1;
    const found = valid.length === 0 ? 'Found none valid' : `Found ${valid.length} valid alternatives`;
    run.composite(`${JSON.stringify(path)} must validate one and only one schema (oneOf). ${found}`);
    if (valid.length > 0) return 0;
    const best = closest(attempts);
    run.errors.push(...(best?.errors ?? []));
    return best?.passed ?? 0;
  };
}

function allOfCheck(checks: readonly Check[]): Check {
  return (run, value, path) => {
    const attempts = checks.map((check) => run.attempt(check, value, path));
    const valid = attempts.filter(({ errors }) => errors.length === 0).length;
    const inner = attempts.flatMap(({ errors }) => errors);
    if (valid < checks.length) run.composite(`${JSON.stringify(path)} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
    run.errors.push(...inner);
    return attempts.reduce((sum, { passed }) => sum + passed, 0);
  };
}

/** Length in characters, as Go counts runes. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function strings(schema: JsonSchema): Check[] {
  const { maxLength, minLength, pattern, format } = schema;
  const checks: Check[] = [];
  if (maxLength !== undefined || minLength !== undefined || pattern) {
    let compiledPattern: Pattern | undefined;
    const matchesPattern = (value: string): boolean => !pattern || (compiledPattern ??= compileRegex(pattern)).test(value);
    checks.push(leaf((run, value, path) => {
      if (typeof value !== 'string') return;
      if (maxLength !== undefined && value.length > maxLength && characters(value) > maxLength) run.errors.push(tooLong(run.field(path), maxLength));
      else if (minLength !== undefined && characters(value) < minLength) run.wrong(path, value, `should be at least ${minLength} chars long`);
      else if (!matchesPattern(value)) run.wrong(path, value, `should match '${pattern}'`);
    }));
  }
  const matches = format && !schema['x-kubernetes-int-or-string'] && isKnownFormat(format, schema.type) ? FORMATS[formatKey(format)] : undefined;
  if (format && matches) checks.push(leaf((run, value, path) => typeof value === 'string' && !matches(value) && run.wrongType(path, value, format)));
  return checks;
}

function numbers(schema: JsonSchema): Check[] {
  const check = compileNumbers(schema);
  if (!check) return [];
  return [leaf((run, value, path) => {
    if (typeof value !== 'number' && typeof value !== 'bigint') return;
    for (const problem of check(value, path)) {
      if (problem.kind === 'range') run.composite(problem.why);
      else if (problem.kind === 'value') run.wrong(path, value, problem.why);
      else run.errors.push({ type: 'FieldValueInvalid', field: run.field(path).text, message: `Invalid value: ${problem.of}: ${problem.why}` });
    }
  })];
}

function lists(schema: JsonSchema): Check[] {
  const items = itemsOf(schema);
  const { minItems, maxItems } = schema;
  if (!items && minItems === undefined && maxItems === undefined) return [];
  const check = items && compile(items);
  return [(run, value, path, old) => {
    if (!Array.isArray(value)) return 0;
    let passed = 1;
    if (check) for (const [at, item] of value.entries()) passed += run.check(check, item, `${path}[${at}]`, old?.index(at));
    if (minItems !== undefined && value.length < minItems) run.wrong(path, value.length, `should have at least ${minItems} items`);
    if (maxItems !== undefined && value.length > maxItems) run.errors.push(tooMany(run.field(path), value.length, maxItems));
    return passed;
  }];
}

function enums(schema: JsonSchema): Check[] {
  const choices = schema.enum;
  if (!choices || choices.length === 0) return [];
  const shown = choices.map((choice) => (typeof choice === 'string' ? choice : JSON.stringify(inKeyOrder(choice))));
  return [leaf((run, value, path) => {
    // Upstream passes over a choice that is null.
    if (value === null || !choices.some((choice) => choice === value || deepEqual(choice, value) || isTruncated(choice, value))) run.errors.push(notSupported(run.field(path), inKeyOrder(value), shown));
  })];
}

/** Upstream compares a number with a whole one as a whole one. */
function isTruncated(choice: unknown, value: unknown): boolean {
  return typeof choice === 'number' && typeof value === 'number' && Number.isInteger(choice) && Math.trunc(value) === choice;
}

function objects(schema: JsonSchema): Check[] {
  const { minProperties, maxProperties, additionalProperties, required: names = [] } = schema;
  const properties = Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, compile(inner)] as const);
  const additional = additionalOf(schema);
  const closed = additionalProperties === false;
  if (minProperties === undefined && maxProperties === undefined && properties.length === 0 && !additional && !closed && names.length === 0) return [];
  const check = additional && compile(additional);
  return [(run, value, path, old) => {
    if (!isObject(value)) return 0;
    const size = minProperties === undefined && maxProperties === undefined ? 0 : Object.keys(value).length;
    if (minProperties !== undefined && size < minProperties) {
      run.wrong(path, size, `should have at least ${minProperties} properties`);
    }
    if (maxProperties !== undefined && size > maxProperties) {
      run.errors.push(tooMany(run.field(path), size, maxProperties));
    }
    const oldOf = (name: string): Correlation | undefined => (path === '' && (name === 'kind' || name === 'apiVersion') ? undefined : old?.key(name));
    let passed = 1;
    if (check || closed) {
      for (const name of Object.keys(value)) {
        if (propertyOf(schema, name)) continue;
        if (check) passed += run.check(check, value[name], `${path}.${name}`, oldOf(name));
        else run.errors.push(invalid(run.field(path), '', `${path}.${name} in body is a forbidden property`));
      }
    }
    for (const [name, inner] of properties) {
      if (Object.hasOwn(value, name)) passed += run.check(inner, value[name], path === '' ? name : `${path}.${name}`, oldOf(name));
    }
    for (const name of names) if (!Object.hasOwn(value, name)) run.errors.push(required(run.field(`${path}.${name}`)));
    return passed;
  }];
}
