/** What calls cost at most, and how large their results are. Provenance: pkg/cel/library/cost.go of apiserver v0.36, checker/cost.go and ext/{lists,sets}.go of cel-go v0.26. */
import type { CelType } from './cel.ts';
import { CHECK, LIST, PATTERN, STRUCT, TRAVERSAL } from './cost.ts';
import { add, fixed, product, type Range, scaled, times, unknown } from './range.ts';
import type { Type } from './type.ts';
import type { Value } from './value.ts';

export interface Operand {
  readonly size: Range | undefined;
  readonly type: Type;
  readonly shape: CelType | undefined;
  readonly literal?: Value;
}

export interface CallEstimate {
  readonly cost: Range;
  /** Of the result. */
  readonly result?: Range;
}

type Estimate = (receiver: Operand | undefined, args: readonly Operand[], overload: string) => CallEstimate | undefined;

const ONE = fixed(1);
const CONSTANT: Estimate = () => ({ cost: ONE });

function sizeOf(operand: Operand | undefined): Range {
  return operand?.size ?? unknown;
}

const readArgument: Estimate = (_receiver, [text]) => text && { cost: scaled(sizeOf(text), TRAVERSAL) };
const rewriteArgument: Estimate = (_receiver, [text]) => text && { cost: scaled(sizeOf(text), TRAVERSAL), result: sizeOf(text) };
const rewriteReceiver: Estimate = (text) => text && { cost: scaled(sizeOf(text), TRAVERSAL), result: sizeOf(text) };

const search: Estimate = (list) => {
  if (!list) return undefined;
  const [item] = list.type.of;
  if (!item) return { cost: scaled(sizeOf(list), TRAVERSAL) };
  const each = item.kind === 'string' || item.kind === 'bytes' ? add(ONE, scaled(itemSize(list), TRAVERSAL)) : ONE;
  return { cost: times(sizeOf(list), each) };
};

function itemSize({ shape }: Operand): Range {
  if (shape?.kind !== 'list' && shape?.kind !== 'map') return unknown;
  return { min: 0, max: ('max' in shape.of ? shape.of.max : undefined) ?? 0 };
}

function patternCost(text: Operand | undefined, pattern: Operand | undefined): Range {
  return times(scaled(add(sizeOf(text), ONE), TRAVERSAL), scaled(sizeOf(pattern), PATTERN));
}

const find: Estimate = (text, [pattern]) => (text && pattern ? { cost: patternCost(text, pattern), result: { min: 0, max: sizeOf(text).max } } : undefined);

const replace: Estimate = (text, [from, to]) => {
  if (!text || !from || !to) return undefined;
  const [size, old, next] = [sizeOf(text), sizeOf(from), sizeOf(to)];
  const longest = old.min === 0 ? [size.max + 1, size.max] : next.max <= old.min ? [0, size.max] : [Math.ceil(size.max / old.min), 0];
  const shortest = old.max === 0 ? [size.min + 1, size.min] : old.max <= next.min ? [0, size.min] : [Math.ceil(size.min / old.max), 0];
  const count = { min: shortest[0] as number, max: longest[0] as number };
  const kept = { min: shortest[1] as number, max: longest[1] as number };
  return { cost: scaled(size, 2 * TRAVERSAL), result: add(times(count, next), kept) };
};

const split: Estimate = (text, [, limit]) => {
  if (!text) return undefined;
  const max = typeof limit?.literal === 'bigint' && limit.literal >= 0n ? Number(limit.literal) : sizeOf(text).max;
  return { cost: scaled(sizeOf(text), 2 * TRAVERSAL), result: { min: 0, max } };
};

const join: Estimate = (list, [separator]) => {
  if (!list) return undefined;
  const size = sizeOf(list);
  let result = list.type.of[0] ? times(size, itemSize(list)) : fixed(0);
  if (separator) result = add(result, times(sizeOf(separator), { min: Math.max(0, size.min - 1), max: Math.max(0, size.max - 1) }));
  return { cost: scaled(result, TRAVERSAL), result };
};

