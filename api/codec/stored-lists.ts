/**
 * Empty lists as they come back from a store that keeps protobuf, which cannot tell empty from none: null where they are printed at all.
 * While a request is worked on they still differ: an empty list that was sent is a field that somebody owns.
 */
import { remembered } from '../../std/remembered.ts';
import { kindFact } from '../facts/facts.ts';
import type { FieldFact } from '../facts/fact.ts';
import { jsonFields } from './compile.ts';

type Json = Readonly<Record<string, unknown>>;
/** Gives the value itself where nothing changes. */
type Clean = (value: Json) => Json;

/** An object of a built-in kind, the same one where it has no such list; its parts are shared, never changed. */
export function withStoredLists<T extends Json>(object: T): T {
  const { apiVersion, kind } = object;
  const clean = typeof apiVersion === 'string' && typeof kind === 'string' ? cleanerOf(apiVersion, kind) : undefined;
  return clean ? (clean(object) as T) : object;
}

const byKind = new Map<string, Clean | undefined>();
const byType = new Map<string, Clean | undefined>();

function cleanerOf(apiVersion: string, kind: string): Clean | undefined {
  const key = `${apiVersion} ${kind}`;
  if (byKind.has(key)) return byKind.get(key);
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const type = kindFact(group, version, kind)?.type;
  // Names of custom kinds come and go: only what the table has is remembered.
  if (!type) return undefined;
  const clean = cleanType(type);
  byKind.set(key, clean);
  return clean;
}

/** Undefined: nothing in it can be such a list. Only types of the API itself are stored as protobuf; none of them contains itself. */
function cleanType(type: string): Clean | undefined {
  if (!type.startsWith('io.k8s.api.')) return undefined;
  if (byType.has(type)) return byType.get(type);
  const fields = jsonFields(type).flatMap((field) => {
    const change = cleanField(field);
    return change ? [[field.name as string, change] as const] : [];
  });
  const clean: Clean | undefined = fields.length === 0 ? undefined : (value) => {
    let out: Record<string, unknown> | undefined;
    for (const [name, change] of fields) {
      const inner = value[name];
      if (typeof inner !== 'object' || inner === null) continue;
      const changed = change(inner);
      if (changed !== inner) (out ??= { ...value })[name] = changed;
    }
    return out ?? value;
  };
  byType.set(type, clean);
  return clean;
}

function cleanField(field: FieldFact): ((value: object) => unknown) | undefined {
  switch (field.kind) {
    case 'ref': {
      const clean = cleanType(field.ref as string);
      return clean && remembered((value: object) => clean(value as Json));
    }
    case 'list': {
      const item = field.of?.ref === undefined ? undefined : cleanType(field.of.ref);
      const printed = !field.omitempty;
      if (!item && !printed) return undefined;
      return (value) => {
        const list = value as readonly Json[];
        if (list.length === 0) return printed ? null : list;
        if (!item) return list;
        const cleaned = list.map((one) => item(one));
        return cleaned.every((one, i) => one === list[i]) ? list : cleaned;
      };
    }
    case 'map':
      return field.omitempty ? undefined : (value) => (Object.keys(value).length === 0 ? null : value);
    default:
      return undefined;
  }
}
