/**
 * NodeRestriction: a kubelet writes only what is about itself and the pods bound to it.
 *
 * The Node authorizer decides by names; this plugin looks into the objects. Wording follows plugin/pkg/admission/noderestriction of v1.36.
 */
import { nodes, pods } from '../../api/resources.ts';
import { notFound } from '../../api/status.ts';
import type { Node, Pod } from '../../api/types/core.v1.ts';
import { deepEqual } from '../../std/deep.ts';
import type { Authorizer } from '../auth/auth.ts';
import { nodeOf } from '../auth/node-authorizer.ts';
import type { ReferenceKind } from '../auth/pod-references.ts';
import { MIRROR_ANNOTATION, referencesOf } from '../auth/pod-references.ts';
import type { Reader, Stored } from '../auth/reader.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { forbiddenLabels } from './node-labels.ts';
import { refused } from './refuse.ts';
import { tokenAudiences } from './token-audiences.ts';

export function nodeRestriction(reader: Reader, authorizer: Pick<Authorizer, 'authorize'>): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    handles: ({ user, operation }) => operation !== 'CONNECT' && nodeOf(user) !== undefined,
    mutate(request) {
      const node = nodeOf(request.user);
      if (!node) throw refused(request, `could not determine node from user ${JSON.stringify(request.user.name)}`);
      const { group, plural } = request.kind;
      return CHECKS[group ? `${group}/${plural}` : plural]?.(request, node, reader, authorizer);
    },
  };
}

type Check = (request: AdmissionRequest, node: string, reader: Reader, authorizer: Pick<Authorizer, 'authorize'>) => void | Promise<void>;

const CHECKS: Readonly<Record<string, Check>> = {
  pods(request, node, reader) {
    if (request.subresource === '') return pod(request, node, reader);
    if (request.subresource === 'status') return podStatus(request, node);
    if (request.subresource === 'eviction') return eviction(request, node, reader);
    throw refused(request, `unexpected pod subresource ${JSON.stringify(request.subresource)}, only 'status' and 'eviction' are allowed`);
  },
  nodes: ownNode,
  persistentvolumeclaims: claimStatus,
  serviceaccounts: token,
  'coordination.k8s.io/leases'(request, node) {
    if (request.namespace !== 'kube-node-lease') throw refused(request, 'can only access leases in the "kube-node-lease" system namespace');
    requireOwnName(request, node, 'can only access node lease with the same name as the requesting node');
  },
  'storage.k8s.io/csinodes': (request, node) => requireOwnName(request, node, 'can only access CSINode with the same name as the requesting node'),
  'resource.k8s.io/resourceslices'(request, node) {
    const about = (request.operation === 'CREATE' ? request.object : request.operation === 'DELETE' ? request.old : undefined)?.['spec'] as { nodeName?: string } | undefined;
    if (about && about.nodeName !== node) throw refused(request, `can only ${request.operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`);
  },
  'certificates.k8s.io/certificatesigningrequests': certificateRequest,
};

function requireOwnName(request: AdmissionRequest, node: string, why: string): void {
  if ((request.operation === 'CREATE' ? request.object?.metadata.name : request.name) !== node) throw refused(request, why);
}

async function podOf(reader: Reader, namespace: string, name: string): Promise<Stored<Pod>> {
  // A kubelet may have heard of a pod a moment before this server's cache has it.
  const found = reader.get(pods, namespace, name) ?? (await reader.getFresh(pods, namespace, name));
  if (!found) throw notFound({ group: '', resource: 'pods', name });
  return found;
}