const IP_BYTES = { min: 4, max: 16 };

const containsIp: Estimate = (_receiver, [other], overload) => {
  const cost = scaled(add(IP_BYTES, IP_BYTES), TRAVERSAL);
  return other && { cost: overload === 'cidr_contains_ip_string' ? add(cost, scaled(sizeOf(other), TRAVERSAL)) : cost };
};

const containsCidr: Estimate = (_receiver, [other], overload) => {
  const cost = add(add(scaled(add(IP_BYTES, IP_BYTES), TRAVERSAL), scaled(IP_BYTES, TRAVERSAL)), ONE);
  return other && { cost: overload === 'cidr_contains_cidr_string' ? add(cost, scaled(sizeOf(other), TRAVERSAL)) : cost };
};

const selector: Estimate = (_receiver, [text]) =>
  text && { cost: add(add(fixed(LIST), scaled(sizeOf(text), TRAVERSAL)), scaled(scaled(sizeOf(text), 0.5), LIST + STRUCT)) };

/** The longest pattern of a named format, and the longest format. */
const FORMAT_PATTERN = 128;
const FORMAT_SIZE = 64;

const validate: Estimate = (_receiver, [text]) => text && { cost: scaled(scaled(sizeOf(text), TRAVERSAL), FORMAT_PATTERN * PATTERN) };

/** Types whose values are compared at once. */
const SIMPLE = new Set(['net.IP', 'net.CIDR', 'kubernetes.Quantity', 'kubernetes.Semver']);

const equals: Estimate = (_receiver, [a, b]) => {
  if (!a || !b || a.type.name !== b.type.name) return undefined;
  const { name } = a.type;
  if (SIMPLE.has(name) || name.startsWith('kubernetes.authorization.')) return { cost: ONE };
  if (name === 'kubernetes.NamedFormat') return { cost: scaled({ min: 1, max: FORMAT_SIZE }, TRAVERSAL) };
  if (name !== 'kubernetes.URL') return undefined;
  return { cost: scaled({ min: 1, max: b.size ? b.size.max : 1 }, TRAVERSAL) };
};

const BY_NAME: Readonly<Record<string, Estimate>> = {
  check: () => ({ cost: fixed(CHECK) }), fieldSelector: selector, labelSelector: selector,
  ...Object.fromEntries(['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'].map((name) => [name, search])),
  url: rewriteArgument, 'jsonpatch.escapeKey': rewriteArgument, lowerAscii: rewriteReceiver, upperAscii: rewriteReceiver, substring: rewriteReceiver, trim: rewriteReceiver,
  replace, split, join, find, findAll: find, containsIP: containsIp, containsCIDR: containsCidr, validate, '_==_': equals,
  ip: (receiver, args, overload) => (overload === 'cidr_ip' ? { cost: ONE } : readArgument(receiver, args, overload)),
  'ip.isCanonical': (_receiver, [text]) => text && { cost: scaled(sizeOf(text), 2 * TRAVERSAL) },
  ...Object.fromEntries(['cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'].map((name) => [name, readArgument])),
  ...Object.fromEntries(
    [
      'serviceAccount', 'path', 'group', 'resource', 'subresource', 'namespace', 'name', 'allowed', 'reason', 'error', 'errored', 'masked', 'prefixLength', 'family', 'isUnspecified',
      'isLoopback', 'isLinkLocalMulticast', 'isLinkLocalUnicast', 'isGlobalUnicast', 'format.named', 'sign', 'asInteger', 'isInteger', 'asApproximateFloat', 'isGreaterThan', 'isLessThan',
      'compareTo', 'add', 'sub', 'major', 'minor', 'patch', 'getScheme', 'getHostname', 'getHost', 'getPort', 'getEscapedPath', 'getQuery',
    ].map((name) => [name, CONSTANT]),
  ),
};

function allocating(factor: number, size: Range): CallEstimate {
  return { cost: add(scaled(size, factor), fixed(1 + LIST)), result: size };
}

/** Backwards there is no end. */
function between(start: number, end: number): number {
  return start > end ? Infinity : end - start;
}

