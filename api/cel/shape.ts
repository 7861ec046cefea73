/** Bounds how deep and how large an expression is, once its macros are unfolded: what follows walks it recursively. */
import { type Expr, parts } from './ast.ts';
import { SourceError } from './source.ts';

export const DEPTH_LIMIT = 250;
/** Macros that repeat their target double what is inside. */
const PARTS_LIMIT = 100_000;

/** Throws SourceError. */
export function checkShape(root: Expr): void {
  const stack: { readonly expr: Expr; readonly depth: number }[] = [{ expr: root, depth: 0 }];
  let count = 0;
  for (let top = stack.pop(); top; top = stack.pop()) {
    const depth = top.depth + (deepens(top.expr) ? 1 : 0);
    if (depth > DEPTH_LIMIT) throw new SourceError(-1, 'max recursion depth exceeded');
    if (++count > PARTS_LIMIT) throw new SourceError(-1, `expression has more than ${PARTS_LIMIT} parts`);
    for (const expr of parts(top.expr)) stack.push({ expr, depth });
  }
}

const FLAT = new Set(['_&&_', '_||_', '!_', '-_']);

function deepens(expr: Expr): boolean {
  if (expr.kind === 'select') return true;
  return expr.kind === 'call' && (expr.target !== undefined || (expr.name.startsWith('_') && !FLAT.has(expr.name)));
}
