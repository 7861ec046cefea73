/** The volumes of a pod: each has a name and exactly one source. */
import { type FieldError, type Path, duplicate, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import { parseQuantity } from '../../quantity.ts';
import type { Metadata } from '../../kind.ts';
import type { KeyToPath, Volume } from '../../types/core.v1.ts';
import { checkClaimSpec } from './claim-rules.ts';
import { checkPullPolicy } from './container-rules.ts';
import { dnsSubdomain } from './formats.ts';
import { checkAnnotations, checkLabels } from './object-meta.ts';
import { OLD_DRIVERS } from './old-driver-rules.ts';
import { checkDownwardFile, checkKeyToPath, checkProjected } from './projected-volume-rules.ts';
import { checkMode, descending, isDnsLabel, noBacksteps } from './text-rules.ts';
import type { Volumes } from './volume-mount-rules.ts';

export interface VolumeSurroundings {
  /** Of the pod; absent in templates. */
  readonly metadata?: Metadata | undefined;
  readonly isPod: boolean;
}

export interface CheckedVolumes {
  readonly errors: FieldError[];
  /** Those without errors, which containers may mount. */
  readonly volumes: Volumes;
}

export function checkVolumes(list: readonly Volume[], around: VolumeSurroundings, path: Path): CheckedVolumes {
  const podName = around.metadata?.name;
  const createdClaims = new Set(podName ? list.filter((volume) => volume.ephemeral).map((volume) => `${podName}-${volume.name}`) : []);
  const volumes = new Map<string, Volume>();
  const errors = list.flatMap((volume, at) => {
    const here = path.index(at);
    const found = checkSource(volume, around, here);
    if (!volume.name) found.push(required(here.child('name')));
    else found.push(...isDnsLabel(volume.name, here.child('name')));
    if (volumes.has(volume.name)) found.push(duplicate(here.child('name'), volume.name));
    if (found.length === 0) volumes.set(volume.name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim && createdClaims.has(claim)) {
      const field = here.child('persistentVolumeClaim', 'claimName');
      found.push(invalid(field, claim, 'must not reference a PVC that gets created for an ephemeral volume'));
    }
    return found;
  });
  return { errors, volumes };
}

type SourceRule = (volume: Volume, path: Path, around: VolumeSurroundings) => FieldError[];

/** In upstream's order, with the names under which it reports them where those differ from the field's. */
const SOURCES: readonly (readonly [field: keyof Volume, rule: SourceRule, doubled?: string])[] = [
  ['hostPath', (volume, path) => checkHostPath(volume.hostPath, path.child('hostPath'))],
  ['gitRepo', (volume, path) => checkGitRepo(volume, path.child('gitRepo'))],
  ['gcePersistentDisk', ({ gcePersistentDisk: source }, path) => (source ? OLD_DRIVERS.gcePersistentDisk(source, path.child('persistentDisk')) : [])],
  ['awsElasticBlockStore', ({ awsElasticBlockStore: source }, path) => (source ? OLD_DRIVERS.awsElasticBlockStore(source, path.child('awsElasticBlockStore')) : [])],
  ['secret', (volume, path) => checkFiles(volume.secret, volume.secret?.secretName, 'secretName', path.child('secret'))],
  ['nfs', (volume, path) => checkNfs(volume.nfs, path.child('nfs'))],
  ['iscsi', ({ iscsi: source }, path) => (source ? OLD_DRIVERS.iscsi(source, path.child('iscsi')) : [])],
  ['glusterfs', ({ glusterfs: source }, path) => (source ? OLD_DRIVERS.glusterfs(source, path.child('glusterfs')) : [])],
  ['flocker', ({ flocker: source }, path) => (source ? OLD_DRIVERS.flocker(source, path.child('flocker')) : [])],
  ['persistentVolumeClaim', ({ persistentVolumeClaim: claim }, path) => needs(claim?.claimName, path.child('persistentVolumeClaim', 'claimName'))],
  ['rbd', ({ rbd: source }, path) => (source ? OLD_DRIVERS.rbd(source, path.child('rbd')) : [])],
  ['cinder', ({ cinder: source }, path) => (source ? OLD_DRIVERS.cinder(source, path.child('cinder')) : [])],
  ['cephfs', ({ cephfs: source }, path) => (source ? OLD_DRIVERS.cephfs(source, path.child('cephfs')) : []), 'cephFS'],
  ['quobyte', ({ quobyte: source }, path) => (source ? OLD_DRIVERS.quobyte(source, path.child('quobyte')) : [])],
  ['downwardAPI', (volume, path) => checkDownward(volume.downwardAPI, path.child('downwardAPI')), 'downwarAPI'],
  ['fc', ({ fc: source }, path) => (source ? OLD_DRIVERS.fc(source, path.child('fc')) : [])],
  ['flexVolume', ({ flexVolume: source }, path) => (source ? OLD_DRIVERS.flexVolume(source, path.child('flexVolume')) : [])],
  ['configMap', (volume, path) => checkFiles(volume.configMap, volume.configMap?.name, 'name', path.child('configMap'))],
  ['azureFile', ({ azureFile: source }, path) => (source ? OLD_DRIVERS.azureFile(source, path.child('azureFile')) : [])],
  ['vsphereVolume', ({ vsphereVolume: source }, path) => (source ? OLD_DRIVERS.vsphereVolume(source, path.child('vsphereVolume')) : [])],
  ['photonPersistentDisk', ({ photonPersistentDisk: source }, path) => (source ? OLD_DRIVERS.photonPersistentDisk(source, path.child('photonPersistentDisk')) : [])],
  ['portworxVolume', ({ portworxVolume: source }, path) => (source ? OLD_DRIVERS.portworxVolume(source, path.child('portworxVolume')) : [])],
  ['azureDisk', ({ azureDisk: source }, path) => (source ? OLD_DRIVERS.azureDisk(source, path.child('azureDisk')) : [])],
  ['storageos', ({ storageos: source }, path) => (source ? OLD_DRIVERS.storageos(source, path.child('storageos')) : [])],
  ['projected', (volume, path) => (volume.projected ? checkProjected(volume.projected, path.child('projected')) : [])],
  ['scaleIO', ({ scaleIO: source }, path) => (source ? OLD_DRIVERS.scaleIO(source, path.child('scaleIO')) : [])],
  ['csi', (volume, path) => checkCsi(volume, path.child('csi'))],
  ['ephemeral', checkEphemeral],
  ['image', (volume, path, { isPod }) => checkImage(volume, isPod, path.child('image'))],
];

function checkSource(volume: Volume, around: VolumeSurroundings, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  let found = volume.emptyDir !== undefined;
  const sizeLimit = volume.emptyDir?.sizeLimit;
  if (sizeLimit !== undefined && (parseQuantity(sizeLimit)?.nano ?? 0n) < 0n) {
    errors.push(forbiddenField(path.child('emptyDir', 'sizeLimit'), 'SizeLimit field must be a valid resource quantity'));
  }
  for (const [field, rule, doubled] of SOURCES) {
    if (volume[field] === undefined) continue;
    if (found) errors.push(forbiddenField(path.child(doubled ?? field), 'may not specify more than 1 volume type'));
    else errors.push(...rule(volume, path, around));
    found = true;
  }
  return found ? errors : [...errors, required(path, 'must specify a volume type')];
}

function needs(value: string | undefined, path: Path): FieldError[] {
  return value ? [] : [required(path)];
}

const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];

