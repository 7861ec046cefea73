/** The rules for PersistentVolumes: one source, which stays as it is. */
import { type FieldError, Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import { canonicalQuantity, parseQuantity, value } from '../../quantity.ts';
import type { PersistentVolume, PersistentVolumeSpec } from '../../types/core.v1.ts';
import { checkNodeSelector } from '../shared/affinity-rules.ts';
import { VOLUME_MODES, checkAccessModes } from '../shared/claim-rules.ts';
import { dnsLabel, dnsSubdomain } from '../shared/formats.ts';
import { internalDiff, internalForm } from '../shared/internal-form.ts';
import { immutable } from '../shared/object-meta.ts';
import { positiveAmount } from '../shared/quantity-rules.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { noBacksteps } from '../shared/text-rules.ts';
import { OLD_VOLUMES } from '../shared/old-driver-rules.ts';
import { checkDriverName, checkHostPath, checkNfs } from '../shared/volume-rules.ts';

const SPEC = Path.of('spec');
const RECLAIM = ['Delete', 'Recycle', 'Retain'];

export function validateVolume({ metadata, spec }: PersistentVolume): FieldError[] {
  return spec ? checkVolumeSpec(spec, metadata?.name ?? '', SPEC) : [];
}

function checkVolumeSpec(spec: PersistentVolumeSpec, name: string, path: Path): FieldError[] {
  const modes = spec.accessModes ?? [];
  const errors: FieldError[] = modes.length === 0 ? [required(path.child('accessModes'))] : [];
  errors.push(...checkAccessModes(modes, path.child('accessModes')), ...checkCapacity(spec));
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy && !RECLAIM.includes(policy)) errors.push(notSupported(path.child('persistentVolumeReclaimPolicy'), policy, RECLAIM));
  errors.push(...checkAffinity(spec), ...checkSource(spec, name, path));
  if (spec.hostPath && /^\/+\.?$/.test(spec.hostPath.path) && policy === 'Recycle') {
    errors.push(forbiddenField(path.child('persistentVolumeReclaimPolicy'), "may not be 'recycle' for a hostPath mount of '/'"));
  }
  if (spec.storageClassName) errors.push(...className(spec.storageClassName, path.child('storageClassName')));
  if (spec.volumeMode !== undefined && !VOLUME_MODES.includes(spec.volumeMode)) errors.push(notSupported(path.child('volumeMode'), spec.volumeMode, VOLUME_MODES));
  return [...errors, ...checkAttributesClass(spec, path)];
}

function checkAttributesClass({ volumeAttributesClassName: name, csi }: PersistentVolumeSpec, path: Path): FieldError[] {
  const field = path.child('volumeAttributesClassName');
  if (name === undefined) return [];
  const errors = name === '' ? [required(field, 'an empty string is disallowed')] : className(name, field);
  return csi ? errors : [...errors, required(path.child('csi'), 'has to be specified when using volumeAttributesClassName')];
}

const INLINE = 'in the context of inline volumes';

/** What a VolumeAttachment carries along where no PersistentVolume stands for it. */
export function checkInlineVolume(spec: PersistentVolumeSpec, path: Path): FieldError[] {
  const not = (field: string): FieldError => forbiddenField(path.child(field), `may not be specified ${INLINE}`);
  const modes = spec.accessModes ?? [];
  return [
    ...(spec.claimRef ? [not('claimRef')] : []),
    ...(Object.keys(spec.capacity ?? {}).length > 0 ? [not('capacity')] : []),
    ...(spec.csi ? [] : [required(path.child('csi'), `has to be specified ${INLINE}`)]),
    ...(modes.length === 0 ? [required(path.child('accessModes'))] : []),
    ...checkAccessModes(modes, path.child('accessModes')),
    ...((spec.persistentVolumeReclaimPolicy ?? 'Retain') === 'Retain' ? [] : [forbiddenField(path.child('persistentVolumeReclaimPolicy'), `may only be Retain ${INLINE}`)]),
    ...(spec.nodeAffinity ? [not('nodeAffinity')] : []),
    ...checkSource(spec, '', path),
    ...(spec.storageClassName ? [not('storageClassName')] : []),
    ...((spec.volumeMode ?? 'Filesystem') === 'Filesystem' ? [] : [forbiddenField(path.child('volumeMode'), `may not specify volumeMode other than Filesystem ${INLINE}`)]),
  ];
}

