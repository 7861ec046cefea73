/** Whether the objects that an expression made carry the right names. Provenance: cel/mutation/dynamic/objects.go of apiserver v0.36. */
import { Library, List, MadeObject, Mapper, typeNameOf, TypeValue, type Value } from '../../../api/cel/value.ts';

/** `Object{spec: Object.status{}}` is a mistake that the checker does not see. Undefined: there is none. */
export function typeMismatch(made: Value): string | undefined {
  const problems = roots(made).flatMap((root) => mismatches(root, root.typeName));
  return problems.length === 0 ? undefined : `type mismatch: ${problems.join('\n')}`;
}

/** Values of a JSON patch that JSON has no form for. Undefined: there are none. */
export function unwritable(made: Value): string | undefined {
  if (!(made instanceof List)) return undefined;
  const patches = [...made].filter((one): one is MadeObject => one instanceof MadeObject && one.typeName === 'JSONPatch');
  const [why] = patches.flatMap(({ fields }) => formless(fields.get('value') ?? null));
  return why === undefined ? undefined : `JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${why}`;
}

function formless(value: Value): string[] {
  if (value instanceof TypeValue) return ["type conversion not supported for 'type'"];
  if (value instanceof Library) return [`type conversion error from '${SHORT.get(typeNameOf(value)) ?? typeNameOf(value)}' to '*structpb.Value'`];
  if (value instanceof List) return [...value].flatMap(formless);
  return value instanceof Mapper ? [...value.keys()].flatMap((key) => formless(value.get(key) as Value)) : [];
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ['kubernetes.Quantity', 'Quantity'], ['net.IP', 'IP'], ['net.CIDR', 'CIDR'], ['kubernetes.URL', 'URL'], ['kubernetes.Semver', 'Semver'], ['kubernetes.NamedFormat', 'Format'],
]);

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
