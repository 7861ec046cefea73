/** The parameter objects that a binding gives to its policy. Provenance: CollectParams of admission/plugin/policy/generic, apiserver v0.36. */
import type { Kind } from '../../../api/kind.ts';
import type { ResourceRef } from '../../../api/resources.ts';
import { compileLabelSelector, matchesLabels } from '../../../api/selectors.ts';
import type { ParamKind, ParamRef } from '../../../api/types/admissionregistration.v1.ts';
import type { ApiObject } from '../../../api/kind.ts';
import { deepCopy, type DeepReadonly } from '../../../std/deep.ts';
import type { Reader, Stored } from '../../auth/reader.ts';

export type Param = Stored<ApiObject>;

export interface ParamContext {
  readonly reader: Reader;
  readonly kinds: () => readonly Kind[];
  /** Of the request. */
  readonly namespace: string;
}

/** The row of a kind that is served in this version. */
export function paramRow(kinds: readonly Kind[], { apiVersion = '', kind = '' }: DeepReadonly<ParamKind>): Kind | undefined {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return kinds.find((row) => row.group === group && row.kind === kind && row.versions.some((one) => one.version === version));
}

export function unknownParamKind({ apiVersion = '', kind = '' }: DeepReadonly<ParamKind>): string {
  return `failed to find resource referenced by paramKind: '${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}'`;
}

/** `[undefined]` where the policy runs without one; `[]` where it does not run. Throws an Error that says what is wrong. */
export function collectParams(row: Kind | undefined, paramKind: DeepReadonly<ParamKind> | undefined, ref: DeepReadonly<ParamRef> | undefined, context: ParamContext): readonly (ApiObject | undefined)[] {
  if (!paramKind || !row || !ref) return [undefined];
  const { reader } = context;
  const namespace = namespaceOf(row, ref, context.namespace);
  const resource = { group: row.group, version: row.hub, resource: row.plural, kind: row.kind, namespaced: row.namespaced } as ResourceRef<ApiObject>;
  let found: readonly Param[];
  if (ref.name) {
    const one = reader.get(resource, namespace, ref.name);
    found = one ? [one] : [];
  } else {
    const selector = compileLabelSelector(ref.selector as Parameters<typeof compileLabelSelector>[0]);
    const all = row.namespaced ? reader.list(resource, namespace) : reader.list(resource);
    found = all.filter(({ metadata }) => matchesLabels(selector, metadata.labels as Record<string, string> | undefined));
  }
  if (found.length === 0 && ref.parameterNotFoundAction === 'Deny') throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction');
  return found.map((param) => inVersion(row, paramKind, param));
}

function namespaceOf(row: Kind, ref: DeepReadonly<ParamRef>, own: string): string {
  if (!row.namespaced) {
    if (ref.namespace) throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
    return '';
  }
  const namespace = ref.namespace || own;
  if (namespace === '') throw new Error('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  return namespace;
}

function inVersion(row: Kind, { apiVersion = '' }: DeepReadonly<ParamKind>, param: Param): ApiObject {
  const version = row.versions.find((one) => one.version === apiVersion.slice(apiVersion.indexOf('/') + 1));
  if (!version?.fromHub && param.apiVersion === apiVersion) return param as unknown as ApiObject;
  const copy = deepCopy(param) as unknown as ApiObject;
  const shown = version?.fromHub ? version.fromHub(copy) : copy;
  shown.apiVersion = apiVersion;
  return shown;
}
