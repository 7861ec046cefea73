/** Volume drivers of old: nodes no longer have them, but the API still checks what is asked of them. */
import { type FieldError, type Path, invalid, notSupported, required } from '../../field-error.ts';
import type { PersistentVolumeSpec, Volume } from '../../types/core.v1.ts';
import { dnsLabel, inRange } from './formats.ts';
import { isDnsLabel } from './text-rules.ts';

/** As pods have it; what of it differs in a PersistentVolume is in `OLD_VOLUMES`. */
type Source<Field extends keyof Volume> = NonNullable<Volume[Field]>;
type Rules = { readonly [Field in keyof Volume]?: (source: Source<Field>, path: Path) => FieldError[] };
type VolumeSource<Field extends keyof PersistentVolumeSpec> = NonNullable<PersistentVolumeSpec[Field]>;
type VolumeRules = { readonly [Field in keyof PersistentVolumeSpec]?: (source: VolumeSource<Field>, path: Path, name: string) => FieldError[] };

const MAX_LUN = 255;

export const OLD_DRIVERS = {
  gcePersistentDisk: (disk, path) => [...needs(disk.pdName, path.child('pdName')), ...checkPartition(disk.partition, path.child('partition'))],
  awsElasticBlockStore: (store, path) => [...needs(store.volumeID, path.child('volumeID')), ...checkPartition(store.partition, path.child('partition'))],
  iscsi: (iscsi, path) => [...needs(iscsi.targetPortal, path.child('targetPortal')), ...checkIscsi(iscsi, path, 'must be valid format starting with iqn, eui, or naa')],
  glusterfs: (glusterfs, path) => [...needs(glusterfs.endpoints, path.child('endpoints')), ...needs(glusterfs.path, path.child('path'))],
  flocker: ({ datasetName, datasetUUID }, path) => {
    if (!datasetName && !datasetUUID) return [required(path, 'one of datasetName and datasetUUID is required')];
    const both = datasetName && datasetUUID;
    const errors: FieldError[] = both ? [invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously')] : [];
    return datasetName?.includes('/') ? [...errors, invalid(path.child('datasetName'), datasetName, "must not contain '/'")] : errors;
  },
  rbd: (rbd, path) => [...(rbd.monitors?.length ? [] : [required(path.child('monitors'))]), ...needs(rbd.image, path.child('image'))],
  cinder: ({ volumeID, secretRef }, path) => [...needs(volumeID, path.child('volumeID')), ...(secretRef ? needs(secretRef.name, path.child('secretRef', 'name')) : [])],
  cephfs: ({ monitors }, path) => (monitors?.length ? [] : [required(path.child('monitors'))]),
  quobyte: (quobyte, path) => [...checkRegistry(quobyte, path), ...needs(quobyte.volume, path.child('volume'))],
  fc: ({ targetWWNs: wwns = [], wwids = [], lun }, path) => {
    const field = path.child('targetWWNs');
    if (wwns.length + wwids.length === 0) return [required(field, 'must specify either targetWWNs or wwids, but not both')];
    const both = wwids.length > 0 && wwns.length > 0;
    const errors: FieldError[] = both ? [invalid(field, wwns, 'targetWWNs and wwids can not be specified simultaneously')] : [];
    if (wwns.length === 0) return errors;
    if (lun === undefined) return [...errors, required(path.child('lun'), 'lun is required if targetWWNs is specified')];
    return [...errors, ...inRange(lun, 0, MAX_LUN).map((why) => invalid(path.child('lun'), lun, why))];
  },
  azureFile: (azure, path) => [...needs(azure.secretName, path.child('secretName')), ...needs(azure.shareName, path.child('shareName'))],
  azureDisk: checkAzureDisk,
  storageos: ({ volumeName, volumeNamespace, secretRef }, path) => [
    ...(volumeName ? isDnsLabel(volumeName, path.child('volumeName')) : [required(path.child('volumeName'))]),
    ...(volumeNamespace ? isDnsLabel(volumeNamespace, path.child('volumeNamespace')) : []),
    ...(secretRef ? needs(secretRef.name, path.child('secretRef', 'name')) : []),
  ],
  scaleIO: (scale, path) => [
    ...needs(scale.gateway, path.child('gateway')),
    ...needs(scale.system, path.child('system')),
    ...needs(scale.volumeName, path.child('volumeName')),
  ],
  flexVolume: ({ driver }, path) => needs(driver, path.child('driver')),
  vsphereVolume: ({ volumePath }, path) => needs(volumePath, path.child('volumePath')),
  photonPersistentDisk: ({ pdID }, path) => needs(pdID, path.child('pdID')),
  portworxVolume: ({ volumeID }, path) => needs(volumeID, path.child('volumeID')),
} satisfies Rules;

const NAME_AND_PORTAL_LIMIT = 64;

export const OLD_VOLUMES = {
  gcePersistentDisk: OLD_DRIVERS.gcePersistentDisk,
  awsElasticBlockStore: OLD_DRIVERS.awsElasticBlockStore,
  flocker: OLD_DRIVERS.flocker,
  rbd: OLD_DRIVERS.rbd as VolumeRules['rbd'] & {},
  quobyte: OLD_DRIVERS.quobyte,
  cephfs: OLD_DRIVERS.cephfs as VolumeRules['cephfs'] & {},
  fc: OLD_DRIVERS.fc,
  vsphereVolume: OLD_DRIVERS.vsphereVolume,
  photonPersistentDisk: OLD_DRIVERS.photonPersistentDisk,
  portworxVolume: OLD_DRIVERS.portworxVolume,
  azureDisk: OLD_DRIVERS.azureDisk,
  scaleIO: OLD_DRIVERS.scaleIO as VolumeRules['scaleIO'] & {},
  glusterfs: ({ endpoints, path: where, endpointsNamespace: namespace }, path) => {
    const field = path.child('endpointsNamespace');
    const wrong =
      namespace === undefined ? [] : namespace === '' ? ['if the endpointnamespace is set, it must be a valid namespace name'] : dnsLabel(namespace);
    return [...needs(endpoints, path.child('endpoints')), ...needs(where, path.child('path')), ...wrong.map((why) => invalid(field, namespace, why))];
  },
  iscsi: (iscsi, path, name) => {
    const tooLong = iscsi.initiatorName !== undefined && `${name}:${iscsi.targetPortal ?? ''}`.length > NAME_AND_PORTAL_LIMIT;
    const why = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
    return [
      ...needs(iscsi.targetPortal, path.child('targetPortal')),
      ...(tooLong ? [invalid(path.child('targetportal'), iscsi.targetPortal, why)] : []),
      ...checkIscsi(iscsi, path, 'must be valid format'),
    ];
  },
  cinder: ({ volumeID, secretRef }, path) => [...needs(volumeID, path.child('volumeID')), ...checkSecret(secretRef, path.child('secretRef'))],
  azureFile: (azure, path) => [
    ...needs(azure.secretName, path.child('secretName')),
    ...needs(azure.shareName, path.child('shareName')),
    ...(azure.secretNamespace === '' ? [required(path.child('secretNamespace'))] : []),
  ],
  storageos: ({ volumeName, volumeNamespace, secretRef }, path) => [
    ...(volumeName ? isDnsLabel(volumeName, path.child('volumeName')) : [required(path.child('volumeName'))]),
    ...(volumeNamespace ? isDnsLabel(volumeNamespace, path.child('volumeNamespace')) : []),
    ...checkSecret(secretRef, path.child('secretRef')),
  ],
  flexVolume: ({ driver, options }, path) => {
    const reserved = Object.keys(options ?? {}).filter((key) => /\.(?:kubernetes|k8s)\.io$/.test(`.${(key.split('/', 2).length === 2 ? key.slice(0, key.indexOf('/')) : key).toLowerCase()}`));
    return [...needs(driver, path.child('driver')), ...reserved.map((key) => invalid(path.child('options').key(key), key, 'kubernetes.io and k8s.io namespaces are reserved'))];
  },
} satisfies VolumeRules;

function needs(value: string | undefined, path: Path): FieldError[] {
  return value ? [] : [required(path)];
}

function checkSecret(secret: { readonly name?: string; readonly namespace?: string } | undefined, path: Path): FieldError[] {
  return secret ? [...needs(secret.name, path.child('name')), ...needs(secret.namespace, path.child('namespace'))] : [];
}

const PARTITION_LIMIT = 255;

/** Zero is fine, whatever the text says. */
function checkPartition(partition: number | undefined, path: Path): FieldError[] {
  if (inRange(partition ?? 0, 0, PARTITION_LIMIT).length === 0) return [];
  return inRange(-1, 1, PARTITION_LIMIT).map((why) => invalid(path, partition, why));
}

const QUALIFIED: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([A-Za-z0-9-.]+)(:[^,;*&$|\s]+)$/, eui: /^eui.[0-9A-Fa-f]{16}$/, naa: /^naa.[0-9A-Fa-f]{32}$/,
};

