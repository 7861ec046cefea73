/**
 * What an update leaves as it was: it is taken over from the object that stands, which is frozen. Whoever looks at both sees at once
 * that it is the same, and what was found out about it holds on.
 */
import { saysTheSame } from '../../api/codec/empties.ts';
import type { ApiObject } from '../../api/kind.ts';

/** `seen` is a copy of the old object that rules are shown; it has the same parts afterwards. Nobody may change these any more. */
export function keepUnchanged(object: ApiObject, old: Readonly<ApiObject>, seen: ApiObject): void {
  takeOver(object, old, seen);
  takeOver(object.metadata as Fields, old.metadata as Fields, seen.metadata as Fields);
}

type Fields = Record<string, unknown>;

function takeOver(fields: Fields, old: Readonly<Fields>, seen: Fields): void {
  for (const key in old) {
    const before = old[key];
    if (key === 'metadata' || typeof before !== 'object' || before === null || !Object.hasOwn(fields, key)) continue;
    if (!saysTheSame(fields[key], before)) continue;
    fields[key] = before;
    seen[key] = before;
  }
}
