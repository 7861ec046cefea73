/** The rules for StatefulSets. */
import { Named, type FieldError, Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { StatefulSet, StatefulSetSpec } from '../../types/apps.v1.ts';
import type { PodTemplateSpec, Volume } from '../../types/core.v1.ts';
import { checkClaimSpec } from '../shared/claim-rules.ts';
import { checkAnnotations, checkLabels } from '../shared/object-meta.ts';
import { checkPodAnnotations } from '../shared/pod-annotation-rules.ts';
import { checkAlwaysRunning, checkPodTemplate, checkSelectedTemplate, checkWorkloadSelector } from '../shared/pod-template-rules.ts';
import { notNegative } from '../shared/quantity-rules.ts';
import { checkCollisions, checkCounts } from '../shared/replica-counts.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { isDnsLabel } from '../shared/text-rules.ts';

const SPEC = Path.of('spec');
const STATUS = Path.of('status');
const RETENTIONS = ['Retain', 'Delete'];

export function validateStatefulSet({ spec }: StatefulSet): FieldError[] {
  return spec ? checkSpec(spec, { isNew: true, template: true }) : [];
}

const CHANGEABLE = ['replicas', 'template', 'updateStrategy', 'minReadySeconds', 'ordinals', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy'];
const FIXED_WORDS =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
  "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export function validateStatefulSetUpdate(object: StatefulSet, old: StatefulSet): FieldError[] {
  const fixed = (set: StatefulSet): unknown => Object.fromEntries(Object.entries(set.spec ?? {}).filter(([field]) => !CHANGEABLE.includes(field)));
  const wasFine = !old.spec || checkSpec(old.spec, { isNew: false, template: true }).length === 0;
  const errors = object.spec ? checkSpec(object.spec, { isNew: false, template: wasFine }) : [];
  return semanticEqual(fixed(object), fixed(old)) ? errors : [...errors, forbiddenField(SPEC, FIXED_WORDS)];
}

const COUNTS = {
  counts: ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration', 'collisionCount'],
  parts: ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'],
  readyName: 'status.readyReplicas',
};

export function validateStatefulSetStatus(object: StatefulSet, old: StatefulSet): FieldError[] {
  return [...checkCounts(object.status, STATUS, COUNTS), ...checkCollisions(object.status?.collisionCount, old.status?.collisionCount, STATUS)];
}

interface Parts {
  /** What cannot change is only checked when it is new. */
  readonly isNew: boolean;
  /** A set that already breaks the rules may keep its template. */
  readonly template: boolean;
}

function checkSpec(spec: StatefulSetSpec, { isNew, template: withTemplate }: Parts): FieldError[] {
  const template = SPEC.child('template');
  const checked = withClaimVolumes(spec);
  return [
    ...checkManagement(spec.podManagementPolicy ?? ''),
    ...checkStrategy(spec, SPEC.child('updateStrategy')),
    ...checkRetention(spec, SPEC.child('persistentVolumeClaimRetentionPolicy')),
    ...(isNew ? checkClaimTemplates(spec) : []),
    ...notNegative(spec.replicas, SPEC.child('replicas')),
    ...notNegative(spec.minReadySeconds, SPEC.child('minReadySeconds')),
    ...notNegative(spec.ordinals?.start, SPEC.child('ordinals.start')),
    ...(isNew && spec.serviceName ? isDnsLabel(spec.serviceName, SPEC.child('serviceName')) : []),
    ...checkWorkloadSelector(spec.selector, 'statefulset', SPEC.child('selector')),
    ...checkSelectedTemplate(spec, SPEC, '', () => [...(withTemplate ? checkPodTemplate(checked, template) : []), ...checkTemplateAgain(checked, template)]),
    ...checkAlwaysRunning(spec.template, 'StatefulSet', template),
  ];
}

function checkManagement(policy: string): FieldError[] {
  const path = SPEC.child('podManagementPolicy');
  if (policy === '') return [required(path)];
  return policy === 'OrderedReady' || policy === 'Parallel' ? [] : [invalid(path, new Named(policy), "must be 'OrderedReady' or 'Parallel'")];
}

function checkStrategy({ updateStrategy = {} }: StatefulSetSpec, path: Path): FieldError[] {
  const rolling = updateStrategy.rollingUpdate;
  switch ((updateStrategy.type ?? '') as string) {
    case '':
      return [required(path)];
    case 'OnDelete':
      if (!rolling) return [];
      return [invalid(path.child('rollingUpdate'), { Partition: rolling.partition ?? 0, MaxUnavailable: null }, "only allowed for updateStrategy 'RollingUpdate'")];
    case 'RollingUpdate':
      return notNegative(rolling?.partition, path.child('rollingUpdate', 'partition'));
    default: {
      const shown = { Type: updateStrategy.type, RollingUpdate: rolling ? { Partition: rolling.partition ?? 0, MaxUnavailable: null } : null };
      return [invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'")];
    }
  }
}

function checkRetention({ persistentVolumeClaimRetentionPolicy: policy }: StatefulSetSpec, path: Path): FieldError[] {
  return (['whenDeleted', 'whenScaled'] as const).flatMap((field) => {
    const value = policy?.[field] ?? '';
    return policy && !RETENTIONS.includes(value) ? [notSupported(path.child(field), value, RETENTIONS)] : [];
  });
}

function checkClaimTemplates({ volumeClaimTemplates }: StatefulSetSpec): FieldError[] {
  return (volumeClaimTemplates ?? []).flatMap((claim, at) => checkClaimSpec(claim.spec, SPEC.child('volumeClaimTemplates').index(at).child('spec')));
}

/** Pods get a volume for each claim, and host names of their own. */
function withClaimVolumes(spec: StatefulSetSpec): PodTemplateSpec {
  const { subdomain: _subdomain, hostname: _hostname, ...rest } = spec.template?.spec ?? { containers: [] };
  const names = new Set((spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata?.name ?? ''));
  const claims = [...names].map((name): Volume => ({ name, persistentVolumeClaim: { claimName: name } }));
  const volumes = [...claims, ...(rest.volumes ?? []).filter((volume) => !names.has(volume.name))];
  return { ...spec.template, spec: { ...rest, ...(volumes.length > 0 && { volumes }) } };
}

/** Upstream looks at the template's metadata a second time. */
function checkTemplateAgain(template: PodTemplateSpec, path: Path): FieldError[] {
  const annotations = template.metadata?.annotations;
  return [
    ...checkLabels(template.metadata?.labels, path.child('labels')),
    ...checkAnnotations(annotations, path.child('annotations')),
    ...checkPodAnnotations(annotations, template.spec ?? { containers: [] }, path.child('annotations')),
  ];
}
