/**
 * Sets of fields of an object, as trees, and their FieldsV1 form.
 *
 * A child is found under its path element as FieldsV1 writes it: `f:name` a field, `k:{"name":"a"}` an item of a keyed
 * list, `v:"x"` an item of a set, `i:0` an index. Sets are never changed once they are built: results share subtrees.
 */
import { compareElements } from './element-order.ts';

export interface FieldSet {
  /** Whether the path that leads here is in the set. Means nothing at the root. */
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet> | undefined;
}

/** The same tree while it is built. */
export interface GrowingSet {
  member: boolean;
  children: Map<string, GrowingSet> | undefined;
}

export const emptySet: FieldSet = { member: false, children: undefined };
const leaf: FieldSet = { member: true, children: undefined };

export function growingSet(): GrowingSet {
  return { member: false, children: undefined };
}

/** A child of a growing set, made where there is none. */
export function descend(set: GrowingSet, element: string): GrowingSet {
  set.children ??= new Map();
  let child = set.children.get(element);
  if (!child) set.children.set(element, (child = growingSet()));
  return child;
}

/** Adds a path; the parents are not added. The empty path stands for nothing. */
export function insert(set: GrowingSet, path: readonly string[]): void {
  if (path.length === 0) return;
  let node = set;
  for (const element of path) node = descend(node, element);
  node.member = true;
}

export function isEmpty(set: FieldSet): boolean {
  if (set.children) for (const child of set.children.values()) if (child.member || !isEmpty(child)) return false;
  return true;
}

export function has(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) node = node?.children?.get(element);
  return path.length > 0 && node?.member === true;
}

/** `a` itself where `b` adds nothing. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (!b.children && (a.member || !b.member)) return a;
  if (!a.children) return b.member || !a.member ? b : combine(true, b.children);
  const member = a.member || b.member;
  let children: Map<string, FieldSet> | undefined;
  for (const [element, child] of b.children ?? NO_CHILDREN) {
    const other = a.children.get(element);
    const both = other ? union(other, child) : child;
    if (both !== other) (children ??= new Map(a.children)).set(element, both);
  }
  return changed(a, member, children ?? a.children);
}

const NO_CHILDREN: ReadonlyMap<string, FieldSet> = new Map();

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return changed(a, a.member && b.member, prune(a.children, (element, child) => {
    const other = b.children?.get(element);
    return other && intersection(child, other);
  }));
}

/** What is in `a` but not in `b`; fields below a field of `b` stay. `a` itself where nothing goes. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (!b.children) return changed(a, a.member && !b.member, a.children);
  return changed(a, a.member && !b.member, prune(a.children, (element, child) => {
    const other = b.children?.get(element);
    return other ? difference(child, other) : child;
  }));
}

/** What is in `a` but neither in `b` nor below a field of `b`. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (!b.children) return a;
  return changed(a, a.member, prune(a.children, (element, child) => {
    const other = b.children?.get(element);
    if (other?.member) return undefined;
    return other ? recursiveDifference(child, other) : child;
  }));
}

/** Whether all that is in `b` is in `a`. */
export function contains(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  for (const [element, child] of b.children ?? NO_CHILDREN) {
    const other = a.children?.get(element);
    if (!other || (child.member && !other.member) || !contains(other, child)) return false;
  }
  return true;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if ((a.children?.size ?? 0) !== (b.children?.size ?? 0)) return false;
  for (const [element, child] of a.children ?? []) {
    const other = b.children?.get(element);
    if (!other || other.member !== child.member || !equalSets(child, other)) return false;
  }
  return true;
}

/** The paths of a set: what stands at a level before what is deeper, each in FieldsV1 order. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): string[][] {
  const entries = sorted(set);
  const here = entries.filter(([, child]) => child.member).map(([element]) => [...prefix, element]);
  return here.concat(...entries.map(([element, child]) => pathsOf(child, [...prefix, element])));
}

/** `.spec.containers[name="a"].image` */
export function pathText(path: readonly string[]): string {
  return path.map(elementText).join('');
}

export function elementText(element: string): string {
  const content = element.slice(2);
  if (element.startsWith('f:')) return `.${content}`;
  if (element.startsWith('i:')) return `[${content}]`;
  if (element.startsWith('v:')) return `[=${keyText(JSON.parse(content))}]`;
  const keys = Object.entries(JSON.parse(content) as Record<string, unknown>);
  return `[${keys.map(([name, value]) => `${name}=${keyText(value)}`).join(',')}]`;
}

