/** Where a decoder stands in an object, and what it has found wrong so far. */
import { badRequest, type ApiError } from '../status.ts';
import { goPlace, type GoPlace, type Step } from './go-place.ts';
import { WrittenNumber, type Duplicate } from './json-text.ts';

/** How many complaints of strict decoding are kept. */
export const STRICT_LIMIT = 100;

export interface DuplicatesOf {
  readonly list: readonly Duplicate[];
  readonly from: number;
  readonly index: number;
  readonly known: (key: string) => boolean;
  readonly depth: number;
}

/** Reads one value. */
export type Convert = (value: unknown, context: Context) => unknown;

export class Context {
  readonly steps: Step[] = [];
  depth = 0;
  /** The type whose field is read, in full: type errors name it. */
  struct = '';
  /** The step from which on type errors name fields, and the type that stands there. */
  start = 0;
  root: string | undefined;
  readonly strict: string[] = [];
  readonly unknown: string[] = [];
  readonly twice: string[] = [];
  readonly duplicates: ReadonlyMap<object, readonly Duplicate[]> | undefined;
  /** Nulls that may not be stay in custom resources, to be refused. */
  readonly keepNulls: boolean = false;
  /** Whether fields are read in their type's order instead of the value's. */
  readonly fieldOrder: boolean = false;
  /** Somewhere an empty list or map was dropped. */
  empties = false;
  /** What needs no change may be handed on as it is: nobody else holds it, or nobody changes it. */
  readonly keeps: boolean;
  #refused: ApiError | undefined;

  constructor(duplicates: ReadonlyMap<object, readonly Duplicate[]> | undefined, keeps = false) {
    this.duplicates = duplicates;
    this.keeps = keeps && duplicates === undefined;
  }

  /** Notes a field that the type does not have. */
  unknownField(key: string): void {
    this.#note(`unknown field "${this.path(key)}"`, this.unknown);
  }

  duplicateField(key: string): void {
    this.#note(`duplicate field "${this.path(key)}"`, this.twice);
  }

  #note(text: string, kind: string[]): void {
    if (this.strict.length >= STRICT_LIMIT || this.strict.includes(text)) return;
    this.strict.push(text);
    kind.push(text);
  }

  /** `spec.ports[0].port` */
  path(key: string | undefined): string {
    let text = '';
    for (let i = 0; i < this.depth; i++) {
      const step = this.steps[i];
      if (typeof step === 'number') text += `[${step}]`;
      else text += `${text && '.'}${typeof step === 'object' ? step.key : step}`;
    }
    return key === undefined ? text : `${text}${text && '.'}${key}`;
  }

  /** Notes the duplicates of an object at some depth that come before its key number `index`; returns how many of the list are done. */
  duplicatesBefore({ list, from, index, known, depth }: DuplicatesOf): number {
    const here = this.depth;
    this.depth = depth;
    let at = from;
    for (; at < list.length && (list[at] as Duplicate).after <= index; at++) {
      const { key } = list[at] as Duplicate;
      if (known(key)) this.duplicateField(key);
    }
    this.depth = here;
    return at;
  }

  /** A value that is no whole number of the wanted size; undefined: refused. */
  whole(_value: unknown, _bits: number): number | bigint | undefined {
    return undefined;
  }

  /** The refusal of bytes that are none. */
  illegal(problem: string): ApiError {
    return badRequest(problem);
  }

  /** Notes what its Go type cannot hold: the first is told at the end, unless a type that reads its own text refuses one before. */
  refuse(error: ApiError): undefined {
    this.#refused ??= error;
    return undefined;
  }

  /** The same of a value of a wrong type; of the later ones nobody asks where they stand. */
  mistyped(value: unknown, type: string): undefined {
    return this.#refused ? undefined : this.refuse(this.mismatch(value, type));
  }

  /** What a type does that reads its own text: whatever is wrong inside ends it, and comes before what was noted outside. */
  own<T>(read: () => T): T {
    const before = this.#refused;
    this.#refused = undefined;
    const value = read();
    this.settle();
    this.#refused = before;
    return value;
  }

  /** Throws what was refused. */
  settle(): void {
    if (this.#refused) throw this.#refused;
  }

  /** The refusal of a value that its Go type cannot hold. `type` is the type as JSON knows it. */
  mismatch(value: unknown, type: string): ApiError {
    const place = this.place();
    const into = place.path.length === 0 ? 'Go value' : `Go struct field ${this.struct.slice(this.struct.lastIndexOf('.') + 1)}.${place.path.join('.')}`;
    return badRequest(`json: cannot unmarshal ${described(value, type)} into ${into} of type ${place.type ?? type}`);
  }

  /** The same of a type that reads its own text. */
  unread(value: unknown, type: string): ApiError {
    return this.mismatch(value, type);
  }

  protected place(): GoPlace {
    return goPlace(this.root, this.steps.slice(this.start, this.depth));
  }
}

const NUMBERS = new Set(['int32', 'int64', 'float64', 'uint8']);

/** What came, as Go tells it; of numbers, where a number was wanted, the digits. */
export function described(value: unknown, type: string): string {
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return NUMBERS.has(type) ? `number ${value}` : 'number';
  }
  if (value instanceof WrittenNumber) return NUMBERS.has(type) ? `number ${value.text}` : 'number';
  return 'object';
}
