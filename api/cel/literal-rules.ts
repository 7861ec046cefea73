/** Literals that are refused once all types are known: what could never be read as what it is given to, and mixtures. Provenance: cel/validator.go of cel-go v0.26. */
import { type Expr, parts } from './ast.ts';
import type { Checked } from './check.ts';
import { checkFormat } from './format-rules.ts';
import { compileRegex } from './regex.ts';
import type { Mistake } from './source.ts';
import { parseGoDuration, parseStrictTimestamp, timestampOf } from './time.ts';
import { isExact, showType, type Type } from './type.ts';
import type { Value } from './value.ts';

const RULES: Readonly<Record<string, (value: Value) => boolean>> = {
  duration: (value) => typeof value === 'string' && parseGoDuration(value) !== undefined,
  timestamp: (value) => (typeof value === 'bigint' ? timestampOf(value * 1_000_000_000n) !== undefined : value !== null && (typeof value !== 'string' || parseStrictTimestamp(value) !== undefined)),
  matches: (value) => typeof value !== 'string' || isRegex(value),
};

/** Its arguments may be of any types. */
const MIXED = 'format';

export function validateLiterals({ expr, types, references }: Checked): Mistake[] {
  const mistakes: Mistake[] = [];
  const typeOf = (one: Expr): Type => types.get(one) as Type;
  walk(expr, false, (one, inFormat) => {
    if (one.kind === 'call' && references.get(one)?.kind === 'call') mistakes.push(...checkArgument(one), ...checkFormat(one, typeOf));
    if (inFormat) return;
    if (one.kind === 'list') mistakes.push(...mixture(one.items.map((item, at) => [item, unwrapped(typeOf(item), one.optional.has(at))]), true));
    if (one.kind !== 'map') return;
    mistakes.push(...mixture(one.entries.map(({ key }) => [key, typeOf(key)]), false));
    mistakes.push(...mixture(one.entries.map(({ value, optional }) => [value, unwrapped(typeOf(value), optional)]), false));
  });
  return mistakes;
}

function walk(expr: Expr, inFormat: boolean, visit: (expr: Expr, inFormat: boolean) => void): void {
  visit(expr, inFormat);
  const inside = inFormat || (expr.kind === 'call' && expr.name === MIXED);
  for (const part of parts(expr)) walk(part, inside, visit);
}

function checkArgument(call: Expr & { kind: 'call' }): Mistake[] {
  const rule = Object.hasOwn(RULES, call.name) ? RULES[call.name] : undefined;
  const [literal] = call.args;
  if (!rule || literal?.kind !== 'literal' || rule(literal.value)) return [];
  return [{ at: literal.at, message: `invalid ${call.name} argument` }];
}

/** All are of the type of the first. */
function mixture(typed: readonly (readonly [Expr, Type])[], once: boolean): Mistake[] {
  const [first] = typed;
  if (!first) return [];
  const wrong = typed.filter(([, type]) => !isExact(first[1], type));
  return (once ? wrong.slice(0, 1) : wrong).map(([{ at }, type]) => ({ at, message: `expected type '${showType(first[1])}' but found '${showType(type)}'` }));
}

function unwrapped(type: Type, optional: boolean): Type {
  return optional ? (type.of[0] ?? type) : type;
}

function isRegex(text: string): boolean {
  try {
    compileRegex(text);
    return true;
  } catch {
    return false;
  }
}