export function validateVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const [spec, before] = [volume.spec, old.spec];
  const errors = validateVolume(volume);
  if (!spec || !before) return errors;
  const source = sourceOf(withoutNewSecret(spec, before));
  if (!semanticEqual(source, sourceOf(before))) {
    errors.push(forbiddenField(SPEC.child('persistentvolumesource'), `spec.persistentvolumesource is immutable after creation\n${internalDiff('PersistentVolumeSource', sourceOf(before), source)}`));
  }
  errors.push(...immutable(spec.volumeMode, before.volumeMode, Path.of('volumeMode')));
  if (before.nodeAffinity) errors.push(...affinityKept(spec.nodeAffinity, before.nodeAffinity));
  if (before.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    errors.push(forbiddenField(SPEC.child('volumeAttributesClassName'), 'update from non-nil value to nil is forbidden'));
  }
  return errors;
}

/** The secret by which a volume is grown may be added later. */
function withoutNewSecret(spec: PersistentVolumeSpec, before: PersistentVolumeSpec): PersistentVolumeSpec {
  if (!spec.csi?.controllerExpandSecretRef || !before.csi || before.csi.controllerExpandSecretRef) return spec;
  const { controllerExpandSecretRef: _added, ...csi } = spec.csi;
  return { ...spec, csi };
}

function affinityKept(affinity: PersistentVolumeSpec['nodeAffinity'], old: PersistentVolumeSpec['nodeAffinity']): FieldError[] {
  if (semanticEqual(affinity, withStableLabels(old, affinity))) return [];
  const shown = affinity && internalForm('VolumeNodeAffinity', affinity as never);
  return [invalid(Path.of('nodeAffinity'), shown, 'field is immutable, except for updating from beta label to GA')];
}

/** Labels of nodes that had names of their own before. */
const STABLE_LABELS: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os', 'beta.kubernetes.io/arch': 'kubernetes.io/arch', 'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

/** The old affinity with those keys that the new one has under their stable names; upstream lets other keys become empty as well. */
function withStableLabels(old: PersistentVolumeSpec['nodeAffinity'], affinity: PersistentVolumeSpec['nodeAffinity']): PersistentVolumeSpec['nodeAffinity'] {
  const terms = old?.required?.nodeSelectorTerms;
  if (!terms) return old;
  const nodeSelectorTerms = terms.map((term, at) => {
    const next = affinity?.required?.nodeSelectorTerms?.[at];
    const moved = (field: 'matchExpressions' | 'matchFields') => term[field]?.map((one, i) => {
      const key = next?.[field]?.[i]?.key;
      return key !== undefined && (STABLE_LABELS[one.key] ?? '') === key ? { ...one, key } : one;
    });
    const [matchExpressions, matchFields] = [moved('matchExpressions'), moved('matchFields')];
    return { ...term, ...(matchExpressions && { matchExpressions }), ...(matchFields && { matchFields }) };
  });
  return { ...old, required: { ...old.required, nodeSelectorTerms } };
}

function checkCapacity({ capacity: given }: PersistentVolumeSpec): FieldError[] {
  const capacity = given ?? {};
  const path = SPEC.child('capacity');
  const names = Object.keys(capacity);
  const errors: FieldError[] = names.length === 0 ? [required(path)] : [];
  if (capacity['storage'] === undefined || names.length > 1) errors.push(notSupported(path, given && shownAmounts(given), ['storage']));
  return [...errors, ...Object.entries(capacity).flatMap(([name, text]) => [...validAmount(text, path.key(name)), ...positiveAmount(text, path.key(name))])];
}

function validAmount(text: string, path: Path): FieldError[] {
  const quantity = parseQuantity(text);
  const whole = quantity ? value(quantity) : 0;
  return whole < 0 ? [invalid(path, whole, 'must be a valid resource quantity')] : [];
}