async function pod(request: AdmissionRequest, node: string, reader: Reader): Promise<void> {
  if (request.operation === 'DELETE') {
    const existing = await podOf(reader, request.namespace, request.name);
    if (existing.spec?.nodeName !== node) throw refused(request, `node ${JSON.stringify(node)} can only delete pods with spec.nodeName set to itself`);
    return;
  }
  if (request.operation !== 'CREATE') throw refused(request, `unexpected operation ${JSON.stringify(request.operation)}, node ${JSON.stringify(node)} can only create and delete mirror pods`);
  const created = request.object as unknown as Pod;
  if (created.metadata.annotations?.[MIRROR_ANNOTATION] === undefined) {
    throw refused(request, `pod does not have "${MIRROR_ANNOTATION}" annotation, node ${JSON.stringify(node)} can only create mirror pods`);
  }
  if (created.spec?.nodeName !== node) throw refused(request, `node ${JSON.stringify(node)} can only create pods with spec.nodeName set to itself`);
  const owners = created.metadata.ownerReferences ?? [];
  const may = (what: string): string => `node ${JSON.stringify(node)} can only create pods with ${what} set to itself`;
  if (owners.length > 1) throw refused(request, may('a single owner reference'));
  const [owner] = owners;
  if (!owner || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) throw refused(request, may('an owner reference'));
  if (!owner.controller) throw refused(request, may('a controller owner reference'));
  if (owner.blockOwnerDeletion) throw refused(request, `node ${JSON.stringify(node)} must not set blockOwnerDeletion on an owner reference`);
  const own = reader.get(nodes, '', node) ?? (await reader.getFresh(nodes, '', node));
  if (!own) throw notFound({ group: '', resource: 'nodes', name: node });
  if (owner.uid !== own.metadata.uid) throw refused(request, `node ${node} UID mismatch: expected ${owner.uid} got ${own.metadata.uid}`);
  const references = referencesOf(created);
  const kind = (Object.keys(references) as ReferenceKind[]).find((candidate) => references[candidate].size > 0);
  if (kind) throw refused(request, `node ${JSON.stringify(node)} can not create pods that reference ${kind}`);
}

function podStatus(request: AdmissionRequest, node: string): void {
  if (request.operation !== 'UPDATE') throw refused(request, `unexpected operation ${JSON.stringify(request.operation)}`);
  const before = request.old as unknown as Pod;
  const after = request.object as unknown as Pod;
  if (before.spec?.nodeName !== node) throw refused(request, `node ${JSON.stringify(node)} can only update pod status for pods with spec.nodeName set to itself`);
  if (!deepEqual(before.metadata.labels ?? {}, after.metadata.labels ?? {})) throw refused(request, `node ${JSON.stringify(node)} cannot update labels through pod status`);
  if (!deepEqual(before.status?.resourceClaimStatuses ?? [], after.status?.resourceClaimStatuses ?? [])) throw refused(request, `node ${JSON.stringify(node)} cannot update resource claim statues`);
  if (!deepEqual(before.status?.extendedResourceClaimStatus, after.status?.extendedResourceClaimStatus)) {
    throw refused(request, `node ${JSON.stringify(node)} cannot update extended resource claim status`);
  }
}

