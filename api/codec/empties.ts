/**
 * Empty lists and maps that a client sent. Nothing prints or stores them, so decoding drops them; but rules tell them from what
 * was not sent at all. Decoding leaves a note on the object that they stood in, and they come back while an object is checked.
 */
import { put } from '../../std/deep.ts';

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

/** Of a decoded object: defined wherever there is a note on it or on anything inside. */
export function emptiesOf(object: object): Readonly<Record<string, 'list' | 'map'>> | undefined {
  return (object as Noted)[NOTE];
}

/** Whether one was sent anywhere in the value that nothing has filled since. */
export function hasNotes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const noted = Object.keys(emptiesOf(value) ?? {});
  return noted.some((field) => (value as Noted)[field] === undefined) || Object.values(value).some(hasNotes);
}

/** Whether two values say the same, and no note stands on either or on anything inside. */
export function saysTheSame(value: unknown, other: unknown): boolean {
  if (typeof value !== 'object' || typeof other !== 'object' || value === null || other === null) return value === other;
  if (Array.isArray(value)) {
    if (!Array.isArray(other) || value.length !== other.length) return false;
    for (let i = 0; i < value.length; i++) if (!saysTheSame(value[i], other[i])) return false;
    return true;
  }
  if (Array.isArray(other) || emptiesOf(value) || emptiesOf(other)) return false;
  const [left, right] = [value as Noted, other as Noted];
  for (const key in left) if (left[key] !== undefined && !(Object.hasOwn(right, key) && saysTheSame(left[key], right[key]))) return false;
  for (const key in right) if (right[key] !== undefined && !(Object.hasOwn(left, key) && left[key] !== undefined)) return false;
  return true;
}

/** Takes a field away that is not served: it does not come back either. */
export function dropField<T extends object>(holder: T, field: keyof T & string): void {
  delete holder[field];
  const { [field]: noted, ...others } = emptiesOf(holder) ?? {};
  if (noted) noteEmpties(holder, others);
}

/** A mutable copy of a decoded object, with the notes on it. */
export function copyNoted<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyNoted) as T;
  const out: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) put(out, key, copyNoted(inner));
  const empties = emptiesOf(value);
  if (empties) noteEmpties(out, empties);
  return out as T;
}

/** Puts them back, in place, but into what is frozen, which was checked before; the result takes those away again that are still empty. */
export function restoreEmpties(root: object): () => void {
  const restored: (readonly [holder: Noted, field: string])[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
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
