/**
 * Objects of one shape: those of which the same fields are owned when they are new. A shape is not spelled but walked: everything in an
 * object that counts is a step from place to place, and objects of one shape end up at the same place. Where one has been before,
 * nothing is made on the way.
 */
import type { ListAtom, Type } from './atoms.ts';
import { asList, asMap, typeOfKey } from './values.ts';

/** Where a walk has come to. Most places lead to one other only. */
export class Place<T> {
  /** What is known of the objects whose walk ends here. */
  known: T | undefined;
  #step: unknown;
  #next: Place<T> | undefined;
  #others: Map<unknown, Place<T>> | undefined;

  constructor() {
    this.known = undefined;
    this.#step = undefined;
    this.#next = undefined;
    this.#others = undefined;
  }

  after(step: unknown): Place<T> | undefined {
    return this.#next !== undefined && this.#step === step ? this.#next : this.#others?.get(step);
  }

  lead(step: unknown): Place<T> {
    const next = new Place<T>();
    if (!this.#next) {
      this.#step = step;
      this.#next = next;
    } else (this.#others ??= new Map()).set(step, next);
    return next;
  }
}

/** Places that are kept, some 60 bytes each; all are forgotten when there are more. */
const PLACES_LIMIT = 32 * 1024;
/** Longer walks are not worth it. */
const STEPS_LIMIT = 2_048;

/** Steps that are neither a key nor a value. */
const SOME = Symbol('a value');
const NULL = Symbol('null');
const NO_ITEMS = Symbol('an empty list');
const NO_FIELDS = Symbol('an empty object');
const WHOLE = Symbol('a list or object that is one value');
const LIST = Symbol('a list');
const FIELDS = Symbol('an object');
const UNTYPED = Symbol('what may not be there');
const ABSENT = Symbol('no key');
const END = Symbol('the end of a list, an object or a path');

export class Shapes<T> {
  #roots = new Map<Type, Place<T>>();
  #count = 0;
  #left = 0;

  /** `reset` are the fields that do not count. Undefined: the object is too large, or its items cannot be told apart by what they say. */
  placeOf(type: Type, value: unknown, reset: readonly (readonly string[])[]): Place<T> | undefined {
    if (this.#count > PLACES_LIMIT) {
      this.#roots = new Map();
      this.#count = 0;
    }
    let place = this.#roots.get(type);
    if (!place) this.#roots.set(type, (place = new Place()));
    this.#left = STEPS_LIMIT;
    for (const path of reset) {
      for (const name of path) place = this.#to(place, name);
      place = this.#to(place, END);
    }
    return this.#walk(place, type, value);
  }

  #to(place: Place<T>, step: unknown): Place<T> {
    this.#left--;
    const next = place.after(step);
    if (next) return next;
    this.#count++;
    return place.lead(step);
  }

  /** A value counts only where it may be what an absent field holds. */
  #walk(place: Place<T>, type: Type, value: unknown): Place<T> | undefined {
    if (this.#left <= 0) return undefined;
    if (value === null) return this.#to(place, NULL);
    switch (typeof value) {
      case 'string':
        return this.#to(place, value === '' || value === '0' || value === '0s' ? value : SOME);
      case 'number':
        return this.#to(place, value === 0 ? 0 : SOME);
      case 'boolean':
        return this.#to(place, value ? SOME : false);
      case 'object': {
        const items = asList(value);
        return items ? this.#walkList(place, type, items) : this.#walkMap(place, type, value as object);
      }
      default:
        return this.#to(place, SOME);
    }
  }

  #walkList(place: Place<T>, { atom: { list } }: Type, items: readonly unknown[]): Place<T> | undefined {
    if (items.length === 0) return this.#to(place, NO_ITEMS);
    if (!list || list.atomic) return this.#to(place, WHOLE);
    let at: Place<T> | undefined = this.#to(place, LIST);
    for (let i = 0; at && i < items.length; i++) {
      const item = items[i];
      at = list.keys.length > 0 ? this.#walkKeys(at, list, item) : isScalar(item) ? this.#to(at, item) : undefined;
      at &&= this.#walk(at, list.element, item);
    }
    return at && this.#to(at, END);
  }

  /** What tells an item from others is the values of its keys. */
  #walkKeys(place: Place<T>, list: ListAtom, item: unknown): Place<T> | undefined {
    const map = asMap(item);
    if (!map) return undefined;
    let at = place;
    let some = false;
    for (let i = 0; i < list.keys.length; i++) {
      const name = list.keys[i] as string;
      const value = map[name] === undefined ? list.element.atom.map?.fields.get(name)?.default : map[name];
      if (value !== undefined && !isScalar(value)) return undefined;
      some ||= value !== undefined;
      at = this.#to(at, value === undefined ? ABSENT : value);
    }
    return some ? at : undefined;
  }

  #walkMap(place: Place<T>, { atom: { map } }: Type, value: object): Place<T> | undefined {
    const fields = value as Readonly<Record<string, unknown>>;
    const whole = !map || map.atomic;
    let at: Place<T> | undefined;
    for (const key in fields) {
      const inner = fields[key];
      if (inner === undefined) continue;
      if (whole) return this.#to(place, WHOLE);
      const type = typeOfKey(map, key);
      at = this.#to(at ?? this.#to(place, FIELDS), type ? key : UNTYPED);
      if (type) at = this.#walk(at, type, inner);
      if (!at) return undefined;
    }
    return at ? this.#to(at, END) : this.#to(place, NO_FIELDS);
  }
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' && value !== undefined;
}
