/** Merges what a policy's expression made into the object, as server-side apply does but without owners. Provenance: admission/plugin/policy/mutating/patch/smd.go of apiserver v0.36. */
import { typeOf, type Type } from '../../../api/apply/atoms.ts';
import { checkApplied } from '../../../api/apply/check.ts';
import { merge } from '../../../api/apply/merge.ts';
import type { ApiObject } from '../../../api/kind.ts';
import type { Schema } from '../../../api/schema.ts';

/** Kinds that only subresources speak: upstream's converter does not have them. */
const UNTYPED: ReadonlySet<string> = new Set(['policy/v1/Eviction', 'autoscaling/v1/Scale', 'authentication.k8s.io/v1/TokenRequest']);

/** Throws an Error that says why it cannot be merged. */
export function applyConfiguration(schema: Schema, live: Readonly<ApiObject>, made: Record<string, unknown>): unknown {
  if (UNTYPED.has(`${live.apiVersion}/${live.kind}`)) throw new Error(`error applying patch: failed to convert patch object to typed object: no corresponding type for ${live.apiVersion}, Kind=${live.kind}`);
  const applied = { ...made, apiVersion: live.apiVersion, kind: live.kind } as ApiObject;
  const type = typeOf(schema);
  const problem = nullsIn(type, applied, '')[0] ?? checkApplied(type, applied);
  if (problem) throw new Error(`error applying patch: failed to convert patch object to typed object: ${problem}`);
  const atomics = atomicsIn(type, applied, '');
  if (atomics.length > 0) throw new Error(`error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`);
  return merge(type, live, applied);
}

/** A null that an expression gave is a value of its own, which no field takes. */
function nullsIn({ atom }: Type, value: unknown, path: string): string[] {
  if (value === null) {
    const wanted = atom.map ? 'map' : atom.list ? 'list' : SCALARS[atom.scalar ?? ''];
    if (wanted === undefined) return [];
    return [`${path}: expected ${wanted}, got ${wanted === 'string' ? '&value.valueUnstructured{Value:0}' : '&{NULL_VALUE}'}`];
  }
  if (Array.isArray(value)) return value.flatMap((item, at) => (atom.list ? nullsIn(atom.list.element, item, `${path}[${at}]`) : []));
  if (typeof value !== 'object') return [];
  return Object.entries(value as object).flatMap(([name, one]) => {
    const field = atom.map?.fields.get(name)?.type ?? atom.map?.element;
    return field ? nullsIn(field, one, `${path}.${name}`) : [];
  });
}

const SCALARS: Readonly<Record<string, string>> = { string: 'string', numeric: 'numeric (int or float)', boolean: 'boolean' };

/** Setting a part of what is one value would take away the rest. */
function atomicsIn({ atom }: Type, value: unknown, path: string): string[] {
  if (Array.isArray(value)) {
    const { list } = atom;
    if (!list) return [];
    return [...(list.atomic ? [path] : []), ...value.flatMap((item, at) => atomicsIn(list.element, item, `${path}[${at}]`))];
  }
  if (typeof value !== 'object' || value === null || !atom.map) return [];
  const { atomic, fields } = atom.map;
  const inner = Object.entries(value).flatMap(([name, one]) => {
    const field = fields.get(name);
    return field ? atomicsIn(field.type, one, `${path}.${name}`) : [];
  });
  return [...(atomic ? [path] : []), ...inner];
}
