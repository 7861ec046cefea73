/** Validation errors with the place they are about, worded and coded as API clients expect them. */
import { isEmptyCollection } from './codec/empties.ts';
import { goNumber } from './go-number.ts';
import { goQuote } from './go-quote.ts';

export type FieldErrorType =
  | 'FieldValueInvalid'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueNotFound'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

/** One error: becomes a cause of a Status with reason Invalid. `message` is the text without the field: `Invalid value: "x": must be …`. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly message: string;
}

/** A path to a field: `path('spec').child('ports').index(0).child('name')`. Its text is made when somebody asks: most rules have nothing to say. */
export class Path {
  private readonly parent: Path | undefined;
  private readonly step: string | number;
  private readonly form: 'child' | 'index' | 'key';
  private made: string | undefined;
  private constructor(parent: Path | undefined, step: string | number, form: 'child' | 'index' | 'key') {
    this.parent = parent;
    this.step = step;
    this.form = form;
    this.made = undefined;
  }
  static of(...names: string[]): Path {
    return new Path(undefined, names.join('.'), 'child');
  }
  get text(): string {
    return (this.made ??= this.spell());
  }
  child(name: string, ...deeper: string[]): Path {
    let path = new Path(this, name, 'child');
    for (let i = 0; i < deeper.length; i++) path = new Path(path, deeper[i] as string, 'child');
    return path;
  }
  index(at: number): Path {
    return new Path(this, at, 'index');
  }
  key(name: string): Path {
    return new Path(this, name, 'key');
  }
  toString(): string {
    return this.text;
  }
  private spell(): string {
    const before = this.parent?.text ?? '';
    if (this.form !== 'child') return `${before}[${this.step}]`;
    return before === '' || this.step === '' ? `${before}${this.step}` : `${before}.${this.step}`;
  }
}

/** How a bad value is shown: strings quoted, absent as null, objects and lists as JSON (Go's, which is safe inside HTML). */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return goQuote(value);
  if (value instanceof Named) return showNamed(value.text);
  if (typeof value === 'number' || typeof value === 'bigint') return goNumber(value);
  return typeof value === 'boolean' ? String(value) : JSON.stringify(value, inOrder).replace(/[<>&\u2028\u2029]/g, escapeHtml);
}

/** Go prints maps by their keys. Of what is shown, these are maps. */
const MAPS: ReadonlySet<string> = new Set(['matchLabels', 'nodeSelector', 'labels', 'annotations']);

function inOrder(key: string, value: unknown): unknown {
  // Types of the API itself leave out what is empty.
  if ((key === 'matchLabels' || key === 'matchExpressions' || key === 'values') && isEmptyCollection(value)) return undefined;
  return MAPS.has(key) && typeof value === 'object' && value !== null && !Array.isArray(value) ? byKeys(value as Record<string, unknown>) : value;
}

/** A map as Go prints it. */
export function byKeys<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function escapeHtml(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A text whose Go type has a name of its own, or that stands behind a pointer: it is shown as JSON. */
export class Named {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function showNamed(text: string): string {
  return JSON.stringify(text).replace(/[<>&\u2028\u2029\b\f]/g, escapeHtml);
}

export function invalid(field: Path, value: unknown, why: string): FieldError {
  return { type: 'FieldValueInvalid', field: field.text, message: `Invalid value: ${show(value)}${why && `: ${why}`}` };
}

export function required(field: Path, why = ''): FieldError {
  return { type: 'FieldValueRequired', field: field.text, message: why ? `Required value: ${why}` : 'Required value' };
}

export function duplicate(field: Path, value: unknown): FieldError {
  return { type: 'FieldValueDuplicate', field: field.text, message: `Duplicate value: ${show(value)}` };
}

export function notFoundValue(field: Path, value: unknown): FieldError {
  return { type: 'FieldValueNotFound', field: field.text, message: `Not found: ${show(value)}` };
}

/** Nearly all texts that have a choice are of a type with a name; the others are shown as texts are. */
export function notSupported(field: Path, value: unknown, supported: readonly string[], text: 'named' | 'plain' = 'named'): FieldError {
  const choices = supported.length > 0 ? `: supported values: ${[...supported].map(goQuote).join(', ')}` : '';
  return { type: 'FieldValueNotSupported', field: field.text, message: `Unsupported value: ${typeof value === 'string' && text === 'named' ? showNamed(value) : show(value)}${choices}` };
}

export function forbiddenField(field: Path, why: string): FieldError {
  return { type: 'FieldValueForbidden', field: field.text, message: why ? `Forbidden: ${why}` : 'Forbidden' };
}

export function tooLong(field: Path, limit: number, unit: 'bytes' | 'characters' = 'bytes'): FieldError {
  return { type: 'FieldValueTooLong', field: field.text, message: `Too long: may not be more than ${limit} ${limit === 1 ? unit.slice(0, -1) : unit}` };
}

export function tooMany(field: Path, actual: number, limit: number): FieldError {
  return { type: 'FieldValueTooMany', field: field.text, message: `Too many: ${actual}: must have at most ${limit} ${limit === 1 ? 'item' : 'items'}` };
}

export function typeInvalid(field: Path, value: unknown, why: string): FieldError {
  return { type: 'FieldValueTypeInvalid', field: field.text, message: `Invalid value: ${show(value)}: ${why}` };
}

/** A fault that is the server's to explain. */
export function internalProblem(field: Path, why: string): FieldError {
  return { type: 'InternalError', field: field.text, message: `Internal error: ${why}` };
}
