/** Annotations of pods that mean something to the server, and the fields that some of them became. */
import { type FieldError, type Path, forbiddenField, invalid } from '../../field-error.ts';
import type { AppArmorProfile, PodSpec, SeccompProfile } from '../../types/core.v1.ts';
import { descending } from './text-rules.ts';

export const MIRROR_POD = 'kubernetes.io/config.mirror';
export const APPARMOR_PREFIX = 'container.apparmor.security.beta.kubernetes.io/';
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER_PREFIX = 'container.seccomp.security.alpha.kubernetes.io/';

type Annotations = Readonly<Record<string, string>> | undefined;

export function checkPodAnnotations(annotations: Annotations, spec: PodSpec, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const mirror = annotations?.[MIRROR_POD];
  if (mirror !== undefined && !spec.nodeName) {
    errors.push(invalid(path.key(MIRROR_POD), mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  }
  const cost = annotations?.[DELETION_COST];
  if (cost !== undefined && !isDeletionCost(cost)) errors.push(invalid(path.key(DELETION_COST), cost, 'must be a 32bit integer'));
  for (const key in annotations) {
    const value = annotations[key] as string;
    if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER_PREFIX)) errors.push(...checkSeccompText(value, path.child(key)));
    if (key.startsWith(APPARMOR_PREFIX)) errors.push(...checkAppArmorText(key, value, spec, path));
  }
  return errors;
}

export function checkPodAnnotationChanges(annotations: Annotations, old: Annotations, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(old ?? {})) {
    if (annotations?.[key] === value) continue;
    if (key.startsWith(APPARMOR_PREFIX)) errors.push(forbiddenField(path.key(key), 'may not remove or update AppArmor annotations'));
    if (key === MIRROR_POD) errors.push(forbiddenField(path.key(key), 'may not remove or update mirror pod annotation'));
  }
  for (const key of Object.keys(annotations ?? {})) {
    if (old?.[key] !== undefined) continue;
    if (key.startsWith(APPARMOR_PREFIX)) errors.push(forbiddenField(path.key(key), 'may not add AppArmor annotations'));
    if (key === MIRROR_POD) errors.push(forbiddenField(path.key(key), 'may not add mirror pod annotation'));
  }
  return errors;
}

/** On create, an annotation and the field that replaced it must say the same. */
export function checkAnnotationsMatchFields(annotations: Annotations, spec: PodSpec, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (!annotations || !hasProfiles(annotations)) return errors;
  const ofPod = spec.securityContext;
  const podText = annotations[SECCOMP_POD];
  if (ofPod?.seccompProfile && podText !== undefined) {
    errors.push(...matchSeccomp(podText, ofPod.seccompProfile, path.child('securityContext', 'seccompProfile')));
  }
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [at, container] of (spec[list] ?? []).entries()) {
      const here = path.child(list).index(at).child('securityContext');
      const own = container.securityContext;
      const seccomp = annotations[`${SECCOMP_CONTAINER_PREFIX}${container.name}`];
      if (own?.seccompProfile && seccomp !== undefined) errors.push(...matchSeccomp(seccomp, own.seccompProfile, here.child('seccompProfile')));
      const appArmor = annotations[`${APPARMOR_PREFIX}${container.name}`];
      const profile = own?.appArmorProfile ?? ofPod?.appArmorProfile;
      if (profile && appArmor !== undefined && spec.os?.name !== 'windows') errors.push(...matchAppArmor(appArmor, profile, here.child('appArmorProfile')));
    }
  }
  return errors;
}

/** Of seccomp or AppArmor. */
function hasProfiles(annotations: Readonly<Record<string, string>>): boolean {
  for (const key in annotations) if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER_PREFIX) || key.startsWith(APPARMOR_PREFIX)) return true;
  return false;
}

function isDeletionCost(text: string): boolean {
  return /^(-?[1-9][0-9]*|0)$/.test(text) && Math.abs(Number(text)) < 2 ** 31;
}

function checkSeccompText(text: string, path: Path): FieldError[] {
  if (text === 'runtime/default' || text === 'docker/default' || text === 'unconfined') return [];
  if (text.startsWith('localhost/')) return descending(text.slice('localhost/'.length), path);
  return [invalid(path, text, 'must be a valid seccomp profile')];
}

function checkAppArmorText(key: string, text: string, spec: PodSpec, path: Path): FieldError[] {
  const name = key.slice(APPARMOR_PREFIX.length);
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
  const errors = containers.some((container) => container.name === name) ? [] : [invalid(path.key(key), name, 'container not found')];
  const known = text === '' || text === 'runtime/default' || text === 'unconfined' || text.startsWith('localhost/');
  return known ? errors : [...errors, invalid(path.key(key), text, `invalid AppArmor profile name: ${JSON.stringify(text)}`)];
}

function matchSeccomp(text: string, profile: SeccompProfile, path: Path): FieldError[] {
  const type = text === 'unconfined' ? 'Unconfined' : text.startsWith('localhost/') ? 'Localhost' : 'RuntimeDefault';
  if (type !== profile.type) return [forbiddenField(path.child('type'), 'seccomp type in annotation and field must match')];
  if (type !== 'Localhost' || text.slice('localhost/'.length) === profile.localhostProfile) return [];
  return [forbiddenField(path.child('localhostProfile'), 'seccomp profile in annotation and field must match')];
}

function matchAppArmor(text: string, profile: AppArmorProfile, path: Path): FieldError[] {
  const type = text === 'unconfined' ? 'Unconfined' : text.startsWith('localhost/') ? 'Localhost' : text === 'runtime/default' ? 'RuntimeDefault' : '';
  if (type !== profile.type) return [forbiddenField(path.child('type'), 'apparmor type in annotation and field must match')];
  if (type !== 'Localhost' || text.slice('localhost/'.length) === profile.localhostProfile) return [];
  return [forbiddenField(path.child('localhostProfile'), 'apparmor profile in annotation and field must match')];
}
