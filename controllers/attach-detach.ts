/** The attach and detach controller: asks CSI drivers to bring volumes to the nodes whose pods need them, and to take them away when nobody does. */
import { csidrivers, nodes, persistentvolumeclaims, persistentvolumes, pods, volumeattachments } from '../api/resources.ts';
import { timeMs } from '../client/time.ts';
import { deepEqual } from '../std/deep.ts';
import { create, event, remove, subject } from './actions.ts';
import { watch, type Action, type Controller, type Outcome, type View } from './controller.ts';
import { OUT_OF_SERVICE, taintsOf, type StoredNode } from './node/taints.ts';
import { isReady } from './node/zones.ts';
import { isDeleting } from './owners.ts';
import { isDone, type StoredPod } from './pods.ts';
import { POD_INDEXES, attachmentName, isShared, uniqueName, volumesOn, wantedOn, type StoredAttachment } from './volumes/attachments.ts';
import type { StoredVolume } from './volumes/claims.ts';
import { byClaim } from './volumes/used-by.ts';

const OF_NODE = 'node ';
/** How long a driver may take before that is said. */
const ATTACH_LIMIT_MS = 120_000;
/** A node that does not answer may keep a volume for so long. */
const UNMOUNT_LIMIT_MS = 360_000;

/** What it remembers of an attachment of its own. */
interface Own {
  /** Whether somebody is still to hear that it is there. */
  isAwaited: boolean;
  said?: string;
  /** Once it has been said that others have it, that is not said again. */
  isContested?: boolean;
  /** Since when nobody has wanted it. */
  unwantedSince?: number;
}

/** By volume, and by the attachment's name. */
type Memory = Map<string, Map<string, Own>>;

/** A volume's key is its name. A node's key is for what its status lists. */
export function attachDetachController(): Controller {
  const memory: Memory = new Map();
  const ofPod = (pod: StoredPod, view: View): string[] => {
    const volumes = byClaim(pod).flatMap((key) => volumeOf(key, view) ?? []);
    return volumes.length > 0 && pod.spec?.nodeName ? [...volumes, OF_NODE + pod.spec.nodeName] : volumes;
  };
  return {
    name: 'persistentvolume-attach-detach-controller',
    account: 'attachdetach-controller',
    watches: [
      watch({ resource: pods, indexes: POD_INDEXES, keys: ofPod, matters: (a, b) => a.spec?.nodeName !== b.spec?.nodeName || isDone(a) !== isDone(b) }),
      watch({ resource: persistentvolumeclaims, keys: ({ spec }) => (spec?.volumeName ? [spec.volumeName] : []), matters: (a, b) => a.status?.phase !== b.status?.phase || a.spec?.volumeName !== b.spec?.volumeName }),
      watch({ resource: persistentvolumes, indexes: { byDriver: ({ spec }) => (spec?.csi ? [spec.csi.driver] : []), byUniqueName: (volume) => [uniqueName(volume) ?? ''] }, keys: (volume) => (volume.spec?.csi ? [volume.metadata.name] : []) }),
      watch({ resource: nodes, keys: nodeKeys, matters: concerns }),
      watch({ resource: volumeattachments, indexes: { byVolume: ({ spec }) => [spec.source.persistentVolumeName ?? ''], byNode: ({ spec }) => [spec.nodeName] }, keys: ({ spec }) => [...(spec.source.persistentVolumeName ? [spec.source.persistentVolumeName] : []), OF_NODE + spec.nodeName] }),
      watch({ resource: csidrivers, keys: ({ metadata }, view) => view.of(persistentvolumes).by('byDriver', metadata.name).map((volume) => volume.metadata.name) }),
    ],
    reconcile(key, view, { now }) {
      return key.startsWith(OF_NODE) ? { actions: listAttached(key.slice(OF_NODE.length), view) } : syncVolume(key, view, memory, now);
    },
  };
}

function volumeOf(claim: string, view: View): string | undefined {
  const [namespace = '', name = ''] = claim.split('/');
  return view.of(persistentvolumeclaims).get({ namespace, name })?.spec?.volumeName;
}