async function eviction(request: AdmissionRequest, node: string, reader: Reader): Promise<void> {
  if (request.operation !== 'CREATE') throw refused(request, `unexpected operation ${request.operation}`);
  const name = request.name || (request.object?.metadata.name ?? '');
  if (!name) throw refused(request, 'could not determine pod from request data');
  const existing = await podOf(reader, request.namespace, name);
  if (existing.spec?.nodeName !== node) throw refused(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
}

function ownNode(request: AdmissionRequest, node: string): void {
  const name = request.name || (request.object?.metadata.name ?? '');
  if (name !== node) throw refused(request, `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`);
  const after = request.object as unknown as Node | undefined;
  const before = request.old as unknown as Node | undefined;
  if (!after || request.operation === 'DELETE') return;
  const labels = forbiddenLabels(after.metadata.labels, request.operation === 'UPDATE' ? before?.metadata.labels : undefined);
  if (request.operation === 'CREATE') {
    if (after.spec?.configSource) throw refused(request, `node ${JSON.stringify(node)} is not allowed to create pods with a non-nil configSource`);
    if (labels.length > 0) throw refused(request, `node ${JSON.stringify(node)} is not allowed to set the following labels: ${labels.join(', ')}`);
    return;
  }
  const same = (pick: (of: Node | undefined) => unknown): boolean => deepEqual(pick(after) ?? [], pick(before) ?? []);
  if (after.spec?.configSource && !same((of) => of?.spec?.configSource)) throw refused(request, `node ${JSON.stringify(node)} is not allowed to update configSource to a new non-nil configSource`);
  if (!same((of) => of?.spec?.taints)) throw refused(request, `node ${JSON.stringify(node)} is not allowed to modify taints`);
  if (!same((of) => of?.metadata.ownerReferences)) throw refused(request, `node ${JSON.stringify(node)} is not allowed to modify ownerReferences`);
  if (labels.length > 0) throw refused(request, `is not allowed to modify labels: ${labels.join(', ')}`);
}

function claimStatus(request: AdmissionRequest, node: string): void {
  if (request.subresource !== 'status') throw refused(request, 'may only update PVC status');
  if (request.operation !== 'UPDATE') throw refused(request, `unexpected operation ${JSON.stringify(request.operation)}`);
  if (!deepEqual(withoutKubeletsFields(request.object), withoutKubeletsFields(request.old))) {
    throw refused(request, `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions`);
  }
}

function withoutKubeletsFields(claim: AdmissionRequest['old']): unknown {
  return {
    ...claim,
    metadata: without(claim?.metadata, ['resourceVersion', 'managedFields']),
    status: without(claim?.['status'], ['capacity', 'conditions', 'allocatedResourceStatuses', 'allocatedResources']),
  };
}

function without(object: unknown, fields: readonly string[]): unknown {
  return Object.fromEntries(Object.entries((object ?? {}) as object).filter(([field]) => !fields.includes(field)));
}

async function token(request: AdmissionRequest, node: string, reader: Reader, authorizer: Pick<Authorizer, 'authorize'>): Promise<void> {
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return;
  const spec = request.object?.['spec'] as { audiences?: string[]; boundObjectRef?: { apiVersion?: string; kind?: string; name?: string; uid?: string } } | undefined;
  const ref = spec?.boundObjectRef;
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) throw refused(request, 'node requested token not bound to a pod');
  if (!ref.uid) throw refused(request, 'node requested token with a pod binding without a uid');
  const bound = await podOf(reader, request.namespace, ref.name);
  if (bound.metadata.uid !== ref.uid) {
    throw refused(request, `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`);
  }
  if (bound.spec?.nodeName !== node) throw refused(request, 'node requested token bound to a pod scheduled on a different node');
  const asked = spec?.audiences ?? [];
  if (asked.length > 1) throw refused(request, 'node may only request 0 or 1 audiences');
  const audience = asked[0] ?? '';
  if (tokenAudiences(bound, reader).has(audience)) return;
  const may = { user: request.user, verb: 'request-serviceaccounts-token-audience', group: '', version: 'v1', resource: audience, subresource: '', namespace: request.namespace, name: request.name, path: '' };
  if (audience !== '' && (await authorizer.authorize(may)).decision === 'allow') return;
  throw refused(request, `audience ${JSON.stringify(audience)} not found in pod spec volume, ${request.user.name} is not authorized to request tokens for this audience`);
}

async function certificateRequest(request: AdmissionRequest, node: string): Promise<void> {
  if (request.operation !== 'CREATE' || request.subresource !== '') return;
  const spec = request.object?.['spec'] as { signerName?: string; request?: string } | undefined;
  if (spec?.signerName !== 'kubernetes.io/kube-apiserver-client-kubelet' && spec?.signerName !== 'kubernetes.io/kubelet-serving') return;
  const { readCertificateRequest } = await import('../pki/certificate-request.ts');
  const subject = await readCertificateRequest(spec.request ?? '').catch((error: unknown) => {
    throw refused(request, `unable to parse csr: ${(error as Error).message}`);
  });
  if (subject.commonName !== `system:node:${node}`) throw refused(request, `can only create a node CSR with CN=system:node:${node}`);
}
