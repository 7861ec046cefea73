/** Scalars and types with a form of their own, from JSON to what Go prints of them. */
import type { FieldKind } from '../facts/fact.ts';
import { canonicalQuantity, quantityProblem } from '../quantity.ts';
import { badRequest } from '../status.ts';
import type { Context, Convert } from './context.ts';
import { isInt64 } from './exact-integers.ts';
import { DEPTH_LIMIT, setKey, toPlain, WrittenNumber } from './json-text.ts';
import {
  base64Problem, canonicalBase64, canonicalMicroTime, canonicalTime, formatDuration, MICRO_TIME_LAYOUT, parseDuration, TIME_LAYOUT, timeProblem, ZERO_TIME,
} from './scalars.ts';

// What is frozen was read before, and holds no number as it was written.
const raw: Convert = (value, context) => (value === null || (typeof value === 'object' && Object.isFrozen(value)) ? value : toPlain(context.keeps ? value : copy(value)));

/** Null gives the zero value. */
export const convertScalar: Readonly<Partial<Record<FieldKind, Convert>>> = {
  string: (value, context) => {
    if (typeof value === 'string') return value;
    if (value === null) return '';
    return context.mistyped(value, 'string');
  },
  bool: (value, context) => {
    if (typeof value === 'boolean') return value;
    if (value === null) return false;
    return context.mistyped(value, 'bool');
  },
  int32: (value, context) => {
    if (typeof value === 'number' && (value | 0) === value) return value;
    if (value === null) return 0;
    const whole = context.whole(value, 32);
    if (whole !== undefined) return whole;
    return context.mistyped(value, 'int32');
  },
  int64: (value, context) => {
    if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < INT64_LIMIT) return value;
    if (typeof value === 'bigint' && isInt64(value)) return value;
    if (value === null) return 0;
    const whole = context.whole(value, 64);
    if (whole !== undefined) return whole;
    return context.mistyped(value, 'int64');
  },
  double: (value, context) => {
    if (typeof value === 'number') return value;
    if (value === null) return 0;
    if (typeof value === 'bigint') return Number(value);
    if (value instanceof WrittenNumber && Number.isFinite(Number(value.text))) return Number(value.text);
    return context.mistyped(value, 'float64');
  },
  bytes: (value, context) => {
    if (value === null) return null;
    if (Array.isArray(value)) return byteList(value, context);
    if (typeof value !== 'string') return context.mistyped(value, '[]uint8');
    const text = canonicalBase64(value);
    if (text === undefined) return context.refuse(context.illegal(base64Problem(value)));
    return text;
  },
  time: (value, context) => {
    if (value === null) return null;
    const text = ownText(value, context);
    const time = canonicalTime(text);
    if (time === undefined) throw badRequest(timeProblem(text, TIME_LAYOUT));
    return time === ZERO_TIME ? null : time;
  },
  microtime: (value, context) => {
    if (value === null) return null;
    const text = ownText(value, context);
    const time = canonicalMicroTime(text);
    if (time === undefined) throw badRequest(timeProblem(text, MICRO_TIME_LAYOUT));
    return time.startsWith(ZERO_TIME.slice(0, -1)) && time.endsWith('.000000Z') ? null : time;
  },
  duration: (value, context) => {
    if (value === null) return '0s';
    const text = ownText(value, context);
    const nanos = parseDuration(text);
    if (nanos === undefined) throw badRequest(`time: invalid duration ${JSON.stringify(text)}`);
    return formatDuration(nanos);
  },
  quantity: (value) => {
    if (value === null) return '0';
    const text = typeof value === 'string' ? value : value instanceof WrittenNumber ? value.text : typeof value === 'object' ? JSON.stringify(value) : String(value);
    const quantity = canonicalQuantity(text);
    if (quantity === undefined) throw badRequest(quantityProblem(text.trim()));
    return quantity;
  },
  intorstring: (value, context) => {
    if (typeof value === 'string' || (typeof value === 'number' && (value | 0) === value)) return value;
    if (value === null) return 0;
    throw context.unread(value, 'int32');
  },
  any: raw,
  rawextension: raw,
  fieldsv1: raw,
  json: raw,
  unknown: raw,
};

/** Numbers that are not safe are those that were written so, to the digit: the readers see to it. */
const INT64_LIMIT = 2 ** 63;

function ownText(value: unknown, context: Context): string {
  if (typeof value === 'string') return value;
  throw context.unread(value, 'string');
}

/** Bytes may come as a list of numbers. */
function byteList(list: readonly unknown[], context: Context): string {
  return Buffer.from(list.map((item): number => {
    if (item === null) return 0;
    if (typeof item === 'number' && Number.isInteger(item) && item >= 0 && item <= 255) return item;
    return context.mistyped(item, 'uint8') ?? 0;
  })).toString('base64');
}

/** Raw JSON is never shared with what the caller holds. */
function copy(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || value instanceof WrittenNumber) return value;
  if (depth > DEPTH_LIMIT) throw badRequest('exceeded max depth');
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
  const out: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) setKey(out, key, copy(inner, depth + 1));
  return out;
}