function shownAmounts(amounts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, text]) => [name, canonicalQuantity(text) ?? text]));
}

function checkAffinity({ nodeAffinity }: PersistentVolumeSpec): FieldError[] {
  const path = SPEC.child('nodeAffinity');
  if (!nodeAffinity) return [];
  if (!nodeAffinity.required) return [required(path.child('required'), 'must specify required node constraints')];
  return checkNodeSelector(nodeAffinity.required, path.child('required'));
}

type SourceRule = (spec: PersistentVolumeSpec, path: Path, name: string) => FieldError[];

/** In upstream's order, with the names under which it reports them where those differ from the field's. */
const SOURCES: readonly (readonly [field: keyof PersistentVolumeSpec, rule: SourceRule, doubled?: string])[] = [
  ['hostPath', ({ hostPath }, path) => checkHostPath(hostPath, path.child('hostPath'))],
  ['gcePersistentDisk', ({ gcePersistentDisk: source }, path) => (source ? OLD_VOLUMES.gcePersistentDisk(source, path.child('persistentDisk')) : [])],
  old('awsElasticBlockStore'), old('glusterfs'), old('flocker'),
  ['nfs', ({ nfs }, path) => checkNfs(nfs, path.child('nfs'))],
  old('rbd'), old('quobyte'),
  [...old('cephfs'), 'cephFS'],
  old('iscsi'), old('cinder'), old('fc'), old('flexVolume'), old('azureFile'), old('vsphereVolume'), old('photonPersistentDisk'), old('portworxVolume'), old('azureDisk'), old('scaleIO'),
  ['local', ({ local, nodeAffinity }, path) => [
    ...(local?.path ? noBacksteps(local.path, path.child('local', 'path')) : [required(path.child('local', 'path'))]),
    ...(nodeAffinity ? [] : [required(path.child('nodeAffinity'), 'Local volume requires node affinity')]),
  ]],
  old('storageos'),
  ['csi', ({ csi }, path) => (csi ? checkCsi(csi, path.child('csi')) : [])],
];

function old(field: keyof typeof OLD_VOLUMES): readonly [field: keyof PersistentVolumeSpec, rule: SourceRule] {
  const rule = OLD_VOLUMES[field] as (source: unknown, path: Path, name: string) => FieldError[];
  return [field, (spec, path, name) => rule(spec[field], path.child(field), name)];
}

function checkSource(spec: PersistentVolumeSpec, name: string, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  let found = false;
  for (const [field, rule, doubled] of SOURCES) {
    if (spec[field] === undefined) continue;
    // Of the two, a flexVolume is checked all the same.
    if (found && field !== 'flexVolume') errors.push(forbiddenField(path.child(doubled ?? field), 'may not specify more than 1 volume type'));
    else errors.push(...rule(spec, path, name));
    found = true;
  }
  return found ? errors : [...errors, required(path, 'must specify a volume type')];
}

const SECRETS = ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const;

function checkCsi(csi: NonNullable<PersistentVolumeSpec['csi']>, path: Path): FieldError[] {
  const errors = checkDriverName(csi.driver, path.child('driver'));
  if (!csi.volumeHandle) errors.push(required(path.child('volumeHandle')));
  for (const field of SECRETS) {
    const secret = csi[field];
    if (!secret) continue;
    for (const part of ['name', 'namespace'] as const) {
      const here = path.child(field, part);
      const text = secret[part] ?? '';
      const wrong = part === 'name' ? dnsSubdomain(text) : dnsLabel(text);
      errors.push(...(text === '' ? [required(here)] : wrong.map((why) => invalid(here, text, why))));
    }
  }
  return errors;
}

/** The source alone, all fields that are not about how it is used. */
function sourceOf(spec: PersistentVolumeSpec): Record<string, unknown> {
  return Object.fromEntries(SOURCES.flatMap(([field]) => (spec[field] === undefined ? [] : [[field, spec[field]]])));
}

function className(name: string, path: Path): FieldError[] {
  return dnsSubdomain(name).map((why) => invalid(path, name, why));
}
