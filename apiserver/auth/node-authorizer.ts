/**
 * What kubelets may do: read what the pods bound to them refer to, and write what is their own.
 *
 * The index holds names only: node → its pods. What a pod refers to is derived when a node first asks, and kept with the
 * pod object. Order and wording of the refusals follow plugin/pkg/auth/authorizer/node of v1.36.
 */
import { persistentvolumeclaims, persistentvolumes, pods, resourceslices, volumeattachments } from '../../api/resources.ts';
import type { Attributes, Authorizer, Decision, UserInfo } from './auth.ts';
import type { References, ReferenceKind } from './pod-references.ts';
import { podReferences, volumeSecrets } from './pod-references.ts';
import type { Reader, Stored } from './reader.ts';
import type { Rule } from './rules.ts';
import { ruleAllows } from './rules.ts';
import type { Pod } from '../../api/types/core.v1.ts';

const ALLOW: Decision = { decision: 'allow', reason: '' };
const NOTHING: Decision = { decision: 'no-opinion', reason: '' };

const NODE_PREFIX = 'system:node:';

/** The node behind a user; undefined when he is none, '' when he is one without a name. */
export function nodeOf(user: UserInfo): string | undefined {
  return user.name.startsWith(NODE_PREFIX) && user.groups.includes('system:nodes') ? user.name.slice(NODE_PREFIX.length) : undefined;
}

