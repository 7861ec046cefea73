/** Server-side apply of YAML with several documents, in their order. */
import { parseYaml } from '../api/codec/yaml.ts';
import type { Door } from '../api/request.ts';
import type { Stored } from '../client/client.ts';

/** Any object of the API. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name?: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

export interface ApplyOptions {
  /** Of objects that name none. Default: `default`. */
  readonly namespace?: string;
  /** Default: `coracle`. */
  readonly fieldManager?: string;
  /** Takes over fields that others own. Default: true, since a test is alone. */
  readonly force?: boolean;
}

export interface Applying {
  readonly door: Door;
  /** Where objects of a kind are; undefined while nobody serves them. */
  readonly served: (group: string, version: string, kind: string) => { readonly resource: string; readonly namespaced: boolean } | undefined;
  /** A definition that was just applied is served when the server has looked at it. */
  readonly settled: () => Promise<void>;
}

export async function applyAll(yaml: string | readonly object[], { door, served, settled }: Applying, options: ApplyOptions = {}): Promise<Stored<KubeObject>[]> {
  const { namespace = 'default', fieldManager = 'coracle', force = true } = options;
  const applied: Stored<KubeObject>[] = [];
  for (const object of documents(yaml)) {
    const [group, version] = splitVersion(object.apiVersion);
    let place = served(group, version, object.kind);
    if (!place) {
      await settled();
      place = served(group, version, object.kind);
    }
    if (!place) throw new Error(`no matches for kind ${JSON.stringify(object.kind)} in version ${JSON.stringify(object.apiVersion)}`);
    const { name } = object.metadata;
    if (!name) throw new Error(`${object.kind}: apply needs metadata.name`);
    const where = place.namespaced ? { namespace: object.metadata.namespace ?? namespace } : {};
    const body = { ...object, metadata: { ...object.metadata, ...where } };
    const answer = await door.call({ verb: 'patch', group, version, resource: place.resource, ...where, name, body, patchType: 'application/apply-patch+yaml', query: { fieldManager, force: String(force) } });
    applied.push(answer as Stored<KubeObject>);
  }
  return applied;
}

/** Items of lists count as documents of their own. */
function documents(yaml: string | readonly object[]): KubeObject[] {
  const values = typeof yaml === 'string' ? yaml.split(/^---(?:[ \t].*)?\r?$/m).map((text) => parseYaml(text).value) : yaml;
  return values.filter((value) => value !== null && value !== undefined).flatMap((value) => {
    const object = value as KubeObject;
    if (typeof object !== 'object' || typeof object.apiVersion !== 'string' || typeof object.kind !== 'string') throw new Error(`this is no object of the API, it lacks apiVersion or kind: ${JSON.stringify(value).slice(0, 100)}`);
    if (object.kind.endsWith('List') && Array.isArray(object['items'])) return documents(object['items'] as object[]);
    return [{ ...object, metadata: object.metadata ?? {} }];
  });
}

function splitVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}
