/** Literals that could never be read as what they are given to. Provenance: cel/validator.go of cel-go v0.26. */
import type { Expr } from './ast.ts';
import type { Checked } from './check.ts';
import { compileRegex } from './regex.ts';
import type { Mistake } from './source.ts';
import { parseGoDuration, parseTimestamp } from './time.ts';

const RULES: Readonly<Record<string, (text: string) => boolean>> = {
  duration: (text) => parseGoDuration(text) !== undefined,
  timestamp: (text) => parseTimestamp(text) !== undefined,
  matches: isRegex,
};

export function validateLiterals({ types, references }: Checked): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const expr of types.keys()) {
    if (expr.kind !== 'call') continue;
    const reference = references.get(expr);
    const rule = Object.hasOwn(RULES, expr.name) ? RULES[expr.name] : undefined;
    if (!rule || reference?.kind !== 'call') continue;
    const literal: Expr | undefined = expr.args.at(-1);
    if (literal?.kind !== 'literal' || typeof literal.value !== 'string' || rule(literal.value)) continue;
    mistakes.push({ at: literal.at, message: `invalid ${expr.name} argument` });
  }
  return mistakes;
}

function isRegex(text: string): boolean {
  try {
    compileRegex(text);
    return true;
  } catch {
    return false;
  }
}