export function createNodeAuthorizer(reader: Reader): Authorizer {
  const graph = new NodeGraph(reader);
  return {
    rulesFor: () => ({ resource: [], nonResource: [] }),
    authorize(attributes) {
      const node = nodeOf(attributes.user);
      if (node === undefined) return NOTHING;
      if (node === '') return no(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
      const special = SPECIAL[attributes.group ? `${attributes.group}/${attributes.resource}` : attributes.resource];
      if (special) return special(attributes, node, graph);
      return NODE_RULES.some((rule) => ruleAllows(attributes, rule)) ? ALLOW : NOTHING;
    },
  };
}

type Check = (attributes: Attributes, node: string, graph: NodeGraph) => Decision;

const SPECIAL: Readonly<Record<string, Check>> = {
  secrets: (a, node, graph) => readNamespaced(a, node, () => graph.mayReadSecret(node, a.namespace, a.name)),
  configmaps: (a, node, graph) => readNamespaced(a, node, () => graph.refers(node, 'configmaps', a.namespace, a.name)),
  persistentvolumeclaims(a, node, graph) {
    const related = (): boolean => graph.refers(node, 'persistentvolumeclaims', a.namespace, a.name);
    if (a.subresource !== 'status') return getOne(a, node, related);
    return a.verb === 'update' || a.verb === 'patch' ? relation(a, node, related) : no('can only get/update/patch this type');
  },
  persistentvolumes: (a, node, graph) => getOne(a, node, () => graph.usesVolume(node, a.name)),
  'resource.k8s.io/resourceclaims': (a, node, graph) => getOne(a, node, () => graph.refers(node, 'resourceclaims', a.namespace, a.name)),
  'storage.k8s.io/volumeattachments': (a, node, graph) => getOne(a, node, () => graph.hasAttachment(node, a.name)),
  serviceaccounts: serviceAccount,
  'coordination.k8s.io/leases': lease,
  'storage.k8s.io/csinodes': csiNode,
  'resource.k8s.io/resourceslices': resourceSlice,
  'certificates.k8s.io/podcertificaterequests': () => NOTHING,
  nodes: ownNode,
  pods: boundPod,
};

function no(reason: string): Decision {
  return { decision: 'no-opinion', reason };
}

function relation({ name }: Attributes, node: string, related: () => boolean): Decision {
  if (!name) return no('No Object name found');
  return related() ? ALLOW : no(`no relationship found between node '${node}' and this object`);
}

function readNamespaced(a: Attributes, node: string, related: () => boolean): Decision {
  if (!['get', 'list', 'watch'].includes(a.verb)) return no('can only read resources of this type');
  if (a.subresource) return no('cannot read subresource');
  if (!a.namespace) return no('can only read namespaced object of this type');
  return relation(a, node, related);
}

function getOne(a: Attributes, node: string, related: () => boolean): Decision {
  if (a.verb !== 'get') return no('can only get individual resources of this type');
  if (a.subresource) return no('cannot get subresource');
  return relation(a, node, related);
}

function serviceAccount(a: Attributes, node: string, graph: NodeGraph): Decision {
  const related = (): boolean => graph.refers(node, 'serviceaccounts', a.namespace, a.name);
  if (a.verb === 'get' && !a.subresource) return readNamespaced(a, node, related);
  if (a.verb !== 'create' || !a.name) return no('can only create tokens for individual service accounts');
  if (a.subresource !== 'token') return no('can only create token subresource of serviceaccount');
  return relation(a, node, related);
}

function lease(a: Attributes, node: string): Decision {
  if (!OWN_VERBS.includes(a.verb)) return no('can only get, create, update, patch, or delete a node lease');
  if (a.namespace !== 'kube-node-lease') return no('can only access leases in the "kube-node-lease" system namespace');
  return a.verb === 'create' || a.name === node ? ALLOW : no('can only access node lease with the same name as the requesting node');
}

function csiNode(a: Attributes, node: string): Decision {
  if (!OWN_VERBS.includes(a.verb)) return no('can only get, create, update, patch, or delete a CSINode');
  if (a.subresource) return no('cannot authorize CSINode subresources');
  return a.verb === 'create' || a.name === node ? ALLOW : no('can only access CSINode with the same name as the requesting node');
}

const OWN_VERBS: readonly string[] = ['get', 'create', 'update', 'patch', 'delete'];

function resourceSlice(a: Attributes, node: string, graph: NodeGraph): Decision {
  if (a.subresource) return no('cannot authorize ResourceSlice subresources');
  if (a.verb === 'create') return ALLOW;
  if (OWN_VERBS.includes(a.verb)) return relation(a, node, () => graph.hasSlice(node, a.name));
  if (!['watch', 'list', 'deletecollection'].includes(a.verb)) {
    return no('only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection');
  }
  return selects(a, node) ? ALLOW : no('can only list/watch/deletecollection resourceslices with nodeName field selector');
}

function ownNode(a: Attributes, node: string): Decision {
  const write = ['update', 'patch'].includes(a.verb) || (a.verb === 'create' && !a.subresource);
  if (write && (a.subresource === '' || a.subresource === 'status')) return ALLOW;
  if (a.subresource || !['get', 'list', 'watch'].includes(a.verb)) return NOTHING;
  if (a.name === node) return ALLOW;
  return no(a.name ? `node '${node}' cannot read '${a.name}', only its own Node object` : `node '${node}' cannot read all nodes, only its own Node object`);
}

function boundPod(a: Attributes, node: string, graph: NodeGraph): Decision {
  const related = (): boolean => graph.hasPod(node, a.namespace, a.name);
  switch (`${a.subresource}:${a.verb}`) {
    case ':get':
      return getOne(a, node, related);
    case ':list':
    case ':watch':
      if (selects(a, node)) return ALLOW;
      return a.name ? relation(a, node, related) : no('can only list/watch pods with spec.nodeName field selector');
    case ':create':
    case ':delete':
    case 'status:update':
    case 'status:patch':
    case 'eviction:create':
      return ALLOW;
    default:
      return NOTHING;
  }
}

/** Whether the field selector asks for what is on this node only. */
function selects({ fieldSelector = '' }: Attributes, node: string): boolean {
  return fieldSelector.split(',').some((term) => term === `spec.nodeName=${node}` || term === `spec.nodeName==${node}`);
}

/** What every node may do alike; the role `system:node` in manifests/bootstrap says the same to people. */
const NODE_RULES: readonly Rule[] = [
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
  { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews', 'localsubjectaccessreviews'], verbs: ['create'] },
  { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'update', 'patch'] },
  { apiGroups: [''], resources: ['endpoints'], verbs: ['get'] },
  { apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests'], verbs: ['create', 'get', 'list', 'watch'] },
  { apiGroups: ['storage.k8s.io'], resources: ['csidrivers'], verbs: ['get', 'watch', 'list'] },
  { apiGroups: ['node.k8s.io'], resources: ['runtimeclasses'], verbs: ['get', 'list', 'watch'] },
];

class NodeGraph {
  readonly #reader: Reader;
  /** Node → namespace → names of its pods. The texts are those of the watch cache. */
  readonly #pods = new Map<string, Map<string, Set<string>>>();
  readonly #references = new WeakMap<object, References>();

  constructor(reader: Reader) {
    this.#reader = reader;
    reader.onChange(pods, ({ type, namespace, name, fields }) => {
      const node = fields['spec.nodeName'];
      if (!node) return;
      const own = this.#pods.get(node) ?? new Map<string, Set<string>>();
      const names = own.get(namespace) ?? new Set<string>();
      if (type === 'set') {
        this.#pods.set(node, own.set(namespace, names.add(name)));
        return;
      }
      names.delete(name);
      if (names.size === 0) own.delete(namespace);
      if (own.size === 0) this.#pods.delete(node);
    });
  }

  hasPod(node: string, namespace: string, name: string): boolean {
    return this.#pods.get(node)?.get(namespace)?.has(name) ?? false;
  }

  refers(node: string, kind: ReferenceKind, namespace: string, name: string): boolean {
    for (const references of this.#of(node, namespace)) if (references[kind].has(name)) return true;
    return false;
  }

  usesVolume(node: string, name: string): boolean {
    const claim = this.#reader.get(persistentvolumes, '', name)?.spec?.claimRef;
    return claim?.namespace !== undefined && claim.name !== undefined && this.refers(node, 'persistentvolumeclaims', claim.namespace, claim.name);
  }

  mayReadSecret(node: string, namespace: string, name: string): boolean {
    return this.refers(node, 'secrets', namespace, name) || this.#throughVolume(node, `${namespace}/${name}`);
  }

  hasAttachment(node: string, name: string): boolean {
    return this.#reader.get(volumeattachments, '', name)?.spec.nodeName === node;
  }

  hasSlice(node: string, name: string): boolean {
    return this.#reader.get(resourceslices, '', name)?.spec.nodeName === node;
  }

  #throughVolume(node: string, secret: string): boolean {
    for (const { namespace, name } of this.#all(node)) {
      const pod = this.#reader.get(pods, namespace, name);
      for (const claimName of pod ? this.#referencesOf(pod).persistentvolumeclaims : []) {
        const volumeName = this.#reader.get(persistentvolumeclaims, namespace, claimName)?.spec?.volumeName;
        const volume = volumeName ? this.#reader.get(persistentvolumes, '', volumeName) : undefined;
        const claim = volume?.spec?.claimRef;
        if (volume && claim?.namespace === namespace && claim.name === claimName && volumeSecrets(volume).includes(secret)) return true;
      }
    }
    return false;
  }

  *#all(node: string): Iterable<{ readonly namespace: string; readonly name: string }> {
    for (const [namespace, names] of this.#pods.get(node) ?? []) for (const name of names) yield { namespace, name };
  }

  *#of(node: string, namespace: string): Iterable<References> {
    for (const name of this.#pods.get(node)?.get(namespace) ?? []) {
      const pod = this.#reader.get(pods, namespace, name);
      if (pod) yield this.#referencesOf(pod);
    }
  }

  #referencesOf(pod: Stored<Pod>): References {
    const known = this.#references.get(pod);
    if (known) return known;
    const references = podReferences(pod);
    this.#references.set(pod, references);
    return references;
  }
}