function checkIscsi(iscsi: Source<'iscsi'> | VolumeSource<'iscsi'>, path: Path, wrongStart: string): FieldError[] {
  const { iqn, lun = 0, secretRef, initiatorName } = iscsi;
  const errors = iqn ? checkQualified(iqn, path.child('iqn'), wrongStart) : [required(path.child('iqn'))];
  errors.push(...inRange(lun, 0, MAX_LUN).map((why) => invalid(path.child('lun'), lun, why)));
  if ((iscsi.chapAuthDiscovery || iscsi.chapAuthSession) && !secretRef) errors.push(required(path.child('secretRef')));
  if (secretRef && wrongStart === 'must be valid format') errors.push(...needs(secretRef.name, path.child('secretRef', 'name')));
  return initiatorName === undefined ? errors : [...errors, ...checkQualified(initiatorName, path.child('initiatorname'), wrongStart)];
}

function checkQualified(name: string, path: Path, wrongStart: string): FieldError[] {
  const form = QUALIFIED[name.slice(0, 3)];
  if (!form) return [invalid(path, name, wrongStart)];
  return form.test(name) ? [] : [invalid(path, name, 'must be valid format')];
}

const TENANT_LIMIT = 64;
const REGISTRY_WRONG = 'must be a host:port pair or multiple pairs separated by commas';

