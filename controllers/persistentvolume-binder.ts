/**
 * The volume binder: brings claims and volumes together, and says what becomes of either when the other goes.
 *
 * Each reconcile takes one step for one object and leaves the next to the picture that follows, so that it can stop anywhere.
 */
import { persistentvolumeclaims, persistentvolumes, pods, storageclasses } from '../api/resources.ts';
import { parseKey } from '../client/cache.ts';
import { event, remove, subject, update } from './actions.ts';
import { watch, type Action, type Controller, type Key, type Outcome, type View } from './controller.ts';
import { byClaim } from './volumes/used-by.ts';
import { BIND_COMPLETED, BOUND_BY_CONTROLLER, OLDER_PROVISIONER, PROVISIONED_BY, PROVISIONER, SELECTED_NODE, annotation, claimKey, classOf, defaultClass, hasClass, isFor, waitsForConsumer, type StoredClaim, type StoredClass, type StoredVolume } from './volumes/claims.ts';
import { bestMatch, mismatch, modeOf } from './volumes/match.ts';
import { isDeleting } from './owners.ts';
import { isDone } from './pods.ts';

export interface VolumeBinderOptions {
  /** How often what is not settled is looked at, whatever happens. */
  readonly syncPeriodMs?: number;
  readonly dynamicProvisioning?: boolean;
}

const SYNC_PERIOD_MS = 15_000;
const OF_CLAIM = 'claim ';
const OF_VOLUME = 'volume ';
const HOST_PATH = 'kubernetes.io/host-path';
/** What in-tree provisioners are called since they moved out. */
const MIGRATED: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com', 'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io', 'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com', 'kubernetes.io/cinder': 'cinder.csi.openstack.org', 'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
};

/** It remembers what it has said of whom, so that the same is not said again and again. */
export function volumeBinderController({ syncPeriodMs = SYNC_PERIOD_MS, dynamicProvisioning = true }: VolumeBinderOptions = {}): Controller {
  const said = new Map<Key, string>();
  const say = (key: Key, about: StoredClaim | StoredVolume, type: 'Normal' | 'Warning', reason: string, message: string): Action[] => {
    const text = `${about.metadata.uid} ${reason} ${message}`;
    if (said.get(key) === text) return [];
    said.set(key, text);
    return [event(key.startsWith(OF_CLAIM) ? subject(persistentvolumeclaims, about) : subject(persistentvolumes, about), type, reason, message)];
  };
  return {
    name: 'persistentvolume-binder-controller',
    account: 'persistent-volume-binder',
    component: 'persistentvolume-controller',
    watches: [
      watch({ resource: persistentvolumeclaims, keys: keysOfClaim }),
      watch({ resource: persistentvolumes, indexes: { byClaimRef: (volume: StoredVolume) => [claimKey(volume) ?? ''] }, keys: keysOfVolume }),
      watch({ resource: storageclasses, keys: (_, view) => pendingClaims(view) }),
      // What is said of pods is said when a claim is looked at anyway.
      watch({ resource: pods, indexes: { byClaim }, keys: () => [] }),
    ],
    reconcile(key, view): Outcome {
      if (key.startsWith(OF_VOLUME)) {
        const volume = view.of(persistentvolumes).get({ name: key.slice(OF_VOLUME.length) });
        if (!volume) said.delete(key);
        return { actions: volume ? syncVolume(volume, view, (...words) => say(key, volume, ...words)) : [] };
      }
      const claim = view.of(persistentvolumeclaims).get(parseKey(key.slice(OF_CLAIM.length)));
      if (!claim) said.delete(key);
      if (!claim) return { actions: [] };
      const actions = syncClaim({ claim, view, dynamicProvisioning, say: (...words) => say(key, claim, ...words) });
      if (claim.status?.phase === 'Bound') said.delete(key);
      return { actions, ...(claim.status?.phase !== 'Bound' && { requeueAfterMs: syncPeriodMs }) };
    },
  };
}

