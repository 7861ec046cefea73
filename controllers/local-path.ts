/** Volumes without any storage system: a directory of the node where the claim's first pod runs. Built in, as a class of its own. */
import { nodes, persistentvolumeclaims, persistentvolumes, pods, storageclasses } from '../api/resources.ts';
import type { Node, Pod } from '../api/types/core.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { compareQuantities } from '../api/quantity.ts';
import { create, event, remove, subject, update } from './actions.ts';
import { watch, type Action, type Controller, type View } from './controller.ts';
import { isDeleting } from './owners.ts';
import { PROVISIONED_BY, PROVISIONER, SELECTED_NODE, annotation, claimKey, classOf, type StoredClaim, type StoredVolume } from './volumes/claims.ts';
import { amount, modeOf } from './volumes/match.ts';

export interface LocalPathOptions {
  /** The directory on each node below which volumes are made; a class may name another as its parameter `path`. */
  readonly path?: string;
}

export const LOCAL_PATH = 'coracle.dev/local-path';
const CLASS_NAME = 'local-path';
const DEFAULT_PATH = '/var/lib/coracle/local-path';
const NAMESPACE = 'kube-system';
/** On a pod: the volume whose directory it removes. */
const CLEANS = 'coracle.dev/cleans-volume';
/** Made on every node from its own busybox. */
const CLEAN_IMAGE = 'coracle.local/busybox:1';
const CLEAN_LIMIT_S = 600;
const CLASS_KEY = 'class';
const OF_VOLUME = 'volume ';
const HOSTNAME = 'kubernetes.io/hostname';
/** Modes in which one node, or one pod, has the volume to itself. */
const MODES = new Set(['ReadWriteOnce', 'ReadWriteOncePod']);

