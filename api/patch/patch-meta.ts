/** What the facts table says about merging a field: its patch strategy, its merge key, and what its value is made of. */
import { typeFact } from '../facts/facts.ts';
import type { FieldFact } from '../facts/fact.ts';
import { mergeFailure } from './refusals.ts';

export interface PatchMeta {
  readonly strategy: 'merge' | 'replace' | undefined;
  readonly mergeKey: string | undefined;
  readonly list: boolean;
  /** The type of the field, or of the elements of the list; undefined where they are no objects with known fields. */
  readonly type: string | undefined;
}

/** Fields that the type does not have are refused, as are fields of what is no object with known fields. */
export function patchMeta(type: string | undefined, field: string): PatchMeta {
  if (type === undefined) throw mergeFailure('merging an object in json but data type is not struct, instead is: map');
  let known = metas.get(type);
  if (!known) metas.set(type, (known = new Map(fieldsOf(type).map((fact) => [fact.name ?? '', metaOf(fact)]))));
  const meta = known.get(field);
  if (!meta) throw mergeFailure(`unable to find api field in struct ${type.slice(type.lastIndexOf('.') + 1)} for the json field ${JSON.stringify(field)}`);
  return meta;
}

const metas = new Map<string, Map<string, PatchMeta>>();

function fieldsOf(type: string): FieldFact[] {
  return (typeFact(type)?.fields ?? []).flatMap((field) => (field.inline && field.ref ? fieldsOf(field.ref) : [field]));
}

function metaOf(field: FieldFact): PatchMeta {
  const strategies = field.patchStrategy?.split(',') ?? [];
  const list = field.kind === 'list';
  const inner = list ? field.of : field;
  return {
    strategy: strategies.includes('merge') ? 'merge' : strategies.includes('replace') ? 'replace' : undefined,
    mergeKey: field.mergeKey,
    list,
    type: inner?.kind === 'map' ? undefined : inner?.ref,
  };
}