function keysOfClaim(claim: StoredClaim): string[] {
  const { namespace, name } = claim.metadata;
  return [`${OF_CLAIM}${namespace}/${name}`, ...(claim.spec?.volumeName ? [OF_VOLUME + claim.spec.volumeName] : [])];
}

/** A volume that nobody has may be what any claim waits for. */
function keysOfVolume(volume: StoredVolume, view: View): Iterable<string> {
  const claim = claimKey(volume);
  const own = OF_VOLUME + volume.metadata.name;
  if (claim) return [own, OF_CLAIM + claim];
  return [own, ...pendingClaims(view, classOf(volume)), ...view.of(persistentvolumeclaims).list().filter(({ spec }) => spec?.volumeName === volume.metadata.name).map(({ metadata }) => `${OF_CLAIM}${metadata.namespace}/${metadata.name}`)];
}

function pendingClaims(view: View, className?: string): string[] {
  const all = view.of(persistentvolumeclaims).list();
  return all
    .filter((claim) => !claim.spec?.volumeName && (className === undefined || classOf(claim) === className))
    .map(({ metadata }) => `${OF_CLAIM}${metadata.namespace}/${metadata.name}`);
}

type Say = (type: 'Normal' | 'Warning', reason: string, message: string) => Action[];

interface Syncing {
  readonly claim: StoredClaim;
  readonly view: View;
  readonly dynamicProvisioning: boolean;
  readonly say: Say;
}

