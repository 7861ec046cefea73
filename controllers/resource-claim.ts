/** The resource claim controller: makes the claims of pods' templates, reserves and releases them. */
import { pods, resourceclaims, resourceclaimtemplates } from '../api/resources.ts';
import type { ResourceClaim } from '../api/types/resource.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { nameSuffix, type Random } from '../std/random.ts';
import { confirm, create, event, patch, remove, subject, update } from './actions.ts';
import { watch, type Action, type Controller, type View } from './controller.ts';
import { controllerOf, isDeleting } from './owners.ts';
import { isDone, podKey, type StoredPod } from './pods.ts';

type StoredClaim = Stored<ResourceClaim>;
type PodClaim = NonNullable<NonNullable<StoredPod['spec']>['resourceClaims']>[number];

const POD_CLAIM = 'resource.kubernetes.io/pod-claim-name';
const FINALIZER = 'resource.kubernetes.io/delete-protection';
const MANAGER = 'ResourceClaimController';
const OF_CLAIM = 'claim ';
const MAX_BASE_LENGTH = 57;
const MAX_RESERVED = 256;

/** Pods that have been seen; of those that were forgotten the server is asked again. */
const MAX_SEEN = 10_000;

/** It remembers what it has said of which pod, and which pods it has seen. */
export function resourceClaimController(): Controller {
  const said = new Map<string, string>();
  const seen = new Set<string>();
  return {
    name: 'resourceclaim-controller',
    account: 'resource-claim-controller',
    component: 'resource_claim',
    watches: [
      watch({ resource: pods, indexes: { byResourceClaim: byClaim }, keys: (pod) => podKeys(pod, seen) }),
      watch({ resource: resourceclaims, indexes: { byOwnerPod: (claim) => [controllerOf(claim)?.uid ?? ''] }, keys: (claim, view) => [OF_CLAIM + keyOf(claim), ...ownPod(claim), ...view.of(pods).by('byResourceClaim', keyOf(claim)).map(podKey)] }),
      watch({ resource: resourceclaimtemplates, keys: ({ metadata }, view) => view.of(pods).list(metadata.namespace).filter((pod) => (pod.spec?.resourceClaims ?? []).some((one) => one.resourceClaimTemplateName === metadata.name)).map(podKey) }),
    ],
    reconcile(key, view, { random }) {
      if (key.startsWith(OF_CLAIM)) {
        const claim = view.of(resourceclaims).get(parseKey(key.slice(OF_CLAIM.length)));
        return { actions: claim ? syncClaim(claim, view, seen) : [] };
      }
      const pod = view.of(pods).get(parseKey(key));
      if (!pod || isDeleting(pod) || isDone(pod)) said.delete(key);
      if (!pod || isDeleting(pod) || isDone(pod)) return { actions: [] };
      const { actions, problem } = syncPod(pod, view, random);
      if (!problem) said.delete(key);
      if (!problem || said.get(key) === problem) return { actions };
      said.set(key, problem);
      return { actions: [...actions, event(subject(pods, pod), 'Warning', 'FailedResourceClaimCreation', problem)] };
    },
    onRefused(key, action, error, view) {
      const pod = action.do === 'create' ? view.of(pods).get(parseKey(key)) : undefined;
      if (!pod || action.do !== 'create') return [];
      const { metadata } = action.object as { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } };
      return [event(subject(pods, pod), 'Warning', 'FailedResourceClaimCreation', `PodResourceClaim ${metadata.annotations[POD_CLAIM]}: create ResourceClaim : ${error.message}`)];
    },
  };
}

function podKeys(pod: StoredPod, seen: Set<string>): string[] {
  if ((pod.spec?.resourceClaims ?? []).length === 0) return [];
  seen.add(pod.metadata.uid);
  if (seen.size > MAX_SEEN) seen.delete(seen.values().next().value as string);
  return [podKey(pod), ...byClaim(pod).map((key) => OF_CLAIM + key)];
}

function keyOf({ metadata }: StoredClaim): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** A claim that was just made for a pod is not noted there yet. */
function ownPod(claim: StoredClaim): string[] {
  const owner = controllerOf(claim);
  return owner?.kind === 'Pod' ? [`${claim.metadata.namespace}/${owner.name}`] : [];
}

/** Index: pods by the claims that they are known to use. */
function byClaim(pod: StoredPod): readonly string[] {
  return (pod.spec?.resourceClaims ?? []).flatMap((one) => {
    const name = one.resourceClaimName ?? generatedName(pod, one);
    return name ? [`${pod.metadata.namespace}/${name}`] : [];
  });
}

function generatedName({ status }: StoredPod, { name }: PodClaim): string | undefined {
  return status?.resourceClaimStatuses?.find((one) => one.name === name)?.resourceClaimName;
}