/** It remembers that it has made its class: who deletes it does not want it. */
export function localPathController({ path = DEFAULT_PATH }: LocalPathOptions = {}): Controller {
  let made = false;
  const said = new Map<string, string>();
  return {
    name: 'local-path-provisioner',
    component: LOCAL_PATH,
    watches: [
      watch({ resource: persistentvolumeclaims, keys: (claim) => (annotation(claim, PROVISIONER) === LOCAL_PATH || said.has(keyOf(claim)) ? [keyOf(claim)] : []) }),
      watch({ resource: persistentvolumes, keys: (volume) => (annotation(volume, PROVISIONED_BY) === LOCAL_PATH ? keysOfVolume(volume) : []) }),
      watch({ resource: pods, selection: { namespace: NAMESPACE, labelSelector: CLEANS }, keys: ({ metadata }) => [OF_VOLUME + (metadata.labels?.[CLEANS] ?? '')] }),
      watch({ resource: storageclasses, keys: () => [CLASS_KEY] }),
      watch({ resource: nodes, keys: () => [CLASS_KEY], matters: (before, after) => hasRuntime(before) !== hasRuntime(after) }),
    ],
    reconcile(key, view) {
      if (key === CLASS_KEY) {
        const wanted = !made && view.of(nodes).list().some(hasRuntime);
        if (!wanted) return { actions: [] };
        made = true;
        // Only where nobody has set up another.
        return { actions: view.of(storageclasses).list().length > 0 ? [] : [create(storageclasses, ownClass(), { tolerateExisting: true })] };
      }
      if (key.startsWith(OF_VOLUME)) {
        const volume = view.of(persistentvolumes).get({ name: key.slice(OF_VOLUME.length) });
        return { actions: clean(key.slice(OF_VOLUME.length), volume, view) };
      }
      const claim = view.of(persistentvolumeclaims).get(parseKey(key));
      if (!claim || isDeleting(claim)) said.delete(key);
      if (!claim || isDeleting(claim)) return { actions: [] };
      if (claim.spec?.volumeName) return { actions: grow(claim, view) };
      const outcome = provision(claim, view, path);
      if (typeof outcome !== 'string') {
        said.delete(key);
        return { actions: outcome };
      }
      if (said.get(key) === outcome) return { actions: [] };
      said.set(key, outcome);
      return { actions: [event(subject(persistentvolumeclaims, claim), 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass "${classOf(claim)}": ${outcome}`)] };
    },
  };
}

function keyOf({ metadata }: StoredClaim): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function keysOfVolume(volume: StoredVolume): string[] {
  const claim = claimKey(volume);
  return [OF_VOLUME + volume.metadata.name, ...(claim ? [claim] : [])];
}

function hasRuntime({ status }: Stored<Node>): boolean {
  return Boolean(status?.nodeInfo?.containerRuntimeVersion);
}

function ownClass(): Parameters<typeof create<import('../api/types/storage.v1.ts').StorageClass>>[1] {
  return {
    metadata: { name: CLASS_NAME, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: LOCAL_PATH,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  };
}

/** Made by us, its claim gone, and nobody wants to keep it. */
function isOver(volume: StoredVolume): boolean {
  return volume.status?.phase === 'Released' && volume.spec?.persistentVolumeReclaimPolicy === 'Delete' && !isDeleting(volume);
}

/** The directory first, by a pod on its node; then the volume. A node that has gone took the directory with it. */
function clean(name: string, volume: StoredVolume | undefined, view: View): Action[] {
  const cleaner = view.of(pods).get({ namespace: NAMESPACE, name: `clean-${name}` });
  if (!volume) return cleaner && !isDeleting(cleaner) ? [remove(pods, cleaner)] : [];
  if (!isOver(volume)) return [];
  const node = nodeOf(volume, view);
  const directory = volume.spec?.hostPath?.path;
  if (!node || !directory || cleaner?.status?.phase === 'Succeeded') return [remove(persistentvolumes, volume)];
  if (!cleaner) return [create(pods, cleaningPod({ volume: name, directory, nodeName: node.metadata.name }), { tolerateExisting: true })];
  if (cleaner.status?.phase !== 'Failed' || isDeleting(cleaner)) return [];
  // Another one is made when this one has gone.
  return [event(subject(persistentvolumes, volume), 'Warning', 'VolumeFailedDelete', `the directory ${directory} on node ${node.metadata.name} could not be removed`), remove(pods, cleaner)];
}

function nodeOf(volume: StoredVolume, view: View): Stored<Node> | undefined {
  const hostname = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.find(({ key }) => key === HOSTNAME)?.values?.[0];
  return view.of(nodes).list().find(({ metadata }) => (metadata.labels?.[HOSTNAME] ?? metadata.name) === hostname);
}

function cleaningPod({ volume, directory, nodeName }: { readonly volume: string; readonly directory: string; readonly nodeName: string }): Pod {
  const slash = directory.lastIndexOf('/');
  return {
    // A simulated container is told that it ends.
    metadata: { name: `clean-${volume}`, namespace: NAMESPACE, labels: { [CLEANS]: volume }, annotations: { 'coracle.dev/hollow-run': '0s' } },
    spec: {
      nodeName,
      restartPolicy: 'OnFailure',
      activeDeadlineSeconds: CLEAN_LIMIT_S,
      automountServiceAccountToken: false,
      tolerations: [{ operator: 'Exists' }],
      containers: [{ name: 'clean', image: CLEAN_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['rm', '-rf', `/volumes/${directory.slice(slash + 1)}`], volumeMounts: [{ name: 'volumes', mountPath: '/volumes' }] }],
      volumes: [{ name: 'volumes', hostPath: { path: directory.slice(0, slash) || '/', type: 'DirectoryOrCreate' } }],
    },
  };
}

/** The volume to be made, or why it cannot be. */
function provision(claim: StoredClaim, view: View, path: string): Action[] | string {
  const storageClass = view.of(storageclasses).get({ name: classOf(claim) });
  if (storageClass?.provisioner !== LOCAL_PATH) return [];
  const name = `pvc-${claim.metadata.uid}`;
  if (view.of(persistentvolumes).get({ name })) return [];
  const nodeName = annotation(claim, SELECTED_NODE);
  if (!nodeName) return 'configuration error, no node was specified';
  const node = view.of(nodes).get({ name: nodeName });
  if (!node) return `node "${nodeName}" not found`;
  if (modeOf(claim) !== 'Filesystem') return 'block volumes are not supported';
  const modes = claim.spec?.accessModes ?? [];
  if (modes.length === 0 || !modes.every((mode) => MODES.has(mode))) return 'only the access modes ReadWriteOnce and ReadWriteOncePod are supported';
  if (claim.spec?.dataSource ?? claim.spec?.dataSourceRef) return 'data sources are not supported';
  const { namespace, uid } = claim.metadata;
  const hostname = node.metadata.labels?.[HOSTNAME] ?? nodeName;
  const volume = {
    metadata: { name, annotations: { [PROVISIONED_BY]: LOCAL_PATH } },
    spec: {
      capacity: { storage: claim.spec?.resources?.requests?.['storage'] ?? '0' },
      accessModes: [...modes],
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: 'Filesystem' as const,
      hostPath: { path: `${(storageClass.parameters?.['path'] ?? path).replace(/\/+$/, '')}/${name}_${namespace}_${claim.metadata.name}`, type: 'DirectoryOrCreate' as const },
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name: claim.metadata.name, uid },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: HOSTNAME, operator: 'In' as const, values: [hostname] }] }] } },
    },
  };
  const about = subject(persistentvolumeclaims, claim);
  return [create(persistentvolumes, volume, { tolerateExisting: true }), event(about, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`)];
}

/** A directory is as large as anybody wants: what is asked for is granted. */
function grow(claim: StoredClaim, view: View): Action[] {
  const volume = view.of(persistentvolumes).get({ name: claim.spec?.volumeName ?? '' });
  if (!volume || annotation(volume, PROVISIONED_BY) !== LOCAL_PATH || claim.status?.phase !== 'Bound') return [];
  const wanted = claim.spec?.resources?.requests?.['storage'];
  if (wanted === undefined || compareQuantities(amount(wanted), amount(claim.status.capacity?.['storage'])) <= 0) return [];
  if (compareQuantities(amount(wanted), amount(volume.spec?.capacity?.['storage'])) > 0) {
    return [update(persistentvolumes, { ...volume, spec: { ...volume.spec, capacity: { ...volume.spec?.capacity, storage: wanted } } })];
  }
  return [
    update(persistentvolumeclaims, { ...claim, status: { ...claim.status, capacity: { ...claim.status.capacity, storage: wanted } } }, 'status'),
    event(subject(persistentvolumeclaims, claim), 'Normal', 'VolumeResizeSuccessful', `ExpandVolume succeeded for volume ${claim.metadata.namespace}/${claim.metadata.name}`),
  ];
}
