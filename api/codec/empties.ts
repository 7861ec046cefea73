/**
 * Empty lists and maps that a client sent. Nothing prints or stores them, so decoding drops them; but rules tell them from what
 * was not sent at all. Decoding leaves a note on the object that they stood in, and they come back while an object is checked.
 */

/** What empty maps that were put back inherit from. */
const EMPTY_MAP = {};

/** Rules hold it to be the same as no map; an empty object that could have fields is something else. */
export function isEmptyMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === EMPTY_MAP;
}

const NOTE = Symbol('empty fields');

type Noted = Record<string, unknown> & { [NOTE]?: Readonly<Record<string, 'list' | 'map'>> };

/** Whether the value is one. */
export function isEmptyCollection(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  for (const _ in value) return false;
  return Array.isArray(value) || isEmptyMap(value) || Object.getPrototypeOf(value) === Object.prototype;
}

/** Not enumerable: copies, comparisons and printing do not see it. */
export function noteEmpties(object: object, empties: Readonly<Record<string, 'list' | 'map'>>): void {
  Object.defineProperty(object, NOTE, { value: empties, configurable: true });
}

export function emptiesOf(object: object): Readonly<Record<string, 'list' | 'map'>> | undefined {
  return (object as Noted)[NOTE];
}

/** Puts them back, in place; the result takes those away again that are still empty. */
export function restoreEmpties(root: object): () => void {
  const restored: (readonly [holder: Noted, field: string])[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const inner of Array.isArray(value) ? value : Object.values(value)) walk(inner);
    const noted = value as Noted;
    for (const [field, form] of Object.entries(noted[NOTE] ?? {})) {
      if (noted[field] !== undefined) continue;
      noted[field] = form === 'list' ? [] : (Object.create(EMPTY_MAP) as object);
      restored.push([noted, field]);
    }
  };
  walk(root);
  return () => {
    for (const [holder, field] of restored) if (isEmptyCollection(holder[field])) delete holder[field];
  };
}