function nodeKeys(node: StoredNode, view: View): string[] {
  const { volumesAttached = [], volumesInUse = [] } = node.status ?? {};
  const listed = [...volumesAttached.map(({ name }) => name), ...volumesInUse].flatMap((name) => view.of(persistentvolumes).by('byUniqueName', name));
  return [OF_NODE + node.metadata.name, ...[...listed, ...volumesOn(node.metadata.name, view)].map(({ metadata }) => metadata.name)];
}

function concerns(a: StoredNode, b: StoredNode): boolean {
  const facts = ({ metadata, status, spec }: StoredNode): object => [metadata.annotations, status?.volumesAttached, status?.volumesInUse, spec?.taints?.map(({ key }) => key)];
  return isReady(a) !== isReady(b) || !deepEqual(facts(a), facts(b));
}

/** What a node's status lists: what is attached and either wanted there or still in use. */
function listAttached(name: string, view: View): Action[] {
  const node = view.of(nodes).get({ name });
  if (!node) return [];
  const there = new Set(view.of(volumeattachments).by('byNode', name).flatMap((attachment) => {
    const volume = view.of(persistentvolumes).get({ name: attachment.spec.source.persistentVolumeName ?? '' });
    const unique = volume && uniqueName(volume);
    if (!volume || !unique || attachment.metadata.name !== attachmentName(volume, name) || !attachment.status?.attached || isDeleting(attachment)) return [];
    return wantedOn(volume, view).has(name) || isInUse(node, unique) ? [unique] : [];
  }));
  const listed = node.status?.volumesAttached ?? [];
  const kept = listed.filter((one) => !one.name.startsWith('kubernetes.io/csi/') || there.has(one.name));
  const added = [...there].filter((unique) => !listed.some((one) => one.name === unique)).sort().map((unique) => ({ name: unique, devicePath: '' }));
  if (kept.length === listed.length && added.length === 0) return [];
  const volumesAttached = [...kept, ...added];
  return [{ do: 'patch', resource: nodes, key: { name }, patch: { type: 'application/merge-patch+json', body: { metadata: { uid: node.metadata.uid }, status: { volumesAttached: volumesAttached.length > 0 ? volumesAttached : null } } }, subresource: 'status', tolerateMissing: true }];
}

function isInUse({ status }: StoredNode, unique: string): boolean {
  return status?.volumesInUse?.includes(unique) ?? false;
}

function syncVolume(name: string, view: View, memory: Memory, now: number): Outcome {
  const attachments = view.of(volumeattachments).by('byVolume', name);
  const volume = view.of(persistentvolumes).get({ name });
  const own = memory.get(name) ?? new Map<string, Own>();
  if (!volume) {
    if (attachments.length === 0) memory.delete(name);
    return { actions: attachments.filter((one) => own.has(one.metadata.name) && !isDeleting(one)).map((one) => remove(volumeattachments, one)) };
  }
  const wanted = wantedOn(volume, view);
  const situation: Situation = { volume, view, own, now, attachments, wanted, waits: [], taken: new Set(attachments.map(({ spec }) => spec.nodeName)) };
  const actions: Action[] = [];
  for (const attachment of attachments) if (!wanted.has(attachment.spec.nodeName)) actions.push(...detach(situation, attachment));
  for (const [node, users] of wanted) actions.push(...attach(situation, node, users));
  const current = new Set([...attachments.map(({ metadata }) => metadata.name), ...[...wanted.keys()].map((node) => attachmentName(volume, node))]);
  for (const one of own.keys()) if (!current.has(one)) own.delete(one);
  if (own.size > 0) memory.set(name, own);
  else memory.delete(name);
  const { waits } = situation;
  return { actions, ...(waits.length > 0 && { requeueAfterMs: Math.max(1, Math.min(...waits)) }) };
}

interface Situation {
  readonly volume: StoredVolume;
  readonly view: View;
  readonly own: Map<string, Own>;
  readonly now: number;
  readonly attachments: readonly StoredAttachment[];
  readonly wanted: ReadonlyMap<string, readonly StoredPod[]>;
  /** In how many milliseconds there will be something to do. */
  readonly waits: number[];
  /** The nodes that have it or are to have it. */
  readonly taken: Set<string>;
}

