/** Fields, entries and items of values. */
import { Fault, List, Mapper, NONE, Optional, Uint, type Value } from './value.ts';

/** Nothing is there. */
export class Missing {
  readonly of: 'list' | 'map';

  constructor(of: 'list' | 'map') {
    this.of = of;
  }
}

const NO_KEY = new Missing('map');
const NO_INDEX = new Missing('list');

/** Of an optional value, what is inside, optional again. */
export function fieldOf(value: Value, field: string): Value | Missing {
  if (value instanceof Optional) return through(value, (inner) => fieldOf(inner, field));
  if (value instanceof List) return itemOf(value, field);
  if (!(value instanceof Mapper)) return NO_KEY;
  const found = value.get(field);
  return found === undefined ? NO_KEY : found;
}

export function indexOf(value: Value, key: Value): Value | Missing {
  if (value instanceof Optional) return through(value, (inner) => indexOf(inner, key));
  if (value instanceof List) return itemOf(value, key);
  if (!(value instanceof Mapper)) return NO_KEY;
  const found = value.get(key);
  return found === undefined ? NO_KEY : found;
}

function through({ value }: Optional, find: (inner: Value) => Value | Missing): Value {
  if (value === undefined) return NONE;
  const found = find(value);
  if (found instanceof Missing) return NONE;
  return found instanceof Fault || found instanceof Optional ? found : new Optional(found);
}

function itemOf(list: List, key: Value): Value | Missing {
  const index = key instanceof Uint ? key.value : typeof key === 'number' && Number.isInteger(key) ? BigInt(key) : key;
  if (typeof index !== 'bigint') return new Fault(`unsupported index type '${typeof key === 'string' ? 'string' : 'double'}' in list`);
  return index < 0n || index >= BigInt(list.size) ? NO_INDEX : list.at(Number(index));
}
