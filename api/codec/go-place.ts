/** Where something stands in an object as Go's decoder tells it: with the names of embedded structs in the path, and the name that the field's type has. */
import { knownType } from '../facts/facts.ts';
import type { FieldFact } from '../facts/fact.ts';
import { namedGoType } from '../facts/go-types.ts';

/** A field name, an index, or the key of a map. */
export type Step = string | number | { readonly key: string };

export interface GoPlace {
  /** `spec`, `volumes`, `VolumeSource`, `emptyDir`. */
  readonly path: readonly string[];
  /** The type at this place, where it has a name of its own. */
  readonly type: string | undefined;
}

/** `root` is the type that the steps start from; without it nothing more is known than they say. */
export function goPlace(root: string | undefined, steps: readonly Step[]): GoPlace {
  const path: string[] = [];
  let struct = root;
  let type: string | undefined;
  for (const step of steps) {
    if (typeof step !== 'string') {
      type = type && elementOf(type);
      continue;
    }
    const found = struct === undefined ? undefined : fieldOf(struct, step);
    path.push(...(found?.embedded ?? []), step);
    type = found && namedGoType(found.owner, step);
    struct = found && structOf(found.field);
  }
  return { path, type };
}

interface Found {
  readonly field: FieldFact;
  /** The struct that has the field itself. */
  readonly owner: string;
  readonly embedded: readonly string[];
}

function fieldOf(struct: string, name: string): Found | undefined {
  const { fields } = knownType(struct);
  const field = fields.find((one) => one.name === name);
  if (field) return { field, owner: struct, embedded: [] };
  for (const { inline, ref } of fields) {
    const found = inline && ref ? fieldOf(ref, name) : undefined;
    if (found && ref) return { ...found, embedded: [ref.slice(ref.lastIndexOf('.') + 1), ...found.embedded] };
  }
  return undefined;
}

const SCHEMAS: ReadonlySet<string> = new Set(['schemaorbool', 'schemaorarray', 'schemaorstrings']);

function structOf(field: FieldFact): string | undefined {
  if (field.of) return structOf(field.of);
  if (SCHEMAS.has(field.kind)) return 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
  return field.kind === 'ref' ? field.ref : undefined;
}

function elementOf(type: string): string | undefined {
  if (type.startsWith('[]')) return named(type.slice(2));
  return type.startsWith('map[') ? named(type.slice(type.indexOf(']') + 1)) : undefined;
}

/** Types without a name are told by their values. */
function named(type: string): string | undefined {
  return type.includes('.') ? type : undefined;
}
