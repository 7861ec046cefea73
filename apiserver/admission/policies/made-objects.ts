/** Whether the objects that an expression made carry the right names. Provenance: cel/mutation/dynamic/objects.go of apiserver v0.36. */
import { List, MadeObject, Mapper, type Value } from '../../../api/cel/value.ts';

/** `Object{spec: Object.status{}}` is a mistake that the checker does not see. Undefined: there is none. */
export function typeMismatch(made: Value): string | undefined {
  const problems = roots(made).flatMap((root) => mismatches(root, root.typeName));
  return problems.length === 0 ? undefined : `type mismatch: ${problems.join('\n')}`;
}

/** The values of a patch begin anew, wherever their name does. */
function roots(made: Value): MadeObject[] {
  if (made instanceof List) return [...made].flatMap(roots);
  if (!(made instanceof MadeObject)) return [];
  if (made.typeName !== 'JSONPatch') return [made];
  const value = made.fields.get('value');
  return value instanceof MadeObject ? [value] : [];
}

function mismatches(value: Value, path: string): string[] {
  if (value instanceof MadeObject) {
    const { typeName, fields } = value;
    const own = typeName === path ? [] : [`unexpected type name ${JSON.stringify(typeName)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`];
    return [...own, ...[...fields].flatMap(([name, inner]) => mismatches(inner, `${path}.${name}`))];
  }
  if (value instanceof List) return [...value].flatMap((item) => mismatches(item, path));
  if (value instanceof Mapper) return [...value.keys()].flatMap((key) => mismatches(value.get(key) as Value, path));
  return [];
}