function checkRegistry({ registry, tenant }: Source<'quobyte'>, path: Path): FieldError[] {
  const field = path.child('registry');
  if (!registry) return [required(field, REGISTRY_WRONG)];
  if ((tenant ?? '').length > TENANT_LIMIT) return [required(path.child('tenant'), 'must be a UUID and may not exceed a length of 64 characters')];
  return registry.split(',').filter((pair) => !/^(?:[^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/.test(pair)).map(() => invalid(field, registry, REGISTRY_WRONG));
}

const CACHING = ['None', 'ReadOnly', 'ReadWrite'];
const DISK_KINDS = ['Dedicated', 'Managed', 'Shared'];
const MANAGED_URI = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
const BLOB_URI = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';

function checkAzureDisk({ diskName, diskURI = '', cachingMode, kind }: Source<'azureDisk'>, path: Path): FieldError[] {
  const errors = [...needs(diskName, path.child('diskName')), ...needs(diskURI, path.child('diskURI'))];
  if (cachingMode !== undefined && !CACHING.includes(cachingMode)) errors.push(notSupported(path.child('cachingMode'), cachingMode, CACHING));
  if (kind === undefined) return errors;
  if (!DISK_KINDS.includes(kind)) errors.push(notSupported(path.child('kind'), kind, DISK_KINDS));
  const [start, form] = kind === 'Managed' ? ['/subscriptions/', MANAGED_URI] : ['https://', BLOB_URI];
  return diskURI.startsWith(start) ? errors : [...errors, notSupported(path.child('diskURI'), diskURI, [form], 'plain')];
}