function syncPod(pod: StoredPod, view: View, random: Random): { readonly actions: readonly Action[]; readonly problem?: string } {
  const { namespace, uid, name } = pod.metadata;
  const found = new Map<string, string>();
  for (const one of pod.spec?.resourceClaims ?? []) {
    if (!one.resourceClaimTemplateName) continue;
    const noted = generatedName(pod, one);
    const known = noted ? view.of(resourceclaims).get({ namespace, name: noted }) : undefined;
    if (known && controllerOf(known)?.uid === uid) continue;
    // Made before, but not noted.
    const orphan = view.of(resourceclaims).by('byOwnerPod', uid).find(({ metadata }) => metadata.annotations?.[POD_CLAIM] === one.name);
    if (orphan) {
      found.set(one.name, orphan.metadata.name);
      continue;
    }
    const template = view.of(resourceclaimtemplates).get({ namespace, name: one.resourceClaimTemplateName });
    if (!template) return { actions: [], problem: `PodResourceClaim ${one.name}: resource claim template "${one.resourceClaimTemplateName}": resourceclaimtemplate.resource.k8s.io "${one.resourceClaimTemplateName}" not found` };
    const { labels, annotations } = template.spec.metadata ?? {};
    const owner = { apiVersion: 'v1', kind: 'Pod', name, uid, controller: true };
    const generateName = baseName(name, one.name);
    const metadata = { name: generateName + nameSuffix(random), generateName, namespace, ownerReferences: [owner], annotations: { ...annotations, [POD_CLAIM]: one.name }, ...(labels && { labels }) };
    // The next one when this one is there: names go into the pod's status together.
    return { actions: [create(resourceclaims, { metadata, spec: template.spec.spec })] };
  }
  if (found.size > 0) {
    const resourceClaimStatuses = [...found].map(([claim, resourceClaimName]) => ({ name: claim, resourceClaimName }));
    return { actions: [{ do: 'apply', resource: pods, object: { metadata: { namespace, name }, status: { resourceClaimStatuses } }, subresource: 'status', fieldManager: MANAGER, force: true }] };
  }
  return { actions: pod.spec?.nodeName ? reserve(pod, view) : [] };
}

/** Both names are cut in proportion where they would not fit together. */
function baseName(pod: string, claim: string): string {
  const whole = `${pod}-${claim}-`;
  if (whole.length <= MAX_BASE_LENGTH) return whole;
  const cut = (text: string): string => text.slice(0, Math.trunc((text.length * MAX_BASE_LENGTH) / whole.length));
  return `${cut(pod)}-${cut(claim)}`;
}

/** For pods that came to their node past the scheduler. */
function reserve(pod: StoredPod, view: View): Action[] {
  const { namespace, name, uid } = pod.metadata;
  return byClaim(pod).flatMap((key): Action[] => {
    const claim = view.of(resourceclaims).get(parseKey(key));
    const reservedFor = claim?.status?.reservedFor ?? [];
    if (!claim?.status?.allocation || claim.metadata.namespace !== namespace || reservedFor.some((one) => one.uid === uid) || reservedFor.length >= MAX_RESERVED) return [];
    return [update(resourceclaims, { ...claim, status: { ...claim.status, reservedFor: [...reservedFor, { resource: 'pods', name, uid }] } }, 'status')];
  });
}

/** Of a pod that was never seen the caches may not have heard yet: to take its devices while it is placed would be wrong. */
function certainty({ metadata: { namespace, name }, status }: StoredClaim, view: View, seen: ReadonlySet<string>): Action[] {
  const strangers = (status?.reservedFor ?? []).filter((one) => !one.apiGroup && one.resource === 'pods' && !seen.has(one.uid) && view.of(pods).get({ namespace, name: one.name })?.metadata.uid !== one.uid);
  if (strangers.length === 0) return [];
  const uids = new Set(strangers.map(({ uid }) => uid));
  return [confirm(pods, namespace as string, (found) => !found.some(({ metadata }) => uids.has(metadata.uid)), `claim ${name} is reserved for a pod that has just been made`)];
}

/** Reservations of pods that have gone or ended are given back; then the devices; then the claim itself, where it was the pod's. */
function syncClaim(claim: StoredClaim, view: View, seen: ReadonlySet<string>): Action[] {
  const reservedFor = claim.status?.reservedFor ?? [];
  const { namespace } = claim.metadata;
  const { finalizers = [] } = claim.metadata;
  const rest = finalizers.filter((one) => one !== FINALIZER);
  const held = reservedFor.filter((one) => {
    if (one.apiGroup || one.resource !== 'pods') return true;
    const pod = view.of(pods).get({ namespace, name: one.name });
    return pod !== undefined && pod.metadata.uid === one.uid && !isDone(pod) && !(isDeleting(pod) && !pod.spec?.nodeName);
  });
  if (held.length < reservedFor.length || (held.length === 0 && claim.status?.allocation && (isDeleting(claim) || reservedFor.length > 0))) {
    const { allocation, reservedFor: _, ...others } = claim.status ?? {};
    const status = { ...others, ...(held.length > 0 && { reservedFor: held }), ...(held.length > 0 && allocation && { allocation }) };
    const isFree = held.length === 0 && finalizers.includes(FINALIZER);
    return [...certainty(claim, view, seen), update(resourceclaims, { ...claim, status }, 'status'), ...(isFree ? [patch(resourceclaims, claim.metadata, { metadata: { uid: claim.metadata.uid, '$deleteFromPrimitiveList/finalizers': [FINALIZER] } })] : [])];
  }
  // A claim that is not being deleted may be about to be allocated: the scheduler protects it first.
  if (isDeleting(claim) && held.length === 0 && !claim.status?.allocation && finalizers.includes(FINALIZER)) {
    return [update(resourceclaims, { ...claim, metadata: { ...claim.metadata, finalizers: rest } })];
  }
  const owner = controllerOf(claim);
  if (owner?.kind !== 'Pod' || isDeleting(claim) || held.length > 0) return [];
  const pod = view.of(pods).get({ namespace, name: owner.name });
  return pod?.metadata.uid === owner.uid && isDone(pod) ? [remove(resourceclaims, claim)] : [];
}
