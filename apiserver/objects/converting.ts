/**
 * What counts ownership looks at objects in the versions of other managers, and does not wait. Where a webhook converts, the first
 * look finds nothing: the conversion is fetched, and the look begins anew, until everything that it asks for is there.
 */
import type { ApiObject, KindVersion } from '../../api/kind.ts';
import type { Schema } from '../../api/schema.ts';
import { deepCopy } from '../../std/deep.ts';
import { groupVersion, type Resource } from '../registry/resource.ts';

export type Converter = (object: ApiObject, apiVersion: string) => { readonly object: ApiObject; readonly schema: Schema } | undefined;

/** Conversions that one look may ask for: an object before and after, in each served version. */
const CONVERSIONS_LIMIT = 256;

class Unconverted extends Error {
  readonly object: ApiObject;
  readonly apiVersion: string;
  constructor(object: ApiObject, apiVersion: string) {
    super(`not converted to ${apiVersion}`);
    this.object = object;
    this.apiVersion = apiVersion;
  }
}

/** `look` may run several times, and must leave nothing behind when the converter throws. */
export function converting<T>(resource: Resource, look: (convert: Converter) => T): T | Promise<T> {
  return resource.kind.convert ? convertingLater(resource, look) : look(converter(resource, undefined));
}

async function convertingLater<T>(resource: Resource, look: (convert: Converter) => T): Promise<T> {
  const made = new Map<string, ApiObject>();
  for (let i = 0; ; i++) {
    try {
      return look(converter(resource, made));
    } catch (error) {
      if (!(error instanceof Unconverted) || i >= CONVERSIONS_LIMIT) throw error;
      const { object, apiVersion } = error;
      const [converted] = (await resource.kind.convert?.([object], apiVersion)) ?? [];
      if (converted) made.set(keyOf(object, apiVersion), converted);
    }
  }
}

function keyOf(object: ApiObject, apiVersion: string): string {
  return `${apiVersion} ${JSON.stringify(object)}`;
}

function converter(resource: Resource, made: ReadonlyMap<string, ApiObject> | undefined): Converter {
  const { kind } = resource;
  return (object, apiVersion) => {
    const named = (wanted: string): KindVersion | undefined => kind.versions.find((one) => groupVersion(kind.group, one.version) === wanted);
    const version = named(apiVersion);
    if (!version) return undefined;
    // Most are in the version of the request; what was converted once may come back.
    const from = named(object.apiVersion) ?? resource.version;
    if (made && version !== from) {
      const sent: ApiObject = { ...object, apiVersion: groupVersion(kind.group, from.version) };
      const own = made.get(keyOf(sent, apiVersion));
      if (!own) throw new Unconverted(sent, apiVersion);
      return { object: deepCopy(own) as ApiObject, schema: version.schema };
    }
    const copy = deepCopy(object) as ApiObject;
    // What remains of an object after what somebody gave up may be without; in upstream's types it is always there.
    if (kind.custom === undefined) copy.metadata ??= {};
    const hub = from.toHub ? from.toHub(copy) : copy;
    // Custom objects keep what the version does not have, which those who count notice.
    const own = version.fromHub && kind.custom === undefined ? version.fromHub(hub) : hub;
    own.apiVersion = apiVersion;
    return { object: own, schema: version.schema };
  };
}
