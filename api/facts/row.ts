/**
 * How a type is written down in the facts table, and how it is read.
 *
 * A field is `[name, number, shape, flags, more]`. No name: inline; number 0: not in protobuf. The shape is a scalar, a form, or `#Type`
 * (of the same package unless the name has dots), behind any number of `[` (list of), `{` (map of) and `m[` (list that is a message of its own).
 */
import type { FieldFact, FieldKind, Form, TypeFact, Union } from './fact.ts';

export type FieldRow = readonly [name: string, number: number, shape: string, flags?: string, more?: FieldMore];

/** What few fields have. */
export type FieldMore = Pick<FieldFact, 'enum' | 'format' | 'listType' | 'mapKeys' | 'mapType' | 'patchStrategy' | 'mergeKey' | 'gates' | 'default'> & {
  /** Of the elements. */
  readonly itemEnum?: readonly string[];
  readonly itemFormat?: string;
};

export interface TypeRow {
  readonly fields: readonly FieldRow[];
  readonly kinds?: readonly (readonly [string, string, string])[];
  readonly form?: Form;
  readonly mapType?: 'atomic';
  readonly unions?: readonly Union[];
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly schemaV2?: Readonly<Record<string, unknown>>;
  /** Absent: true. */
  readonly protobuf?: false;
}

/** One letter per flag of a field. `d`: its default is the zero value of its kind. */
export const FLAGS = { p: 'pointer', o: 'omitempty', z: 'omitzero', r: 'required', d: 'default' } as const;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const EXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.';

/** The type behind each form. */
export const FORM_TYPES: Readonly<Record<Form, string>> = {
  time: `${META}Time`,
  microtime: `${META}MicroTime`,
  duration: `${META}Duration`,
  fieldsv1: `${META}FieldsV1`,
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intorstring: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  rawextension: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  unknown: 'io.k8s.apimachinery.pkg.runtime.Unknown',
  json: `${EXTENSIONS}JSON`,
  schemaorbool: `${EXTENSIONS}JSONSchemaPropsOrBool`,
  schemaorarray: `${EXTENSIONS}JSONSchemaPropsOrArray`,
  schemaorstrings: `${EXTENSIONS}JSONSchemaPropsOrStringArray`,
};

export const ZERO: Readonly<Partial<Record<FieldKind, unknown>>> = { string: '', bool: false, int32: 0, int64: 0, double: 0 };

export function readType(home: string, name: string, row: TypeRow): TypeFact {
  const { fields, kinds = [], protobuf = true, ...rest } = row;
  return { name, protobuf, kinds, ...rest, fields: fields.map((field) => readField(home, field)) };
}

function readField(home: string, [name, number, shape, flags = '', more]: FieldRow): FieldFact {
  const { itemEnum, itemFormat, ...rest } = more ?? {};
  const kind = readShape(home, shape);
  if (kind.of && (itemEnum || itemFormat)) {
    kind.of = { ...kind.of, ...(itemEnum && { enum: itemEnum }), ...(itemFormat && { format: itemFormat }) };
  }
  const field: Record<string, unknown> = name === '' ? { inline: true } : { name };
  if (number > 0) field['number'] = number;
  Object.assign(field, kind);
  for (const flag of flags) field[FLAGS[flag as keyof typeof FLAGS]] = flag === 'd' ? (ZERO[kind.kind] ?? {}) : true;
  return Object.assign(field, rest) as unknown as FieldFact;
}

function readShape(home: string, shape: string): { kind: FieldKind; ref?: string; of?: FieldFact; message?: true } {
  if (shape.startsWith('[')) return { kind: 'list', of: readShape(home, shape.slice(1)) };
  if (shape.startsWith('{')) return { kind: 'map', of: readShape(home, shape.slice(1)) };
  if (shape.startsWith('m[')) return { kind: 'list', of: readShape(home, shape.slice(2)), message: true };
  if (shape.startsWith('#')) return { kind: 'ref', ref: shape.includes('.') ? shape.slice(1) : `${home}.${shape.slice(1)}` };
  const ref = FORM_TYPES[shape as Form];
  return { kind: shape as FieldKind, ...(ref && { ref }) };
}
