/** Checks `'%s'.format([…])` while both are there to be read. Provenance: stringFormatValidator in ext/formatting.go of cel-go v0.26. */
import type { Expr } from './ast.ts';
import type { Mistake } from './source.ts';
import { declaredName, type Type, type TypeKind } from './type.ts';

interface Clause {
  readonly kinds: readonly TypeKind[];
  readonly wrong: string;
}

const INTS = ['int', 'uint'] as const;

const CLAUSES: Readonly<Record<string, Clause>> = {
  s: {
    kinds: ['list', 'map', ...INTS, 'double', 'bool', 'string', 'timestamp', 'bytes', 'duration', 'type', 'null'],
    wrong: 'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  },
  d: { kinds: INTS, wrong: 'decimal clause can only be used on integers' },
  f: { kinds: ['double', 'string'], wrong: 'fixed-point clause can only be used on doubles' },
  e: { kinds: ['double', 'string'], wrong: 'scientific clause can only be used on doubles' },
  b: { kinds: [...INTS, 'bool'], wrong: 'only integers and bools can be formatted as binary' },
  x: { kinds: [...INTS, 'string', 'bytes'], wrong: 'only integers, byte buffers, and strings can be formatted as hex' },
  X: { kinds: [...INTS, 'string', 'bytes'], wrong: 'only integers, byte buffers, and strings can be formatted as hex' },
  o: { kinds: INTS, wrong: 'octal clause can only be used on integers' },
};

export function checkFormat(call: Expr & { kind: 'call' }, typeOf: (expr: Expr) => Type): Mistake[] {
  const [list] = call.args;
  if (call.name !== 'format' || call.target?.kind !== 'literal' || typeof call.target.value !== 'string' || list?.kind !== 'list') return [];
  const at = call.at;
  let used = 0;
  for (const [clause] of call.target.value.matchAll(/%%|%(?:\.\d*)?[^]?/g)) {
    if (clause === '%%') continue;
    const verb = clause.at(-1) as string;
    if (/^[%.\d]$/.test(verb)) return [{ at, message: 'unexpected end of string' }];
    const item = list.items[used];
    if (!item) return [{ at, message: `index ${used} out of range` }];
    const { kinds, wrong } = CLAUSES[verb] ?? { kinds: [], wrong: '' };
    if (wrong === '') return [{ at, message: `could not parse formatting clause: unrecognized formatting clause "${verb}"` }];
    const odd = firstOdd(item, kinds, { typeOf, inside: verb === 's' });
    if (odd) return [{ at: odd.at, message: `error during formatting: ${wrong}, was given ${nameOf(typeOf(odd))}` }];
    used++;
  }
  return list.items.length > used ? [{ at, message: `too many arguments supplied to string.format (expected ${used}, got ${list.items.length})` }] : [];
}

/** Without what it holds. */
function nameOf(type: Type): string {
  return declaredName({ ...type, of: [] });
}

/** The first part that cannot be shown; of lists and maps that are written out, `inside` as well. */
function firstOdd(expr: Expr, kinds: readonly TypeKind[], how: { readonly typeOf: (expr: Expr) => Type; readonly inside: boolean }): Expr | undefined {
  const { kind } = how.typeOf(expr);
  if (kind !== 'dyn' && !kinds.includes(kind)) return expr;
  const inner = !how.inside ? [] : expr.kind === 'list' ? expr.items : expr.kind === 'map' ? expr.entries.flatMap(({ key, value }) => [key, value]) : [];
  for (const one of inner) {
    const odd = firstOdd(one, kinds, how);
    if (odd) return odd;
  }
  return undefined;
}
