/** Looks at one object whose owners may be gone, and does what follows: delete it, cut its ties, or let its dependents go. */
import { isReason } from '../../api/status.ts';
import type { PartialObjectMetadata } from '../../api/types/meta.v1.ts';
import type { Client, Stored } from '../../client/client.ts';
import type { EventSubject } from '../controller.ts';
import { apiVersionOf } from '../../client/open-client.ts';
import { FOREGROUND, ORPHAN, groupOf, isMeant, isWaiting, nodeOf, type Graph, type Node, type Owner } from './graph.ts';
import type { AnyRef } from '../served.ts';

export interface Collecting {
  readonly client: Client;
  readonly graph: Graph;
  /** The resource of an owner's kind, if it is known. */
  readonly resourceOf: (owner: Owner) => AnyRef | undefined;
  /** Whether the owner's version of its kind is served; of a kind that nobody knows, nobody can tell. */
  readonly isServed: (owner: Owner) => boolean;
  /** References that were found to lead nowhere. */
  readonly absent: { has(reference: string): boolean; add(reference: string): void };
  readonly lookAt: (uid: string) => void;
  readonly warn: (about: EventSubject, reason: string, message: string) => void;
}

type Live = Stored<PartialObjectMetadata>;

export async function collect(uid: string, collecting: Collecting): Promise<void> {
  const node = collecting.graph.get(uid);
  if (!node) return;
  if (node.deleting && !isWaiting(node)) return;
  if (!isWaiting(node) && node.owners.every((owner) => isSolid(owner, node, collecting.graph))) return;
  const live = await liveOf(node, collecting);
  if (!live) return;
  if (isWaiting(nodeOf(node.resource, live))) return release(node, live, collecting);
  const owners = nodeOf(node.resource, live).owners;
  if (owners.length === 0) return;
  const fates = await Promise.all(owners.map(async (owner) => ({ owner, fate: await fateOf(owner, node, collecting) })));
  const solid = fates.filter(({ fate }) => fate === 'solid');
  if (solid.length === fates.length) return;
  if (solid.length > 0) return patchMetadata(node, live, { ownerReferences: solid.map(({ owner }) => owner) }, collecting);
  const waited = fates.some(({ fate }) => fate === 'waiting');
  const { graph, client } = collecting;
  const finalizers = nodeOf(node.resource, live).finalizers;
  const dependents = graph.dependents(uid);
  if (waited && dependents.length > 0) await unblockCircle(node, live, dependents, collecting);
  const propagationPolicy = finalizers.includes(ORPHAN) ? 'Orphan' : finalizers.includes(FOREGROUND) || (waited && dependents.length > 0) ? 'Foreground' : 'Background';
  try {
    await client.delete(node.resource, keyOf(node), { propagationPolicy, preconditions: { uid, resourceVersion: live.metadata.resourceVersion } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

/** Cuts the ties of an object's dependents to it, and then lets it go. */
export async function orphan(uid: string, collecting: Collecting): Promise<void> {
  const node = collecting.graph.get(uid);
  const live = node && (await liveOf(node, collecting));
  if (!node || !live || !nodeOf(node.resource, live).finalizers.includes(ORPHAN)) return;
  for (const dependent of collecting.graph.dependents(uid)) {
    const current = await liveOf(dependent, collecting);
    if (!current) continue;
    const { owners } = nodeOf(dependent.resource, current);
    await patchMetadata(dependent, current, { ownerReferences: owners.filter((owner) => owner.uid !== uid) }, collecting);
  }
  await dropFinalizer(node, live, ORPHAN, collecting);
}

/** Names what is, or was, meant by a reference: versions of one kind are one kind. */
export function referenceText({ group, kind, namespace, name, uid }: { readonly group: string; readonly kind: string; readonly namespace: string; readonly name: string; readonly uid: string }): string {
  return [group, kind, namespace, name, uid].join(' ');
}

type Fate = 'solid' | 'absent' | 'waiting';

/** Known to be there and to stay. Should the graph lag, the owner's own deletion brings us back. */
function isSolid(owner: Owner, dependent: Node, graph: Graph): boolean {
  const known = graph.get(owner.uid);
  return known !== undefined && isMeant(owner, known) && !isWaiting(known) && isInReach(known, dependent);
}

function isInReach(owner: Node, dependent: Node): boolean {
  return !owner.resource.namespaced || owner.namespace === dependent.namespace;
}

async function fateOf(owner: Owner, dependent: Node, collecting: Collecting): Promise<Fate> {
  if (!collecting.isServed(owner)) throw notServed(owner);
  const known = collecting.graph.get(owner.uid);
  const referred = (namespace: string): string => referenceText({ group: groupOf(owner.apiVersion), kind: owner.kind, namespace, name: owner.name, uid: owner.uid });
  if (!known && [dependent.namespace, ''].some((namespace) => collecting.absent.has(referred(namespace)))) return 'absent';
  const meant = known !== undefined && isMeant(owner, known);
  const resource = meant ? known.resource : collecting.resourceOf(owner);
  // A kind that nobody serves now may be served again: nothing is deleted for it.
  if (!resource) throw notServed(owner);
  if (known && !isInReach(known, dependent)) warnOfNamespace(owner, dependent, collecting);
  if (resource.namespaced && dependent.namespace === '') return 'solid';
  if (meant && isInReach(known, dependent)) return isWaiting(known) ? 'waiting' : 'solid';
  const reference = referred(resource.namespaced ? dependent.namespace : '');
  if (collecting.absent.has(reference)) return 'absent';
  const namespace = resource.namespaced ? dependent.namespace : '';
  try {
    const found = await collecting.client.get(resource, { ...(namespace && { namespace }), name: owner.name });
    if (found.metadata.uid === owner.uid) return isWaiting(nodeOf(resource, found)) ? 'waiting' : 'solid';
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
  collecting.absent.add(reference);
  return 'absent';
}

function notServed({ apiVersion, kind }: Owner): Error {
  return new Error(`unable to find the resource of owner ${apiVersion}/${kind}`);
}

function warnOfNamespace({ apiVersion, kind, name, uid }: Owner, dependent: Node, { warn }: Collecting): void {
  const reference = `[${apiVersion}/${kind}, namespace: ${dependent.namespace}, name: ${name}, uid: ${uid}]`;
  const about = { apiVersion: apiVersionOf(dependent.resource), kind: dependent.resource.kind, ...(dependent.namespace && { namespace: dependent.namespace }), name: dependent.name, uid: dependent.uid };
  warn(about, 'OwnerRefInvalidNamespace', `ownerRef ${reference} does not exist in namespace "${dependent.namespace}"`);
}

/** An owner in foreground deletion goes when nothing blocks it any more; until then its blocking dependents must go. */
async function release(node: Node, live: Live, collecting: Collecting): Promise<void> {
  const blocking = collecting.graph.blocking(node.uid);
  if (blocking.length === 0) return dropFinalizer(node, live, FOREGROUND, collecting);
  for (const dependent of blocking) if (!isWaiting(dependent)) collecting.lookAt(dependent.uid);
}

/** Among objects that own each other in a circle each would wait for the next: this one stops blocking those that wait. */
async function unblockCircle(node: Node, live: Live, dependents: readonly Node[], collecting: Collecting): Promise<void> {
  if (!dependents.some(isWaiting)) return;
  const owners = nodeOf(node.resource, live).owners.map((owner) => ({ ...owner, blockOwnerDeletion: false }));
  await patchMetadata(node, live, { ownerReferences: owners }, collecting);
}

function dropFinalizer(node: Node, live: Live, finalizer: string, collecting: Collecting): Promise<void> {
  const { finalizers } = nodeOf(node.resource, live);
  return finalizers.includes(finalizer) ? patchMetadata(node, live, { finalizers: finalizers.filter((other) => other !== finalizer) }, collecting) : Promise.resolve();
}

/** Only what was seen is changed: the version is part of the patch. */
async function patchMetadata(node: Node, live: Live, change: object, { client }: Collecting): Promise<void> {
  const { uid, resourceVersion } = live.metadata;
  try {
    await client.patch(node.resource, keyOf(node), { type: 'application/merge-patch+json', body: { metadata: { uid, resourceVersion, ...change } } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

async function liveOf(node: Node, { client }: Collecting): Promise<Live | undefined> {
  try {
    const live = await client.get(node.resource, keyOf(node));
    return live.metadata.uid === node.uid ? live : undefined;
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

function keyOf({ namespace, name }: Node): { namespace?: string; name: string } {
  return namespace ? { namespace, name } : { name };
}