function whole({ literal }: Operand | { readonly literal?: Value } = {}, otherwise = Infinity): number {
  return typeof literal === 'bigint' ? Math.max(0, Number(literal)) : otherwise;
}

const selfCompared = (at: (receiver: Operand | undefined, args: readonly Operand[]) => Operand | undefined): Estimate => (receiver, args, overload) => {
  const size = sizeOf(at(receiver, args));
  return allocating(/^list_(string|bytes)_/.test(overload) ? 2 + TRAVERSAL : 2, times(size, size));
};

const eachWithEach = (factor: number): Estimate => (_receiver, [a, b]) => ({ cost: add(scaled(times(sizeOf(a), sizeOf(b)), factor), ONE) });

const compared: Estimate = (_receiver, [a, b]) => {
  const max = Math.min(sizeOf(a).max, sizeOf(b).max);
  return { cost: scaled({ min: max > 0 ? 1 : 0, max }, TRAVERSAL) };
};

const BY_OVERLOAD: Readonly<Record<string, Estimate>> = {
  list_slice: (list, [start, end]) => allocating(1, fixed(between(whole(start, 0), whole(end, sizeOf(list).max)))),
  lists_range: (_receiver, [count]) => allocating(1, fixed(whole(count))),
  list_reverse: (list) => allocating(1, sizeOf(list)),
  list_flatten: (list) => allocating(1, sizeOf(list)),
  list_flatten_int: (list, [depth]) => allocating(whole(depth), sizeOf(list)),
  list_distinct: (list) => {
    const size = sizeOf(list);
    return allocating(2, times(size, size));
  },
  list_sets_contains_list: eachWithEach(1), list_sets_intersects_list: eachWithEach(1), list_sets_equivalent_list: eachWithEach(2),
};

const STANDARD: Readonly<Record<string, Estimate>> = {
  string_format: (text) => text && { cost: scaled(sizeOf(text), TRAVERSAL) },
  string_to_bytes: (_receiver, [text]) => ({ cost: scaled(sizeOf(text), TRAVERSAL), result: { min: sizeOf(text).min, max: product(sizeOf(text).max, 4) } }),
  bytes_to_string: (_receiver, [text]) => ({ cost: scaled(sizeOf(text), TRAVERSAL), result: { min: Math.floor(sizeOf(text).min / 4), max: sizeOf(text).max } }),
  strings_quote: (_receiver, [text]) => ({ cost: scaled(sizeOf(text), TRAVERSAL), result: { min: sizeOf(text).min + 2, max: sizeOf(text).max * 2 + 2 } }),
  starts_with_string: readArgument, ends_with_string: readArgument,
  in_list: (_receiver, [, list]) => ({ cost: sizeOf(list) }),
  matches_string: (text, [pattern]) => (text && pattern ? { cost: patternCost(text, pattern) } : undefined),
  contains_string: (text, [part]) => (text && part ? { cost: times(scaled(sizeOf(text), TRAVERSAL), scaled(sizeOf(part), TRAVERSAL)) } : undefined),
  equals: compared, not_equals: compared,
  ...Object.fromEntries(['less', 'greater', 'less_equals', 'greater_equals'].flatMap((name) => [[`${name}_string`, compared], [`${name}_bytes`, compared]])),
};

/** Undefined: a call like any other. */
export function callEstimate(name: string, overload: string, receiver: Operand | undefined, args: readonly Operand[]): CallEstimate | undefined {
  if (/^list_\w+_sort$/.test(overload)) return selfCompared((list) => list)(receiver, args, overload);
  if (overload.endsWith('_sortByAssociatedKeys')) return selfCompared((_list, [keys]) => keys)(receiver, args, overload);
  for (const [table, key] of [[BY_OVERLOAD, overload], [BY_NAME, name], [STANDARD, overload]] as const) {
    const estimate = Object.hasOwn(table, key) ? table[key]?.(receiver, args, overload) : undefined;
    if (estimate) return estimate;
  }
  return undefined;
}

