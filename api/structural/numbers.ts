/** Numbers held to their schema. Provenance: kube-openapi pkg/validation/validate/{validator,values}.go, whose arithmetic is Go's. */
import { goFloat, goNumber, isInt64Value } from '../go-number.ts';
import { isKnownFormat } from './formats.ts';
import type { JsonSchema } from './json-schema.ts';

/** A number that was found, in order: what is wrong with it, or with what it is compared with. */
export type NumberProblem =
  /** Told without a place. */
  | { readonly kind: 'range'; readonly why: string }
  | { readonly kind: 'value'; readonly why: string }
  | { readonly kind: 'factor'; readonly of: string; readonly why: string };

export type NumberCheck = (value: number | bigint, path: string) => NumberProblem[];

/** Undefined: any number will do. */
export function compileNumbers(schema: JsonSchema): NumberCheck | undefined {
  const { format, multipleOf, type } = schema;
  const bounds = [minimumOf(schema), maximumOf(schema)].filter((bound) => bound !== undefined);
  if (type !== 'integer' && format !== 'float' && multipleOf === undefined && bounds.length === 0) return undefined;
  return (value, path) => {
    const problems: NumberProblem[] = [];
    const outOfRange = (number: number | bigint, what: string): boolean => {
      const why = rangeProblem(number, schema, what, path);
      if (why !== undefined) problems.push({ kind: 'range', why });
      return why !== undefined;
    };
    outOfRange(value, 'Checked');
    // Whole numbers are compared with whole numbers, where what they are compared with is of their type.
    const isWhole = isInt64Value(value);
    const compared = (limit: number, what: string): Compared => {
      const whole = !outOfRange(limit, what) && isWhole;
      return { value: Number(value), limit: whole ? toInt64(limit) : limit, whole };
    };
    if (multipleOf !== undefined) problems.push(...multipleProblem(compared(multipleOf, 'MultipleOf'), path));
    for (const bound of bounds) {
      const pair = compared(bound.limit, bound.what);
      if (bound.exceeds(pair.value, pair.limit)) problems.push({ kind: 'value', why: `${bound.why} ${shown(pair)}` });
    }
    return problems;
  };
}

interface Compared {
  readonly value: number;
  readonly limit: number;
  /** Both are compared as whole numbers. */
  readonly whole: boolean;
}

function shown({ limit, whole }: Compared): string {
  return whole ? goNumber(limit) : goFloat(limit);
}


/** As Go converts on common processors: what has no room becomes the least of all. */
function toInt64(value: number): number {
  const whole = Math.trunc(value);
  return isInt64Value(whole) ? whole : -(2 ** 63);
}

const INT32_LIMIT = 2 ** 31;
const FLOAT_LIMIT = 3.402_823_466_385_288_6e38;

/** Whether a number is one of a type and format; `what` it is, is told. */
function rangeProblem(value: number | bigint, { type = '', format }: JsonSchema, what: string, path: string): string | undefined {
  const known = format !== undefined && isKnownFormat(format, type) ? format : undefined;
  const isInteger = isInt64Value(value) && (known !== 'int32' || (value >= -INT32_LIMIT && value < INT32_LIMIT));
  const fits = type === 'integer' ? isInteger : known !== 'float' || Math.abs(Number(value)) <= FLOAT_LIMIT;
  return fits ? undefined : `${what} value must be of type ${type} ${known === undefined ? '(default format)' : `with format ${known}`} in ${path}`;
}

interface Bound {
  readonly limit: number;
  readonly exceeds: (value: number, limit: number) => boolean;
  readonly what: string;
  readonly why: string;
}

function minimumOf({ minimum, exclusiveMinimum = false }: JsonSchema): Bound | undefined {
  if (minimum === undefined) return undefined;
  const why = exclusiveMinimum ? 'should be greater than' : 'should be greater than or equal to';
  return { limit: minimum, exceeds: (value, limit) => (exclusiveMinimum ? value <= limit : value < limit), what: 'Minimum boundary', why };
}

function maximumOf({ maximum, exclusiveMaximum = false }: JsonSchema): Bound | undefined {
  if (maximum === undefined) return undefined;
  const why = exclusiveMaximum ? 'should be less than' : 'should be less than or equal to';
  return { limit: maximum, exceeds: (value, limit) => (exclusiveMaximum ? value >= limit : value > limit), what: 'Maximum boundary', why };
}

function multipleProblem(pair: Compared, path: string): NumberProblem[] {
  const { value, limit: of, whole } = pair;
  if (of <= 0) return [{ kind: 'factor', of: shown(pair), why: `factor MultipleOf declared for ${path} must be positive: ${shown(pair)}` }];
  const fits = whole ? value % of === 0 : isAlmostWhole(of < 1 ? (1 / of) * value : value / of);
  return fits ? [] : [{ kind: 'value', why: `should be a multiple of ${shown(pair)}` }];
}

const ALMOST = 1e-9;

/** Of those beyond what JSON counts exactly none is. */
function isAlmostWhole(value: number): boolean {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return value === -(2 ** 53);
  if (Number.isInteger(value)) return true;
  const below = Math.trunc(value);
  return below !== 0 && Math.abs(value - below) / (Math.abs(value) + Math.abs(below)) < ALMOST;
}
