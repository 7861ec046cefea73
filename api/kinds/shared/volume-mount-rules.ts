/** How containers mount volumes, as directories or as block devices. */
import { type FieldError, type Path, forbiddenField, invalid, notFoundValue, notSupported, required } from '../../field-error.ts';
import type { Container, Volume, VolumeDevice, VolumeMount } from '../../types/core.v1.ts';
import { descending, noBacksteps } from './text-rules.ts';

export type Volumes = ReadonlyMap<string, Volume>;

export function checkVolumeMounts(container: Container, volumes: Volumes, path: Path): FieldError[] {
  const devices = container.volumeDevices ?? [];
  const seen = new Set<string>();
  return (container.volumeMounts ?? []).flatMap((mount, at) => {
    const here = path.index(at);
    const errors: FieldError[] = [];
    if (!mount.name) errors.push(required(here.child('name')));
    if (!volumes.has(mount.name)) errors.push(notFoundValue(here.child('name'), mount.name));
    if (!mount.mountPath) errors.push(required(here.child('mountPath')));
    if (seen.has(mount.mountPath)) errors.push(invalid(here.child('mountPath'), mount.mountPath, 'must be unique'));
    seen.add(mount.mountPath);
    if (devices.some((device) => device.name === mount.name)) {
      errors.push(invalid(here.child('name'), mount.name, 'must not already exist in volumeDevices'));
    }
    if (devices.some((device) => device.devicePath === mount.mountPath)) {
      errors.push(invalid(here.child('mountPath'), mount.mountPath, 'must not already exist as a path in volumeDevices'));
    }
    return [...errors, ...checkSubPaths(mount, here, path), ...checkPropagation(mount, container, path), ...checkRecursive(mount, path)];
  });
}

export function checkVolumeDevices(container: Container, volumes: Volumes, path: Path): FieldError[] {
  const mounts = container.volumeMounts ?? [];
  const names = new Set<string>();
  const paths = new Set<string>();
  return (container.volumeDevices ?? []).flatMap((device: VolumeDevice, at) => {
    const name = path.index(at).child('name');
    const devicePath = path.index(at).child('devicePath');
    const volume = volumes.get(device.name);
    const errors: FieldError[] = [];
    if (!device.name) errors.push(required(name));
    if (names.has(device.name)) errors.push(invalid(name, device.name, 'must be unique'));
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      errors.push(invalid(name, device.name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'));
    }
    if (!volume) errors.push(notFoundValue(name, device.name));
    if (!device.devicePath) errors.push(required(devicePath));
    if (paths.has(device.devicePath)) errors.push(invalid(devicePath, device.devicePath, 'must be unique'));
    if (device.devicePath && noBacksteps(device.devicePath, path).length > 0) {
      errors.push(invalid(devicePath, device.devicePath, "can not contain backsteps ('..')"));
    } else paths.add(device.devicePath);
    if (mounts.some((mount) => mount.name === device.name)) errors.push(invalid(name, device.name, 'must not already exist in volumeMounts'));
    if (mounts.some((mount) => mount.mountPath === device.devicePath)) {
      errors.push(invalid(devicePath, device.devicePath, 'must not already exist as a path in volumeMounts'));
    }
    if (device.name) names.add(device.name);
    return errors;
  });
}

/** Some of these name the list and not the element, as upstream does. */
function checkSubPaths(mount: VolumeMount, here: Path, list: Path): FieldError[] {
  const errors = mount.subPath ? descending(mount.subPath, list.child('subPath')) : [];
  if (!mount.subPathExpr) return errors;
  if (mount.subPath) errors.push(invalid(here.child('subPathExpr'), mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
  return [...errors, ...descending(mount.subPathExpr, list.child('subPathExpr'))];
}

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];

function checkPropagation({ mountPropagation }: VolumeMount, container: Container, list: Path): FieldError[] {
  if (mountPropagation === undefined) return [];
  const path = list.child('mountPropagation');
  const errors = PROPAGATIONS.includes(mountPropagation) ? [] : [notSupported(path, mountPropagation, PROPAGATIONS)];
  if (mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
    errors.push(forbiddenField(path, 'Bidirectional mount propagation is available only to privileged containers'));
  }
  return errors;
}

function checkRecursive(mount: VolumeMount, list: Path): FieldError[] {
  const mode = mount.recursiveReadOnly;
  const path = list.child('recursiveReadOnly');
  if (mode === undefined || mode === 'Disabled') return [];
  if (mode !== 'Enabled' && mode !== 'IfPossible') return [notSupported(path, mode, ['Disabled', 'Enabled', 'IfPossible'])];
  const errors = mount.readOnly ? [] : [forbiddenField(path, 'may only be specified when readOnly is true')];
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== 'None') {
    errors.push(forbiddenField(path, 'may only be specified when mountPropagation is None or not specified'));
  }
  return errors;
}