function syncClaim(syncing: Syncing): Action[] {
  const { claim, view, say } = syncing;
  const name = claim.spec?.volumeName;
  const volume = name ? view.of(persistentvolumes).get({ name }) : undefined;
  if (annotation(claim, BIND_COMPLETED) === undefined) return name ? syncNamed(claim, volume, say) : syncPending(syncing);
  if (!name) return lose(claim, say, 'ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
  if (!volume) return lose(claim, say, 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  const holder = volume.spec?.claimRef?.uid;
  if (holder && holder !== claim.metadata.uid) return lose(claim, say, 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
  return bind(volume, claim);
}

/** A claim whose author did not say which volume. */
function syncPending({ claim, view, dynamicProvisioning, say }: Syncing): Action[] {
  const classes = view.of(storageclasses);
  const waits = waitsForConsumer(claim, classes);
  const volume = bestMatch(claim, view.of(persistentvolumes).list(), { waits });
  if (volume) return bind(volume, claim);
  const fallback = hasClass(claim) ? undefined : defaultClass(classes.list());
  if (fallback) return [update(persistentvolumeclaims, { ...claim, spec: { ...claim.spec, storageClassName: fallback.metadata.name } })];
  const pending = claimStatus(claim, 'Pending');
  if (waits && annotation(claim, SELECTED_NODE) === undefined) return [...pending, ...saysWhyItWaits(claim, view, say)];
  const className = classOf(claim);
  if (!className) return [...pending, ...say('Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set')];
  return dynamicProvisioning ? provision(claim, classes.get({ name: className }), say) : [];
}

function saysWhyItWaits({ metadata: { namespace, name } }: StoredClaim, view: View, say: Say): Action[] {
  const waiting = view.of(pods).by('byClaim', `${namespace}/${name}`).filter((pod) => !isDone(pod) && !pod.spec?.nodeName).map((pod) => pod.metadata.name);
  if (waiting.length === 0) return say('Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
  return say('Normal', 'WaitForPodScheduled', `waiting for ${waiting.length > 1 ? 'pods' : 'pod'} ${waiting.sort().join(',')} to be scheduled`);
}

/** Those who make volumes are told by an annotation. */
function provision(claim: StoredClaim, storageClass: StoredClass | undefined, say: Say): Action[] {
  if (!storageClass) return say('Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${classOf(claim)}" not found`);
  const { provisioner: named } = storageClass;
  const provisioner = MIGRATED[named] ?? named;
  if (provisioner === HOST_PATH) return say('Warning', 'ProvisioningFailed', `Failed to create provisioner: provisioning in volume plugin "${HOST_PATH}" is disabled`);
  if (provisioner.startsWith('kubernetes.io/')) return say('Warning', 'ProvisioningFailed', `no volume plugin matched name: ${provisioner}`);
  const annotated = annotation(claim, PROVISIONER) === provisioner;
  const annotations = { ...claim.metadata.annotations, [OLDER_PROVISIONER]: provisioner, [PROVISIONER]: provisioner };
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
    'If volume creation is delayed, please verify that the provisioner is running and correctly registered.';
  return [...(annotated ? [] : [update(persistentvolumeclaims, { ...claim, metadata: { ...claim.metadata, annotations } })]), ...say('Normal', 'ExternalProvisioning', message)];
}

/** A claim whose author named a volume, or whose binding is under way. */
function syncNamed(claim: StoredClaim, volume: StoredVolume | undefined, say: Say): Action[] {
  if (!volume) return claimStatus(claim, 'Pending');
  if (isFor(volume, claim)) return bind(volume, claim);
  if (volume.spec?.claimRef) return [...claimStatus(claim, 'Pending'), ...say('Warning', 'FailedBinding', `volume "${volume.metadata.name}" already bound to a different claim.`)];
  const why = mismatch(volume, claim);
  if (why) return [...claimStatus(claim, 'Pending'), ...say('Warning', 'VolumeMismatch', `Cannot bind to requested volume "${volume.metadata.name}": ${why}`)];
  return bind(volume, claim);
}

/** The next step on the way to a bound pair; none when it is. */
function bind(volume: StoredVolume, claim: StoredClaim): Action[] {
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const ref = volume.spec?.claimRef;
  if (ref?.uid !== uid) {
    const annotations = isFor(volume, claim) ? volume.metadata.annotations : { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' };
    const claimRef = { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion };
    return [update(persistentvolumes, { ...volume, metadata: { ...volume.metadata, ...(annotations && { annotations }) }, spec: { ...volume.spec, claimRef } })];
  }
  const isNamed = claim.spec?.volumeName === volume.metadata.name;
  if (!isNamed || annotation(claim, BIND_COMPLETED) === undefined) {
    const annotations = { ...claim.metadata.annotations, ...(!isNamed && { [BOUND_BY_CONTROLLER]: 'yes' }), [BIND_COMPLETED]: 'yes' };
    return [update(persistentvolumeclaims, { ...claim, metadata: { ...claim.metadata, annotations }, spec: { ...claim.spec, volumeName: volume.metadata.name } })];
  }
  return claimStatus(claim, 'Bound', volume);
}

function lose(claim: StoredClaim, say: Say, reason: string, message: string): Action[] {
  return claim.status?.phase === 'Lost' ? [] : [...claimStatus(claim, 'Lost'), ...say('Warning', reason, message)];
}

function claimStatus(claim: StoredClaim, phase: 'Pending' | 'Bound' | 'Lost', volume?: StoredVolume): Action[] {
  const { accessModes, capacity, currentVolumeAttributesClassName, ...rest } = claim.status ?? {};
  const becomes = claim.status?.phase !== phase;
  if (!volume) {
    if (!becomes && !accessModes && !capacity && !currentVolumeAttributesClassName) return [];
    return [update(persistentvolumeclaims, { ...claim, status: { ...rest, phase } }, 'status')];
  }
  const sameModes = String(accessModes) === String(volume.spec?.accessModes);
  if (!becomes && sameModes) return [];
  const attributes = becomes ? volume.spec?.volumeAttributesClassName : currentVolumeAttributesClassName;
  const status = {
    ...rest,
    phase,
    ...(volume.spec?.accessModes && { accessModes: volume.spec.accessModes }),
    // Once bound, a difference in size is between the file system and its device.
    ...((becomes ? volume.spec?.capacity : capacity) && { capacity: becomes ? volume.spec?.capacity : capacity }),
    ...(attributes && { currentVolumeAttributesClassName: attributes }),
  };
  return [update(persistentvolumeclaims, { ...claim, status } as StoredClaim, 'status')];
}

function syncVolume(volume: StoredVolume, view: View, say: Say): Action[] {
  const ref = volume.spec?.claimRef;
  if (!ref?.uid) return phase(volume, 'Available');
  const found = view.of(persistentvolumeclaims).get({ namespace: ref.namespace ?? '', name: ref.name ?? '' });
  const claim = found?.metadata.uid === ref.uid ? found : undefined;
  if (!claim) return release(volume, say);
  if (!claim.spec?.volumeName) {
    if (modeOf(claim) === modeOf(volume)) return [];
    const message = `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${claim.metadata.name}" due to incompatible volumeMode.`;
    return say('Warning', 'VolumeMismatch', message);
  }
  if (claim.spec.volumeName === volume.metadata.name) return phase(volume, 'Bound');
  // Its claim has got another one.
  if (annotation(volume, PROVISIONED_BY) !== undefined && volume.spec?.persistentVolumeReclaimPolicy === 'Delete') return release(volume, say);
  return [unbound(volume)];
}

/** As it was before it was given to a claim; what its author wrote stays. */
function unbound(volume: StoredVolume): Action {
  const { claimRef, ...spec } = volume.spec ?? {};
  if (annotation(volume, BOUND_BY_CONTROLLER) === undefined) {
    const { uid: _, ...reserved } = claimRef ?? {};
    return update(persistentvolumes, { ...volume, spec: { ...spec, claimRef: reserved } } as StoredVolume);
  }
  const { [BOUND_BY_CONTROLLER]: _, ...annotations } = volume.metadata.annotations ?? {};
  return update(persistentvolumes, { ...volume, metadata: { ...volume.metadata, annotations }, spec } as StoredVolume);
}

/** Retained volumes stay for somebody to look at; those that others made are theirs to delete. */
function release(volume: StoredVolume, say: Say): Action[] {
  const current = volume.status?.phase;
  if (current !== 'Released' && current !== 'Failed') return phase(volume, 'Released');
  const policy = volume.spec?.persistentVolumeReclaimPolicy;
  if (current === 'Failed' || policy === 'Retain') return [];
  if (policy === 'Recycle') {
    const message = volume.spec?.hostPath ?? volume.spec?.nfs ? 'Recycle failed: volumes are not recycled by this cluster' : 'No recycler plugin found for the volume!';
    return [...phase(volume, 'Failed', message), ...say('Warning', 'VolumeFailedRecycle', message)];
  }
  const provisioner = annotation(volume, PROVISIONED_BY);
  if (policy !== 'Delete' || volume.spec?.csi || (provisioner !== undefined && !provisioner.startsWith('kubernetes.io/'))) return [];
  const directory = volume.spec?.hostPath?.path;
  // What lies in temporary directories needs nobody to delete it.
  if (directory !== undefined && /^\/tmp\/.+/.test(directory)) return isDeleting(volume) ? [] : [remove(persistentvolumes, volume)];
  const message = directory === undefined
    ? `error getting deleter volume plugin for volume "${volume.metadata.name}": no ${volume.spec?.nfs ? 'deletable ' : ''}volume plugin matched`
    : `host_path deleter only supports /tmp/.+ but received provided ${directory}`;
  return [...phase(volume, 'Failed', message), ...say('Warning', 'VolumeFailedDelete', message)];
}

function phase(volume: StoredVolume, next: 'Available' | 'Bound' | 'Released' | 'Failed', message = ''): Action[] {
  if (volume.status?.phase === next) return [];
  const { message: _, ...rest } = volume.status ?? {};
  return [update(persistentvolumes, { ...volume, status: { ...rest, phase: next, ...(message && { message }) } }, 'status')];
}
