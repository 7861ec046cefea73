/** Parts of a definition as upstream's messages show them: its internal form, where every field stands, in its order. */
import type { CustomResourceDefinitionVersion, JSONSchemaProps } from '../types/apiextensions.v1.ts';
import type { JsonSchema } from './json-schema.ts';

/** Which parts all versions have alike: those stand elsewhere. */
export interface Shared {
  readonly schema: boolean;
  readonly subresources: boolean;
  readonly additionalPrinterColumns: boolean;
  readonly selectableFields: boolean;
}

export function internalVersion(version: CustomResourceDefinitionVersion, shared: Shared): unknown {
  const { name = '', served = false, storage = false, deprecated = false, deprecationWarning, schema, subresources, additionalPrinterColumns, selectableFields } = version;
  return {
    Name: name, Served: served, Storage: storage, Deprecated: deprecated, DeprecationWarning: deprecationWarning ?? null,
    Schema: shared.schema || !schema ? null : { OpenAPIV3Schema: schema.openAPIV3Schema ? internalSchema(schema.openAPIV3Schema) : null },
    Subresources: shared.subresources || !subresources ? null : {
      Status: subresources.status ? {} : null,
      Scale: subresources.scale
        ? { SpecReplicasPath: subresources.scale.specReplicasPath ?? '', StatusReplicasPath: subresources.scale.statusReplicasPath ?? '', LabelSelectorPath: subresources.scale.labelSelectorPath ?? null }
        : null,
    },
    AdditionalPrinterColumns: shared.additionalPrinterColumns || !additionalPrinterColumns ? null : additionalPrinterColumns.map((column) => ({
      Name: column.name ?? '', Type: column.type ?? '', Format: column.format ?? '', Description: column.description ?? '', Priority: column.priority ?? 0, JSONPath: column.jsonPath ?? '',
    })),
    SelectableFields: shared.selectableFields || !selectableFields ? null : selectableFields.map(({ jsonPath = '' }) => ({ JSONPath: jsonPath })),
  };
}

export function internalSchema(schema: JsonSchema): unknown {
  const list = (schemas: readonly JsonSchema[] | undefined): unknown => schemas?.map(internalSchema) ?? null;
  const map = (schemas: Readonly<Record<string, JsonSchema>> | undefined): unknown => schemas && Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, one]) => [name, internalSchema(one)]));
  const orBool = (one: boolean | JsonSchema | undefined): unknown => (one === undefined ? null : { Allows: one !== false, Schema: typeof one === 'object' ? internalSchema(one) : null });
  const { items, dependencies, externalDocs } = schema;
  return {
    ID: schema.id ?? '', Schema: schema.$schema ?? '', Ref: schema.$ref ?? null, Description: schema.description ?? '', Type: schema.type ?? '', Nullable: schema.nullable ?? false,
    Format: schema.format ?? '', Title: schema.title ?? '', Default: schema.default ?? null, Maximum: schema.maximum ?? null, ExclusiveMaximum: schema.exclusiveMaximum ?? false,
    Minimum: schema.minimum ?? null, ExclusiveMinimum: schema.exclusiveMinimum ?? false, MaxLength: schema.maxLength ?? null, MinLength: schema.minLength ?? null,
    Pattern: schema.pattern ?? '', MaxItems: schema.maxItems ?? null, MinItems: schema.minItems ?? null, UniqueItems: schema.uniqueItems ?? false, MultipleOf: schema.multipleOf ?? null,
    Enum: schema.enum ?? null, MaxProperties: schema.maxProperties ?? null, MinProperties: schema.minProperties ?? null, Required: schema.required ?? null,
    Items: internalItems(items), AllOf: list(schema.allOf), OneOf: list(schema.oneOf), AnyOf: list(schema.anyOf), Not: schema.not ? internalSchema(schema.not) : null,
    Properties: map(schema.properties) ?? null, AdditionalProperties: orBool(schema.additionalProperties), PatternProperties: map(schema.patternProperties) ?? null,
    Dependencies: dependencies ? Object.fromEntries(Object.entries(dependencies).map(([name, one]) => [name, { Schema: Array.isArray(one) ? null : internalSchema(one), Property: Array.isArray(one) ? one : null }])) : null,
    AdditionalItems: orBool(schema.additionalItems), Definitions: map(schema.definitions) ?? null,
    ExternalDocs: externalDocs ? { Description: externalDocs.description ?? '', URL: externalDocs.url ?? '' } : null, Example: schema.example ?? null,
    XPreserveUnknownFields: schema['x-kubernetes-preserve-unknown-fields'] ?? null, XEmbeddedResource: schema['x-kubernetes-embedded-resource'] ?? false,
    XIntOrString: schema['x-kubernetes-int-or-string'] ?? false, XListMapKeys: schema['x-kubernetes-list-map-keys'] ?? null, XListType: schema['x-kubernetes-list-type'] ?? null,
    XMapType: schema['x-kubernetes-map-type'] ?? null, XValidations: schema['x-kubernetes-validations']?.map(internalRule) ?? null,
  };
}

export function internalItems(items: JSONSchemaProps['items'] | undefined): unknown {
  if (items === undefined) return null;
  return Array.isArray(items) ? { Schema: null, JSONSchemas: items.map(internalSchema) } : { Schema: internalSchema(items), JSONSchemas: null };
}

export function internalRule(rule: NonNullable<JsonSchema['x-kubernetes-validations']>[number]): unknown {
  const { message = '', messageExpression = '', reason, fieldPath = '', optionalOldSelf } = rule;
  return { Rule: rule.rule, Message: message, MessageExpression: messageExpression, Reason: reason ?? null, FieldPath: fieldPath, OptionalOldSelf: optionalOldSelf ?? null };
}
