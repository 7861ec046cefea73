/** Objects as upstream's server holds them, under Go's names with everything they lack: some of its error messages show them so. */
import { isEmptyCollection } from '../../codec/empties.ts';
import { canonicalQuantity } from '../../quantity.ts';
import { unifiedDiff } from '../../unified-diff.ts';
import { INTERNAL_TYPES } from './internal-types.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Slot {
  readonly name: string;
  readonly from: string;
  readonly form: string;
}

const slots = new Map<string, readonly Slot[]>();

export function internalForm(type: string, value: Fields | undefined): unknown {
  return struct(type, value ?? {}, {});
}

/** What changed, as upstream's messages end with it. */
export function internalDiff(type: string, before: Fields | undefined, after: Fields | undefined): string {
  return unifiedDiff(indented(internalForm(type, before)), indented(internalForm(type, after)));
}

function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 1).replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const INLINE_METADATA = new Set(['PersistentVolumeClaimTemplate', 'PodTemplateSpec', 'ResourceClaimTemplateSpec']);

/** Fields of a pod's spec that the server holds in its security context. */
const OF_THE_POD = new Set(['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'hostUsers']);

function struct(type: string, value: Fields, owner: Fields): unknown {
  const out: Record<string, unknown> = {};
  if (INLINE_METADATA.has(type)) {
    for (const [field, inner] of Object.entries((value['metadata'] ?? {}) as Fields)) if (!isEmptyCollection(inner)) out[field] = inner;
  }
  for (const { name, from, form } of slotsOf(type)) {
    const source = type === 'PodSecurityContext' && OF_THE_POD.has(from) ? owner : value;
    // There is always one as soon as the pod says anything about its host.
    const given = type === 'PodSpec' && from === 'securityContext' ? (value[from] ?? ([...OF_THE_POD].some((field) => value[field]) ? {} : undefined)) : source[from];
    out[name] = convert(form, given, value);
  }
  return out;
}

function slotsOf(type: string): readonly Slot[] {
  let list = slots.get(type);
  if (!list) {
    list = (INTERNAL_TYPES[type] ?? '').split(',').filter((text) => text !== '').map((text) => {
      const [names = '', form = ''] = text.split(' ');
      const [name = '', from = ''] = names.split(':');
      return { name, from: from || name.charAt(0).toLowerCase() + name.slice(1), form };
    });
    slots.set(type, list);
  }
  return list;
}

const ZERO: Readonly<Record<string, unknown>> = { s: '', b: false, i: 0, q: '0', t: null, r: null, p: 0 };

function convert(form: string, value: unknown, owner: Fields): unknown {
  const rest = form.slice(1);
  switch (form.charAt(0)) {
    case '*':
      return value === undefined || value === null ? null : convert(rest, value, owner);
    case '[':
      return Array.isArray(value) ? value.map((item) => convert(rest, item, owner)) : null;
    case '{':
      return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).sort(byKey).map(([key, item]) => [key, convert(rest, item, owner)])) : null;
    case '#':
      return struct(rest, (value ?? {}) as Fields, owner);
    case 'm':
      return withoutEmpties(value ?? {});
    case 'q':
      return value === undefined || value === null ? '0' : (canonicalQuantity(String(value)) ?? value);
    default:
      return value ?? (Object.hasOwn(ZERO, form) ? ZERO[form] : {});
  }
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** Types that all versions share leave out what is empty. */
function withoutEmpties(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpties);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => !isEmptyCollection(inner)).map(([key, inner]) => [key, withoutEmpties(inner)]));
}