export function checkHostPath(source: Volume['hostPath'], path: Path): FieldError[] {
  if (!source?.path) return [required(path.child('path'))];
  const type = source.type ?? '';
  const errors = noBacksteps(source.path, path.child('path'));
  return HOST_PATH_TYPES.includes(type) ? errors : [...errors, notSupported(path.child('type'), type, HOST_PATH_TYPES)];
}

export function checkNfs(source: Volume['nfs'], path: Path): FieldError[] {
  const where = source?.path ?? '';
  const errors = [...needs(source?.server, path.child('server')), ...needs(where, path.child('path'))];
  return where.startsWith('/') ? errors : [...errors, invalid(path.child('path'), where, 'must be an absolute path')];
}

function checkGitRepo({ gitRepo }: Volume, path: Path): FieldError[] {
  return [...needs(gitRepo?.repository, path.child('repository')), ...descending(gitRepo?.directory ?? '', path.child('directory'))];
}

function checkFiles(source: { defaultMode?: number; items?: KeyToPath[] } | undefined, name: string | undefined, field: string, path: Path): FieldError[] {
  return [
    ...needs(name, path.child(field)),
    ...checkMode(source?.defaultMode, path.child('defaultMode')),
    ...(source?.items ?? []).flatMap((item, at) => checkKeyToPath(item, path.child('items').index(at))),
  ];
}

function checkDownward(source: Volume['downwardAPI'], path: Path): FieldError[] {
  return [...checkMode(source?.defaultMode, path.child('defaultMode')), ...(source?.items ?? []).flatMap((file) => checkDownwardFile(file, path))];
}

const DRIVER_LIMIT_BYTES = 63;

export function checkDriverName(name: string, path: Path): FieldError[] {
  if (name === '') return [required(path)];
  const errors: FieldError[] = [];
  if (name.length > DRIVER_LIMIT_BYTES) {
    errors.push({ type: 'FieldValueTooLong', field: path.text, message: `Too long: may not be more than ${DRIVER_LIMIT_BYTES} bytes` });
  }
  return [...errors, ...dnsSubdomain(name.toLowerCase()).map((why) => invalid(path, name, why))];
}

function checkCsi({ csi }: Volume, path: Path): FieldError[] {
  const errors = checkDriverName(csi?.driver ?? '', path.child('driver'));
  if (!csi?.nodePublishSecretRef) return errors;
  const name = csi.nodePublishSecretRef.name;
  if (!name) return [...errors, required(path.child('nodePublishSecretRef', 'name'))];
  return [...errors, ...dnsSubdomain(name).map((why) => invalid(path.child('name'), name, why))];
}

function checkEphemeral(volume: Volume, path: Path, { metadata }: VolumeSurroundings): FieldError[] {
  const template = volume.ephemeral?.volumeClaimTemplate;
  const here = path.child('ephemeral', 'volumeClaimTemplate');
  const errors: FieldError[] = template
    ? [
        ...checkAnnotations(template.metadata?.annotations, here.child('metadata', 'annotations')),
        ...checkLabels(template.metadata?.labels, here.child('metadata', 'labels')),
        ...checkClaimSpec(template.spec, here.child('spec')),
      ]
    : [required(here)];
  if (!metadata?.name || !volume.name) return errors;
  const claim = `${metadata.name}-${volume.name}`;
  return [...errors, ...dnsSubdomain(claim).map((why) => invalid(path.child('name'), volume.name, `PVC name "${claim}": ${why}`))];
}

function checkImage({ image }: Volume, isPod: boolean, path: Path): FieldError[] {
  const reference = isPod && !image?.reference ? [required(path.child('reference'))] : [];
  return [...reference, ...checkPullPolicy(image?.pullPolicy, path.child('pullPolicy'))];
}
