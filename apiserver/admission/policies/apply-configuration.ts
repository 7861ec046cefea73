/** Merges what a policy's expression made into the object, as server-side apply does but without owners. Provenance: admission/plugin/policy/mutating/patch/smd.go of apiserver v0.36. */
import { typeOf, type Type } from '../../../api/apply/atoms.ts';
import { checkApplied } from '../../../api/apply/check.ts';
import { merge } from '../../../api/apply/merge.ts';
import type { ApiObject } from '../../../api/kind.ts';
import type { Schema } from '../../../api/schema.ts';

/** Throws an Error that says why it cannot be merged. */
export function applyConfiguration(schema: Schema, live: Readonly<ApiObject>, made: Record<string, unknown>): unknown {
  const applied = { ...made, apiVersion: live.apiVersion, kind: live.kind } as ApiObject;
  const type = typeOf(schema);
  const problem = checkApplied(type, applied);
  if (problem) throw new Error(`error applying patch: failed to convert patch object to typed object: ${problem}`);
  const atomics = atomicsIn(type, applied, '');
  if (atomics.length > 0) throw new Error(`error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`);
  return merge(type, live, applied);
}

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