function attach({ volume, own, now, attachments, wanted, waits, taken }: Situation, node: string, users: readonly StoredPod[]): Action[] {
  const name = attachmentName(volume, node);
  const title = volume.metadata.name;
  const mine = own.get(name) ?? { isAwaited: false };
  own.set(name, mine);
  delete mine.unwantedSince;
  const say = (reason: string, messageTo: (pod: StoredPod) => string): Action[] => {
    const lines = users.map(messageTo);
    if (mine.said === lines.join()) return [];
    mine.said = lines.join();
    return users.map((pod, i) => event(subject(pods, pod), reason === FAILED ? 'Warning' : 'Normal', reason, lines[i] ?? ''));
  };
  const known = attachments.find(({ metadata }) => metadata.name === name);
  if (!known) {
    const others = isShared(volume) ? [] : [...taken].filter((other) => other !== node);
    if (others.length > 0 && mine.isContested) return [];
    mine.isContested = others.length > 0;
    if (others.length > 0) return say(FAILED, (pod) => `Multi-Attach error for volume "${title}" ${whoHasIt(pod, others.flatMap((other) => wanted.get(other) ?? []))}`);
    taken.add(node);
    mine.isAwaited = true;
    return [create(volumeattachments, { metadata: { name }, spec: { attacher: volume.spec?.csi?.driver ?? '', nodeName: node, source: { persistentVolumeName: title } } }, { tolerateExisting: true })];
  }
  if (isDeleting(known)) return [];
  if (known.status?.attached) {
    if (!mine.isAwaited) return [];
    mine.isAwaited = false;
    return say('SuccessfulAttachVolume', () => `AttachVolume.Attach succeeded for volume "${title}" `);
  }
  const failed = (why: string): Action[] => say(FAILED, () => `AttachVolume.Attach failed for volume "${title}" : ${why}`);
  if (known.status?.attachError?.message) return failed(known.status.attachError.message);
  const left = timeMs(known.metadata.creationTimestamp) + ATTACH_LIMIT_MS - now;
  if (left <= 0) return failed(`timed out waiting for external-attacher of ${volume.spec?.csi?.driver} CSI driver to attach volume ${volume.spec?.csi?.volumeHandle}`);
  waits.push(left);
  return [];
}

const FAILED = 'FailedAttachVolume';

/** Names are told only to those of the same namespace. */
function whoHasIt({ metadata: { namespace } }: StoredPod, users: readonly StoredPod[]): string {
  if (users.length === 0) return "Volume is already exclusively attached to one node and can't be attached to another";
  const near = users.filter(({ metadata }) => metadata.namespace === namespace).map(({ metadata }) => metadata.name);
  const far = users.length - near.length;
  if (near.length === 0) return `Volume is already used by ${far} pod(s) in different namespaces`;
  return `Volume is already used by pod(s) ${near.join(', ')}${far > 0 ? ` and ${far} pod(s) in different namespaces` : ''}`;
}

/** First the node does not list it any more, then it goes. What others have made stays. */
function detach({ volume, view, own, now, waits }: Situation, attachment: StoredAttachment): Action[] {
  const { name } = attachment.metadata;
  const { nodeName } = attachment.spec;
  const unique = uniqueName(volume) ?? '';
  const node = view.of(nodes).get({ name: nodeName });
  const listed = node?.status?.volumesAttached?.some((one) => one.name === unique) ?? false;
  if (isDeleting(attachment) || name !== attachmentName(volume, nodeName) || !(own.has(name) || listed)) return [];
  const mine = own.get(name) ?? { isAwaited: false };
  own.set(name, mine);
  const used = node !== undefined && isInUse(node, unique);
  if (used && !taintsOf(node).some(({ key }) => key === OUT_OF_SERVICE)) {
    const left = (mine.unwantedSince ??= now) + UNMOUNT_LIMIT_MS - now;
    if (left > 0) waits.push(left);
    if (left > 0 || isReady(node)) return [];
  } else if (listed && !used) return [];
  return [remove(volumeattachments, attachment)];
}
