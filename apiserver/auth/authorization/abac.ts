/** Attribute-based access control: a file with one policy per line, read at the start. Pure. Provenance: pkg/auth/authorizer/abac and pkg/apis/abac of v1.36. */
import type { Attributes, Decision, NonResourceRule, ResourceRule, UserInfo } from '../auth.ts';

/** `*` stands for everything; '' for nothing, but for cluster-wide and the group without a name. */
export interface AbacPolicy {
  readonly user: string;
  readonly group: string;
  readonly readonly: boolean;
  readonly apiGroup: string;
  readonly resource: string;
  readonly namespace: string;
  readonly nonResourcePath: string;
}

export interface AbacAuthorizer {
  authorize(attributes: Attributes): Decision;
  rulesFor(user: UserInfo, namespace: string): { readonly resource: readonly ResourceRule[]; readonly nonResource: readonly NonResourceRule[] };
}

const AUTHENTICATED = 'system:authenticated';
const VERSION = 'abac.authorization.kubernetes.io/v1beta1';
const READS = new Set(['get', 'list', 'watch']);
const ALLOWED: Decision = { decision: 'allow', reason: '' };
const UNMATCHED: Decision = { decision: 'no-opinion', reason: 'No policy matched.' };

/** Throws a sentence that names the line. `file` is only named. */
export function parseAbacPolicies(text: string, file: string): AbacPolicy[] {
  return text.split('\n').flatMap((line, at) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    try {
      return [policyOf(JSON.parse(trimmed) as unknown)];
    } catch (error) {
      throw new Error(`error reading policy file ${file}, line ${at + 1}: ${line.replace(/\r$/, '')}: ${(error as Error).message}`, { cause: error });
    }
  });
}

type Fields = Readonly<Record<string, unknown>>;

function policyOf(document: unknown): AbacPolicy {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw new Error('a policy is an object');
  const { apiVersion = '', kind = '', spec = {}, ...rest } = document as Fields;
  if (apiVersion === VERSION && kind === 'Policy') return versioned(spec as Fields);
  // Whoever names neither speaks the oldest form, which has no version.
  if (apiVersion !== '' || kind !== '') throw new Error(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}; supported is the kind "Policy" of ${VERSION}, or a policy without either`);
  return unversioned(rest);
}

function versioned(spec: Fields): AbacPolicy {
  const policy = fieldsOf(spec, ['user', 'group', 'apiGroup', 'resource', 'namespace', 'nonResourcePath']);
  return policy.user === '*' || policy.group === '*' ? { ...policy, user: '', group: AUTHENTICATED } : policy;
}

/** What is left empty there matches everything. */
function unversioned(fields: Fields): AbacPolicy {
  const policy = fieldsOf(fields, ['user', 'group', 'resource', 'namespace']);
  const { user, group, namespace, resource } = policy;
  const anybody = user === '*' || group === '*' || (user === '' && group === '');
  return {
    ...policy, apiGroup: '*', namespace: namespace || '*', resource: resource || '*', nonResourcePath: namespace === '' && resource === '' ? '*' : '',
    ...(anybody && { user: '', group: AUTHENTICATED }),
  };
}

function fieldsOf(fields: Fields, known: readonly (keyof AbacPolicy)[]): AbacPolicy {
  const policy: Record<string, string | boolean> = { user: '', group: '', readonly: false, apiGroup: '', resource: '', namespace: '', nonResourcePath: '' };
  for (const [name, value] of Object.entries(fields)) {
    const wanted = name === 'readonly' ? 'boolean' : 'string';
    // A field that is not known is passed over, as upstream does.
    if (name !== 'readonly' && !(known as readonly string[]).includes(name)) continue;
    if (value === null) continue;
    if (typeof value !== wanted) throw new Error(`json: cannot unmarshal ${typeof value} into field ${name} of type ${wanted === 'boolean' ? 'bool' : wanted}`);
    policy[name] = value as string | boolean;
  }
  return policy as unknown as AbacPolicy;
}

export function abacAuthorizer(policies: readonly AbacPolicy[]): AbacAuthorizer {
  return {
    authorize(attributes) {
      const allows = (policy: AbacPolicy): boolean =>
        isMeant(policy, attributes.user) && (!policy.readonly || READS.has(attributes.verb)) && (attributes.resource === '' ? coversPath(policy, attributes.path) : coversResource(policy, attributes));
      return policies.some(allows) ? ALLOWED : UNMATCHED;
    },
    rulesFor(user, namespace) {
      const meant = policies.filter((policy) => isMeant(policy, user) && (policy.namespace === '*' || policy.namespace === namespace));
      const verbs = ({ readonly }: AbacPolicy): string[] => (readonly ? [...READS] : ['*']);
      return {
        resource: meant.filter(({ resource }) => resource !== '').map((policy) => ({ verbs: verbs(policy), apiGroups: [policy.apiGroup], resources: [policy.resource] })),
        nonResource: meant.filter(({ nonResourcePath }) => nonResourcePath !== '').map((policy) => ({ verbs: verbs(policy), nonResourceURLs: [policy.nonResourcePath] })),
      };
    },
  };
}

/** Who is named by both must be both; who is named by neither is nobody. */
function isMeant({ user, group }: AbacPolicy, { name, groups }: UserInfo): boolean {
  return (user !== '' || group !== '') && (user === '' || user === '*' || user === name) && (group === '' || group === '*' || groups.includes(group));
}

function coversPath({ nonResourcePath }: AbacPolicy, path: string): boolean {
  return nonResourcePath === '*' || nonResourcePath === path || (nonResourcePath.endsWith('*') && path.startsWith(nonResourcePath.replace(/\*+$/, '')));
}

function coversResource(policy: AbacPolicy, { namespace, resource, group }: Attributes): boolean {
  const of = (wanted: string, asked: string): boolean => wanted === '*' || wanted === asked;
  return of(policy.namespace, namespace) && of(policy.resource, resource) && of(policy.apiGroup, group);
}