/** Maps lose what holds them together, as upstream. */
function keyText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(keyText).join(',')}]`;
  if (isJsonObject(value)) return Object.entries(value).map(([name, inner]) => `${name}=${keyText(inner)}`).join('');
  return JSON.stringify(value);
}

/** The set of one path per list of field names. */
export function setOf(paths: readonly (readonly string[])[]): FieldSet {
  const set = growingSet();
  for (const path of paths) insert(set, path.map((name) => `f:${name}`));
  return set;
}

export function encodeFields(set: FieldSet): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  if (set.children) for (const [element, child] of sorted(set)) out[element] = encodeChild(child);
  return out;
}

/** Undefined where the JSON is no FieldsV1. Path elements of unknown types are left out. */
export function decodeFields(fields: unknown): FieldSet | undefined {
  const known = isJsonObject(fields) ? decoded.get(fields) : undefined;
  if (known) return known;
  const set = fields === undefined || fields === null ? emptySet : decodeChild(fields);
  if (set && isJsonObject(fields)) decoded.set(fields, set);
  return set;
}

/** Fields as they were decoded: the same objects come again and again from caches. */
const decoded = new WeakMap<object, FieldSet>();

function encodeChild(set: FieldSet): Record<string, unknown> {
  const inner = encodeFields(set);
  return set.member && set.children && set.children.size > 0 ? { '.': {}, ...inner } : inner;
}

function decodeChild(fields: unknown): FieldSet | undefined {
  if (fields === null) return leaf;
  if (!isJsonObject(fields)) return undefined;
  let member = false;
  let children: Map<string, FieldSet> | undefined;
  for (const key in fields) {
    if (key === '.') {
      member = true;
      continue;
    }
    const element = canonicalElement(key);
    if (element === undefined) return undefined;
    if (element === '') continue;
    const child = decodeChild(fields[key]);
    if (!child) return undefined;
    children ??= new Map();
    children.set(element, child);
  }
  return children ? { member, children } : leaf;
}

/** The element as this program writes it; '' where its type is unknown, undefined where it is malformed. */
function canonicalElement(key: string): string | undefined {
  if (key.length < 2 || key[1] !== ':') return undefined;
  switch (key[0]) {
    case 'f':
      return key;
    case 'i':
      return /^i:[-+]?[0-9]+$/.test(key) ? `i:${Number(key.slice(2))}` : undefined;
    case 'k':
    case 'v': {
      const known = canonical.get(key);
      if (known !== undefined) return known;
      const element = reencode(key);
      if (element !== undefined) {
        if (canonical.size >= CANONICAL_LIMIT) canonical.clear();
        canonical.set(key, element);
      }
      return element;
    }
    default:
      return '';
  }
}

/** Elements that were found well formed; all are forgotten when there are too many. */
const CANONICAL_LIMIT = 8192;
const canonical = new Map<string, string>();

function reencode(key: string): string | undefined {
  try {
    const content = JSON.parse(key.slice(2)) as unknown;
    if (key[0] === 'v') return valueElement(content);
    return isJsonObject(content) ? keyElement(Object.entries(content)) : undefined;
  } catch {
    return undefined;
  }
}

export function valueElement(value: unknown): string {
  return `v:${elementJson(value)}`;
}

/** An item of a keyed list, from the names and values of its keys. */
export function keyElement(keys: [string, unknown][]): string {
  if (keys.length > 1) keys.sort(([a], [b]) => (a < b ? -1 : 1));
  let out = 'k:{';
  for (const [name, value] of keys) out += `${out.length > 3 ? ',' : ''}${elementJson(name)}:${elementJson(value)}`;
  return `${out}}`;
}

/** JSON with what HTML minds escaped, as servers write it here. */
function elementJson(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const text = JSON.stringify(value);
  return /[<>&\u2028\u2029]/.test(text) ? text.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`) : text;
}

function sorted(set: FieldSet): [string, FieldSet][] {
  return [...(set.children ?? [])].sort(([a], [b]) => compareElements(a, b));
}

function combine(member: boolean, children: FieldSet['children']): FieldSet {
  if (!children || children.size === 0) return member ? leaf : emptySet;
  return { member, children };
}

/** A set with other contents; the same one where they are the same. */
function changed(set: FieldSet, member: boolean, children: FieldSet['children']): FieldSet {
  return member === set.member && children === set.children ? set : combine(member, children);
}

/** The children that are left, without those that hold nothing; the same map where all stay as they are. */
function prune(children: FieldSet['children'], keep: (element: string, child: FieldSet) => FieldSet | undefined): FieldSet['children'] {
  if (!children) return undefined;
  let out: Map<string, FieldSet> | undefined;
  for (const [element, child] of children) {
    const kept = keep(element, child);
    const left = kept && (kept.member || !isEmpty(kept)) ? kept : undefined;
    if (left === child) out?.set(element, child);
    else {
      out ??= upTo(children, element);
      if (left) out.set(element, left);
    }
  }
  return out ?? children;
}

function upTo(children: ReadonlyMap<string, FieldSet>, end: string): Map<string, FieldSet> {
  const out = new Map<string, FieldSet>();
  for (const [element, child] of children) {
    if (element === end) break;
    out.set(element, child);
  }
  return out;
}

function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

