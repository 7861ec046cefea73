/** What the facts table says: of types and their fields, kinds, resources and groups. */

export type FieldKind =
  | 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes' | 'any'
  | 'ref' | 'list' | 'map'
  | Form;

/** Types that have a JSON form of their own. */
export type Form =
  | 'time' | 'microtime' | 'duration' | 'quantity' | 'intorstring'
  | 'rawextension' | 'fieldsv1' | 'json' | 'unknown'
  | 'schemaorbool' | 'schemaorarray' | 'schemaorstrings';

export interface FieldFact {
  /** The JSON name. Absent on `inline` fields and on elements of lists and maps. */
  readonly name?: string;
  /** The fields of `ref` stand here in JSON; with a `number` they are a nested message in protobuf. */
  readonly inline?: true;
  /** In protobuf; absent: not there. */
  readonly number?: number;
  readonly kind: FieldKind;
  /** The type of a `ref`, and of a form. */
  readonly ref?: string;
  /** The elements of a list or map. */
  readonly of?: FieldFact;
  /** On a list: in protobuf it is a message of its own with the elements in field 1. */
  readonly message?: true;
  readonly pointer?: true;
  readonly omitempty?: true;
  readonly omitzero?: true;
  readonly required?: true;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly mapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly patchStrategy?: string;
  readonly mergeKey?: string;
  /** Feature gates the field belongs to. */
  readonly gates?: readonly string[];
}

export interface Union {
  readonly discriminator?: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface TypeFact {
  readonly name: string;
  /** Whether there is a protobuf message. */
  readonly protobuf: boolean;
  /** `[group, version, kind]` of every kind that has this type. */
  readonly kinds: readonly (readonly [string, string, string])[];
  /** Then `fields` are those of the message only. */
  readonly form?: Form;
  readonly mapType?: 'atomic';
  readonly unions?: readonly Union[];
  /** OpenAPI schemas of types with a form, or without properties. */
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly schemaV2?: Readonly<Record<string, unknown>>;
  readonly fields: readonly FieldFact[];
}

export interface KindFact {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Full name of its type. */
  readonly type: string;
  /** Of a list kind: what it lists. */
  readonly itemKind?: string;
  /** The release, `1.19`, since which it is deprecated. */
  readonly deprecated?: string;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface SubresourceFact {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly responseKind?: GroupVersionKind;
  readonly acceptedTypes?: readonly GroupVersionKind[];
}

export interface ResourceFact {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
  readonly subresources?: readonly SubresourceFact[];
}

export interface GroupFact {
  readonly group: string;
  /** The preferred first. */
  readonly versions: readonly string[];
}
