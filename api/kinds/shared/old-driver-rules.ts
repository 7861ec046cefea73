/** Volume drivers of old: nodes no longer have them, but the API still checks what is asked of them. */
import { type FieldError, type Path, invalid, required } from '../../field-error.ts';
import type { Volume } from '../../types/core.v1.ts';
import { inRange } from './formats.ts';

type Rule = (volume: Volume, path: Path) => FieldError[];

const MAX_LUN = 255;

export const OLD_DRIVERS = {
  gcePersistentDisk: ({ gcePersistentDisk: disk }, path) => [
    ...needs(disk?.pdName, path.child('pdName')),
    ...checkPartition(disk?.partition, path.child('partition')),
  ],
  awsElasticBlockStore: ({ awsElasticBlockStore: store }, path) => [
    ...needs(store?.volumeID, path.child('volumeID')),
    ...checkPartition(store?.partition, path.child('partition')),
  ],
  iscsi: ({ iscsi }, path) => {
    const iqn = iscsi?.iqn ?? '';
    const wellFormed = ['iqn', 'eui', 'naa'].some((prefix) => iqn.startsWith(prefix));
    return [
      ...needs(iscsi?.targetPortal, path.child('targetPortal')),
      ...(iqn === '' ? [required(path.child('iqn'))] : wellFormed ? [] : [invalid(path.child('iqn'), iqn, 'must be valid format starting with iqn, eui, or naa')]),
      ...inRange(iscsi?.lun ?? 0, 0, MAX_LUN).map((why) => invalid(path.child('lun'), iscsi?.lun, why)),
      ...((iscsi?.chapAuthDiscovery || iscsi?.chapAuthSession) && !iscsi.secretRef ? [required(path.child('secretRef'))] : []),
    ];
  },
  glusterfs: ({ glusterfs }, path) => [...needs(glusterfs?.endpoints, path.child('endpoints')), ...needs(glusterfs?.path, path.child('path'))],
  flocker: ({ flocker }, path) => {
    if (!flocker?.datasetName && !flocker?.datasetUUID) return [required(path, 'one of datasetName and datasetUUID is required')];
    const both = flocker.datasetName && flocker.datasetUUID;
    const errors: FieldError[] = both ? [invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously')] : [];
    if (flocker.datasetName?.includes('/')) errors.push(invalid(path.child('datasetName'), flocker.datasetName, "must not contain '/'"));
    return errors;
  },
  rbd: ({ rbd }, path) => [
    ...((rbd?.monitors ?? []).length > 0 ? [] : [required(path.child('monitors'))]),
    ...needs(rbd?.image, path.child('image')),
  ],
  cinder: ({ cinder }, path) => needs(cinder?.volumeID, path.child('volumeID')),
  cephfs: ({ cephfs }, path) => ((cephfs?.monitors ?? []).length > 0 ? [] : [required(path.child('monitors'))]),
  quobyte: ({ quobyte }, path) => [
    ...(quobyte?.registry ? [] : [required(path.child('registry'), 'must be a host:port pair or multiple pairs separated by commas')]),
    ...needs(quobyte?.volume, path.child('volume')),
  ],
  fc: ({ fc }, path) => {
    const wwns = fc?.targetWWNs ?? [];
    const wwids = fc?.wwids ?? [];
    if (wwns.length > 0 && wwids.length > 0) return [invalid(path.child('targetWWNs'), wwns, 'fc: targetWWNs and wwids can not be specified simultaneously')];
    if (wwns.length + wwids.length === 0) return [required(path.child('targetWWNs'), 'fc: either targetWWNs or wwids must be specified, but not both')];
    if (wwns.length === 0) return [];
    return fc?.lun === undefined
      ? [required(path.child('lun'), 'lun is required if targetWWNs is specified')]
      : inRange(fc.lun, 0, MAX_LUN).map((why) => invalid(path.child('lun'), fc.lun, why));
  },
  azureFile: ({ azureFile }, path) => [...needs(azureFile?.secretName, path.child('secretName')), ...needs(azureFile?.shareName, path.child('shareName'))],
  azureDisk: ({ azureDisk }, path) => [...needs(azureDisk?.diskName, path.child('diskName')), ...needs(azureDisk?.diskURI, path.child('diskURI'))],
  storageos: ({ storageos }, path) => needs(storageos?.volumeName, path.child('volumeName')),
  scaleIO: ({ scaleIO }, path) => [
    ...needs(scaleIO?.gateway, path.child('gateway')),
    ...needs(scaleIO?.system, path.child('system')),
    ...needs(scaleIO?.volumeName, path.child('volumeName')),
  ],
} satisfies Record<string, Rule>;

function needs(value: string | undefined, path: Path): FieldError[] {
  return value ? [] : [required(path)];
}

const PARTITION_LIMIT = 255;

function checkPartition(partition: number | undefined, path: Path): FieldError[] {
  return inRange(partition ?? 0, 0, PARTITION_LIMIT).map((why) => invalid(path, partition, why));
}
