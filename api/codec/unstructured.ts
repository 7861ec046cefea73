/** How Go's converter reads a value into a typed object without JSON in between: after strategic merges and applies. Laxer with numbers, and in words of its own. */
import { badRequest, type ApiError } from '../status.ts';
import { Context, described } from './context.ts';
import { isInt64 } from './exact-integers.ts';
import { WrittenNumber } from './json-text.ts';

/** Provenance: `fromUnstructured` of apimachinery v0.36. */
export class UnstructuredContext extends Context {
  override readonly keepNulls = true;

  override readonly fieldOrder: boolean;

  /** With `fieldOrder` fields are read as they stand in their type, as Go's converter does: only the order of refusals tells. */
  constructor(fieldOrder = false) {
    super(undefined);
    this.fieldOrder = fieldOrder;
  }

  /** Floats that are whole are taken, and what is too large is cut off. */
  override whole(value: unknown, bits: number): number | bigint | undefined {
    const number = value instanceof WrittenNumber ? Number(value.text) : value;
    if (typeof number !== 'bigint' && !(typeof number === 'number' && Number.isInteger(number))) return undefined;
    const exact = BigInt(number);
    const cut = BigInt.asIntN(bits, isInt64(exact) ? exact : OVERFLOWN);
    return Number.isSafeInteger(Number(cut)) ? Number(cut) : cut;
  }

  /** Whatever is wrong ends it. */
  override refuse(error: ApiError): never {
    throw error;
  }

  override illegal(problem: string): ApiError {
    return badRequest(`error decoding from json: ${problem}`);
  }

  override mismatch(value: unknown, type: string): ApiError {
    return badRequest(problem(value, type, this.place().type ?? type));
  }

  override unread(value: unknown, type: string): ApiError {
    return badRequest(`json: cannot unmarshal ${described(value, type)} into Go value of type ${type}`);
  }
}

/** What processors make of floats beyond 64 bits. */
const OVERFLOWN = -(2n ** 63n);

function problem(value: unknown, type: string, named: string): string {
  const kind = kindOf(value);
  if (type.startsWith('[]')) return `cannot restore slice from ${kind}`;
  if (type.startsWith('map[')) return `cannot restore map from ${kind}`;
  switch (type) {
    case 'string':
      return kind === 'int64' ? `cannot convert int64 to ${named}` : 'unrecognized type: string';
    case 'int32':
    case 'int64':
      return kind === 'float64' ? `cannot convert float64 to ${type}` : `unrecognized type: ${type}`;
    case 'bool':
    case 'uint8':
    case 'float64':
      return `unrecognized type: ${type}`;
  }
  return `cannot restore struct from: ${kind}`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int64';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
  }
  return value instanceof WrittenNumber ? 'float64' : 'map';
}
