/** The paths and operations of what is served, as data that both OpenAPI versions are written from. */
import { kindFact } from '../facts/facts.ts';
import type { GroupVersionKind } from '../facts/fact.ts';
import type { Kind, KindVersion, Subresource } from '../kind.ts';
import { NAME, NAMESPACE, optionsOf, query, REST, type Parameter } from './parameters.ts';

export type Method = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch';

export interface Operation {
  readonly method: Method;
  readonly id: string;
  readonly tag: string;
  readonly action?: string;
  readonly gvk?: GroupVersionKind;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly type: string; readonly required: boolean };
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  /** Status code and type; no type: plain text. */
  readonly responses: readonly (readonly [code: number, type: string | undefined])[];
}

export interface PathItem {
  readonly path: string;
  readonly operations: readonly Operation[];
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
export const ENCODINGS = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const CUSTOM_ENCODINGS = ['application/json', 'application/yaml'];
const STREAMS = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
const PATCHES = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml'];
const CUSTOM_PATCHES = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];
const ANY = ['*/*'];

const LIST = query('allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'pretty', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'shardSelector', 'timeoutSeconds', 'watch');
const WRITE = query('dryRun', 'fieldManager', 'fieldValidation', 'pretty');
const PATCH = query('dryRun', 'fieldManagerOfPatch', 'fieldValidation', 'force', 'pretty');
const DELETE = query('dryRun', 'gracePeriodSeconds', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents', 'propagationPolicy', 'pretty');
const DELETE_COLLECTION = [...DELETE, ...query('continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'shardSelector', 'timeoutSeconds')];
const PRETTY = query('pretty');

/** Kinds whose deletion answers with the object. */
const DELETE_RETURNS_OBJECT: ReadonlySet<string> = new Set([
  'PersistentVolumeClaim', 'Pod', 'PodTemplate', 'ResourceQuota', 'ServiceAccount', 'Service', 'PersistentVolume',
  'DeviceClass.resource.k8s.io', 'ResourceClaim.resource.k8s.io', 'ResourceClaimTemplate.resource.k8s.io', 'ResourceSlice.resource.k8s.io',
  'CSIDriver.storage.k8s.io', 'CSINode.storage.k8s.io', 'StorageClass.storage.k8s.io', 'VolumeAttachment.storage.k8s.io', 'VolumeAttributesClass.storage.k8s.io',
]);

/** `/apis/apps/v1`, `/api/v1` */
export function rootOf({ group, version }: GroupVersion): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** The paths of one group and version, its discovery document first. */
export function versionPaths(kinds: readonly Kind[], gv: GroupVersion): PathItem[] {
  const names = namesOf(gv);
  const own = kinds.filter((kind) => kind.group === gv.group && kind.versions.some(({ version }) => version === gv.version));
  const root = `${rootOf(gv)}/`;
  const discovery = own.every((kind) => kind.custom !== undefined) ? [] : [discoveryPath(root, names.tag, `get${names.prefix}APIResources`, `${META}APIResourceList`)];
  return [...discovery, ...own.flatMap((kind) => kindPaths(kind, gv))].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The discovery document of a path that is no group and version: `/api/`, `/apis/`, `/apis/apps/`. */
export function groupPaths(group: string | undefined, root: 'api' | 'apis'): PathItem[] {
  if (root === 'api') return [discoveryPath('/api/', 'core', 'getCoreAPIVersions', `${META}APIVersions`)];
  if (group === undefined) return [discoveryPath('/apis/', 'apis', 'getAPIVersions', `${META}APIGroupList`)];
  const { tag, prefix } = namesOf({ group, version: '' });
  return [discoveryPath(`/apis/${group}/`, tag.slice(0, -1), `get${prefix}APIGroup`, `${META}APIGroup`)];
}

/** Paths that belong to no group. */
export const OTHER_PATHS: readonly PathItem[] = [
  plainPath('/.well-known/openid-configuration/', { tag: 'WellKnown', id: 'getServiceAccountIssuerOpenIDConfiguration', produces: ['application/json'] }),
  plainPath('/openid/v1/jwks/', { tag: 'openid', id: 'getServiceAccountIssuerOpenIDKeyset', produces: ['application/jwk-set+json'] }),
  plainPath('/version/', { tag: 'version', id: 'getCodeVersion', produces: ['application/json'], consumes: ['application/json'], type: 'io.k8s.apimachinery.pkg.version.Info' }),
];

interface Plain {
  readonly tag: string;
  readonly id: string;
  readonly produces: readonly string[];
  readonly consumes?: readonly string[];
  readonly type?: string;
}

function plainPath(path: string, { tag, id, produces, consumes = [], type }: Plain): PathItem {
  return { path, operations: [{ method: 'get', id, tag, parameters: [], consumes, produces, responses: [[200, type]] }] };
}

function discoveryPath(path: string, tag: string, id: string, type: string): PathItem {
  return plainPath(path, { tag, id, produces: ENCODINGS, consumes: ENCODINGS, type });
}

/** `apps_v1` and `AppsV1`; `rbacAuthorization_v1` and `RbacAuthorizationV1`. */
function namesOf({ group, version }: GroupVersion): { tag: string; prefix: string } {
  const words = (group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')).split(/[.-]/);
  const prefix = words.map(capital).join('');
  return { tag: `${prefix.slice(0, 1).toLowerCase()}${prefix.slice(1)}_${version}`, prefix: `${prefix}${capital(version)}` };
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The schema's name for a kind: of the facts table, or made of the group backwards for custom ones. */
export function typeNameOf(kind: Kind, { version, schema }: KindVersion): string {
  return 'type' in schema ? schema.type : `${kind.group.split('.').reverse().join('.')}.${version}.${kind.kind}`;
}

export function listTypeOf(kind: Kind, version: KindVersion): string {
  const type = typeNameOf(kind, version);
  return `${type.slice(0, type.lastIndexOf('.') + 1)}${kind.listKind}`;
}

function kindPaths(kind: Kind, gv: GroupVersion): PathItem[] {
  const version = kind.versions.find((one) => one.version === gv.version) as KindVersion;
  return new KindPaths(kind, version, gv).items();
}

class KindPaths {
  readonly #kind: Kind;
  readonly #gv: GroupVersion;
  readonly #type: string;
  readonly #listType: string;
  readonly #names: { readonly tag: string; readonly prefix: string };
  readonly #custom: boolean;
  readonly #gvk: GroupVersionKind;
  readonly #subresources: readonly Subresource[];

  constructor(kind: Kind, version: KindVersion, gv: GroupVersion) {
    this.#kind = kind;
    this.#gv = gv;
    this.#type = typeNameOf(kind, version);
    this.#listType = listTypeOf(kind, version);
    this.#names = namesOf(gv);
    this.#custom = kind.custom !== undefined;
    this.#subresources = version.own?.subresources ?? kind.subresources;
    this.#gvk = { group: gv.group, version: gv.version, kind: kind.kind };
  }

  items(): PathItem[] {
    const { plural, namespaced } = this.#kind;
    const root = rootOf(this.#gv);
    const scope = namespaced ? '/namespaces/{namespace}' : '';
    const items: PathItem[] = [
      { path: `${root}${scope}/${plural}`, operations: this.#collection() },
      { path: `${root}${scope}/${plural}/{name}`, operations: this.#single() },
      ...(namespaced && this.#can('list') ? [{ path: `${root}/${plural}`, operations: [this.#list('ForAllNamespaces')] }] : []),
      ...(this.#custom ? [] : this.#watches(root, scope)),
      ...this.#subresources.flatMap((subresource) => this.#subresource(`${root}${scope}/${plural}/{name}/${subresource.name}`, subresource)),
    ];
    return items.filter(({ operations }) => operations.length > 0);
  }

  #can(verb: string): boolean {
    return (this.#kind.verbs as readonly string[]).includes(verb);
  }

  get #scoped(): string {
    return this.#kind.namespaced ? 'Namespaced' : '';
  }

  get #place(): Parameter[] {
    return this.#kind.namespaced ? [NAMESPACE] : [];
  }

  #operation(operation: Pick<Operation, 'method' | 'id' | 'parameters' | 'responses'> & Partial<Operation>): Operation {
    return { tag: this.#names.tag, gvk: this.#gvk, consumes: this.#custom ? CUSTOM_ENCODINGS : ANY, produces: this.#custom ? CUSTOM_ENCODINGS : ENCODINGS, ...operation };
  }

  #list(suffix: '' | 'ForAllNamespaces'): Operation {
    const scoped = suffix === '' ? this.#scoped : '';
    return this.#operation({
      method: 'get', id: `list${this.#names.prefix}${scoped}${this.#kind.kind}${suffix}`, action: 'list',
      parameters: [...LIST, ...(suffix === '' ? this.#place : [])], responses: [[200, this.#listType]],
      ...(!this.#custom && { produces: [...ENCODINGS, ...STREAMS] }),
    });
  }

  #collection(): Operation[] {
    const { prefix } = this.#names;
    const { kind } = this.#kind;
    const operations: Operation[] = [];
    if (this.#can('list')) operations.push(this.#list(''));
    if (this.#can('create')) {
      operations.push(this.#operation({
        method: 'post', id: `create${prefix}${this.#scoped}${kind}`, action: 'post', parameters: [...WRITE, ...this.#place], body: { type: this.#type, required: true },
        responses: [[200, this.#type], [201, this.#type], [202, this.#type]],
      }));
    }
    if (this.#can('deletecollection')) {
      operations.push(this.#operation({
        method: 'delete', id: `delete${prefix}Collection${this.#scoped}${kind}`, action: 'deletecollection', parameters: [...(this.#custom ? LIST : DELETE_COLLECTION), ...this.#place],
        ...(!this.#custom && { body: { type: `${META}DeleteOptions`, required: false } }), responses: [[200, `${META}Status`]],
      }));
    }
    return operations;
  }

  #single(): Operation[] {
    return this.#readAndWrite({ suffix: '', type: this.#type, gvk: this.#gvk, verbs: this.#kind.verbs });
  }

  #readAndWrite({ suffix, type, gvk, verbs }: { suffix: string; type: string; gvk: GroupVersionKind; verbs: readonly string[] }): Operation[] {
    const { prefix } = this.#names;
    const name = `${prefix}${this.#scoped}${this.#kind.kind}${suffix}`;
    const place = [...this.#place, NAME];
    const operations: Operation[] = [];
    const add = (verb: string, operation: Pick<Operation, 'method' | 'id' | 'parameters' | 'responses'> & Partial<Operation>): void => {
      if (verbs.includes(verb)) operations.push(this.#operation({ action: operation.method, gvk, ...operation }));
    };
    add('get', { method: 'get', id: `read${name}`, parameters: [...PRETTY, ...(this.#custom ? query('resourceVersion') : []), ...place], responses: [[200, type]] });
    add('update', { method: 'put', id: `replace${name}`, parameters: [...WRITE, ...place], body: { type, required: true }, responses: [[200, type], [201, type]] });
    if (suffix === '') {
      const returns = DELETE_RETURNS_OBJECT.has(this.#kind.group === '' ? this.#kind.kind : `${this.#kind.kind}.${this.#kind.group}`) ? type : `${META}Status`;
      add('delete', { method: 'delete', id: `delete${name}`, parameters: [...DELETE, ...place], body: { type: `${META}DeleteOptions`, required: false }, responses: [[200, returns], [202, returns]] });
    }
    add('patch', {
      method: 'patch', id: `patch${name}`, parameters: [...PATCH, ...place], body: { type: `${META}Patch`, required: true },
      consumes: this.#custom ? CUSTOM_PATCHES : PATCHES, responses: this.#custom ? [[200, type]] : [[200, type], [201, type]],
    });
    return operations;
  }

  #watches(root: string, scope: string): PathItem[] {
    if (!this.#can('watch')) return [];
    const { plural, kind, namespaced } = this.#kind;
    const { prefix } = this.#names;
    const watch = (id: string, action: 'watch' | 'watchlist', place: readonly Parameter[]): Operation[] => [
      this.#operation({ method: 'get', id: `watch${prefix}${id}`, action, parameters: [...LIST, ...place], produces: [...ENCODINGS, ...STREAMS], responses: [[200, `${META}WatchEvent`]] }),
    ];
    return [
      { path: `${root}/watch${scope}/${plural}`, operations: watch(`${this.#scoped}${kind}List`, 'watchlist', this.#place) },
      { path: `${root}/watch${scope}/${plural}/{name}`, operations: watch(`${this.#scoped}${kind}`, 'watch', [...this.#place, NAME]) },
      ...(namespaced ? [{ path: `${root}/watch/${plural}`, operations: watch(`${kind}ListForAllNamespaces`, 'watchlist', []) }] : []),
    ];
  }

  #subresource(path: string, { name, verbs, speaks }: Subresource): PathItem[] {
    const gvk = this.#custom ? this.#gvk : (speaks ?? this.#gvk);
    const suffix = capital(name);
    if (speaks?.kind.endsWith('Options')) return this.#connect(path, suffix, { name, gvk: speaks });
    const type = speaks ? (kindFact(speaks.group, speaks.version, speaks.kind)?.type ?? this.#type) : this.#type;
    if (name === 'log') {
      const parameters = [...PRETTY, ...optionsOf('PodLogOptions'), ...this.#place, NAME];
      const id = `read${this.#names.prefix}${this.#scoped}${this.#kind.kind}${suffix}`;
      return [{ path, operations: [this.#operation({ method: 'get', id, action: 'get', parameters, produces: ['text/plain', ...ENCODINGS], responses: [[200, undefined]] })] }];
    }
    const operations = this.#readAndWrite({ suffix, type, gvk, verbs });
    if (verbs.includes('create')) {
      const id = `create${this.#names.prefix}${this.#scoped}${this.#kind.kind}${suffix}`;
      const responses = [[200, type], [201, type], [202, type]] as const;
      operations.push(this.#operation({ method: 'post', id, action: 'post', gvk, parameters: [...WRITE, ...this.#place, NAME], body: { type, required: true }, responses }));
    }
    return [{ path, operations }];
  }

  #connect(path: string, suffix: string, { name, gvk }: { name: string; gvk: GroupVersionKind }): PathItem[] {
    const methods: readonly Method[] = name === 'proxy' ? ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'] : ['get', 'post'];
    const operations = (end: string, rest: readonly Parameter[]): Operation[] =>
      methods.map((method) => this.#operation({
        method, id: `connect${this.#names.prefix}${capital(method)}${this.#scoped}${this.#kind.kind}${suffix}${end}`, action: 'connect', gvk,
        parameters: [...optionsOf(gvk.kind), ...rest, ...this.#place, NAME], produces: ANY, responses: [[200, undefined]],
      }));
    const items = [{ path, operations: operations('', []) }];
    return name === 'proxy' ? [...items, { path: `${path}/{path}`, operations: operations('WithPath', [REST]) }] : items;
  }
}
