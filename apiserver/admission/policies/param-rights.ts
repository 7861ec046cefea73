/** Nobody has policies read parameters for him that he may not read. Upstream's storage checks this. Provenance: pkg/registry/admissionregistration/.../authz.go of v1.36. */
import type { Kind } from '../../../api/kind.ts';
import { forbiddenField, Path } from '../../../api/field-error.ts';
import { mutatingadmissionpolicies, validatingadmissionpolicies } from '../../../api/resources.ts';
import type { ParamKind, ParamRef } from '../../../api/types/admissionregistration.v1.ts';
import { deepEqual, type DeepReadonly } from '../../../std/deep.ts';
import type { UserInfo } from '../../auth/auth.ts';
import type { ClusterAuthorizer } from '../../auth/authorizer.ts';
import type { Reader } from '../../auth/reader.ts';
import { invalidObject } from '../../invalid.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { paramRow } from './params.ts';

const POLICIES: readonly string[] = ['validatingadmissionpolicies', 'mutatingadmissionpolicies'];
const BINDINGS: readonly string[] = ['validatingadmissionpolicybindings', 'mutatingadmissionpolicybindings'];

export interface RightsDependencies {
  readonly reader: Reader;
  readonly authorizer: ClusterAuthorizer;
  readonly kinds: () => readonly Kind[];
}

interface Spec {
  readonly paramKind?: ParamKind;
  readonly paramRef?: ParamRef;
  readonly policyName?: string;
}

export function paramRights(dependencies: RightsDependencies): AdmissionPlugin {
  return {
    name: 'PolicyParamRights',
    handles: ({ operation, kind, subresource, object }) =>
      kind.group === 'admissionregistration.k8s.io' && subresource === '' && object !== undefined && (operation === 'CREATE' || operation === 'UPDATE') &&
      (POLICIES.includes(kind.plural) || BINDINGS.includes(kind.plural)),
    async validate(request) {
      if (request.user.groups.includes('system:masters')) return;
      const spec = (request.object?.['spec'] ?? {}) as Spec;
      const old = (request.old?.['spec'] ?? {}) as Spec;
      if (POLICIES.includes(request.kind.plural)) await checkKind(request, { spec, old }, dependencies);
      else await checkRef(request, { spec, old }, dependencies);
    },
  };
}

interface Change {
  readonly spec: Spec;
  readonly old: Spec;
}

async function checkKind(request: AdmissionRequest, { spec, old }: Change, dependencies: RightsDependencies): Promise<void> {
  const { paramKind } = spec;
  if (!paramKind || deepEqual(paramKind, old.paramKind)) return;
  if (await may(request.user, { verb: 'get', name: '*', namespace: '*', ...resourceOf(paramKind, dependencies.kinds()) }, dependencies)) return;
  const { kind = '', apiVersion = '' } = paramKind;
  refuse(request, 'paramKind', `user ${show(request.user)} must have "get" permission on all objects of the referenced paramKind (kind=${kind}, apiVersion=${apiVersion})`);
}

async function checkRef(request: AdmissionRequest, { spec, old }: Change, dependencies: RightsDependencies): Promise<void> {
  const { paramRef, policyName = '' } = spec;
  if (!paramRef || (deepEqual(paramRef, old.paramRef) && policyName === old.policyName)) return;
  const mutating = request.kind.plural === 'mutatingadmissionpolicybindings';
  const policy = dependencies.reader.get(mutating ? mutatingadmissionpolicies : validatingadmissionpolicies, '', policyName);
  const paramKind = policy?.spec?.paramKind;
  const found = resourceOf(paramKind, dependencies.kinds());
  const verb = paramRef.name ? 'get' : 'list';
  if (await may(request.user, { verb, name: paramRef.name ?? '', namespace: paramRef.namespace ?? '', ...found }, dependencies)) return;
  const user = show(request.user);
  const everything = `to determine minimum required permissions and user ${user} does not have "${verb}" permission for all groups, versions and resources`;
  if (!policy) refuse(request, 'paramRef', `unable to get policy ${policyName} ${everything}`);
  if (paramKind && found.resource === '*') refuse(request, 'paramRef', `unable to resolve paramKind &{${paramKind.apiVersion ?? ''} ${paramKind.kind ?? ''}} ${everything}`);
  // Upstream has them the wrong way round for one of the two.
  const [who, what] = mutating ? [verb, user] : [user, verb];
  refuse(request, 'paramRef', `user ${who} does not have "${what}" permission on the object referenced by paramRef`);
}

interface Access {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** What is not known could be anything. */
function resourceOf(paramKind: DeepReadonly<ParamKind> | undefined, kinds: readonly Kind[]): Pick<Access, 'group' | 'version' | 'resource'> {
  if (!paramKind) return { group: '*', version: '*', resource: '*' };
  const [version = '', group = ''] = (paramKind.apiVersion ?? '').split('/').reverse();
  return { group, version, resource: paramRow(kinds, paramKind)?.plural ?? '*' };
}

async function may(user: UserInfo, access: Access, { authorizer }: RightsDependencies): Promise<boolean> {
  const { decision } = await authorizer.authorize({ user, subresource: '', path: '', ...access });
  return decision === 'allow';
}

/** As Go prints a user. */
function show({ name, uid = '', groups, extra = {} }: UserInfo): string {
  const more = Object.keys(extra).sort().map((key) => `${key}:[${(extra[key] ?? []).join(' ')}]`);
  return `&{${name} ${uid} [${groups.join(' ')}] map[${more.join(' ')}]}`;
}

function refuse({ kind, object }: AdmissionRequest, field: string, why: string): never {
  throw invalidObject(kind.group, kind.kind, object?.metadata.name ?? '', [forbiddenField(Path.of('spec', field), why)]);
}
