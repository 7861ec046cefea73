/** The rules for new pods and for changes to pods. */
import { type FieldError, Path, forbiddenField, invalid, required } from '../../field-error.ts';
import type { Metadata } from '../../kind.ts';
import type { Container, Pod, PodSpec, Toleration } from '../../types/core.v1.ts';
import { remembered } from '../../../std/remembered.ts';
import { checkTolerations } from '../shared/affinity-rules.ts';
import { checkImageBlanks } from '../shared/container-rules.ts';
import { inRange } from '../shared/formats.ts';
import { validateMetadata } from '../shared/object-meta.ts';
import { checkAnnotationsMatchFields, checkPodAnnotationChanges, checkPodAnnotations } from '../shared/pod-annotation-rules.ts';
import { internalDiff } from '../shared/internal-form.ts';
import { checkPodSpec } from '../shared/pod-spec-rules.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { checkGatedSpec } from './pod-gate-rules.ts';

const SPEC = Path.of('spec');
const ANNOTATIONS = Path.of('metadata', 'annotations');

/** Without the metadata rules, which run before. */
export function validatePod(pod: Pod): FieldError[] {
  const errors = checkAnnotationsAndSpec(pod);
  if (pod.spec.ephemeralContainers?.length) errors.push(forbiddenField(SPEC.child('ephemeralContainers'), 'cannot be set on create'));
  if (pod.spec.nodeName && pod.spec.schedulingGates?.length) {
    errors.push(forbiddenField(SPEC.child('nodeName'), 'cannot be set until all schedulingGates have been cleared'));
  }
  errors.push(...checkAnnotationsMatchFields(pod.metadata.annotations, pod.spec, SPEC));
  return errors;
}

/** What stands in a pod must hold after each change, whichever way it came. */
export function checkWholePod(pod: Pod, old: Pod): FieldError[] {
  return [
    ...validateMetadata(pod.metadata as Metadata, { namespaced: true }),
    ...checkAnnotationsAndSpec(pod),
    ...checkPodAnnotationChanges(pod.metadata.annotations, old.metadata.annotations, ANNOTATIONS),
    ...checkPodAnnotations(pod.metadata.annotations, pod.spec, ANNOTATIONS),
  ];
}

const CHANGEABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');
const MAX_INT32 = 2 ** 31 - 1;

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  return [...checkWholePod(pod, old), ...(pod.spec === old.spec ? checkSameSpec(pod.spec) : checkSpecChange(pod.spec, old.spec))];
}

/** Even what stays as it is may be refused. */
const checkSameSpec = remembered((spec: PodSpec): readonly FieldError[] => checkSpecChange(spec, spec));

function checkSpecChange(spec: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    const { found, stop } = checkImages(spec[list] ?? [], old[list] ?? [], SPEC.child(list));
    errors.push(...found);
    if (stop) return errors;
  }
  const deadline = checkDeadline(spec, old);
  errors.push(...deadline.found);
  if (deadline.stop) return errors;
  errors.push(...checkAddedTolerations(spec.tolerations ?? [], old.tolerations ?? []), ...checkRemovedGates(spec, old));
  if (semanticEqual(spec, old)) return errors;
  const rest = withAllowedChangesUndone(spec, old);
  if (old.schedulingGates?.length) errors.push(...checkGatedSpec(rest, old, SPEC));
  if (!semanticEqual(rest, old)) errors.push(forbiddenField(SPEC, `pod updates may not change fields other than ${CHANGEABLE}\n${internalDiff('PodSpec', old as never, rest as never)}`));
  return errors;
}

function checkAnnotationsAndSpec({ metadata, spec }: Pod): FieldError[] {
  // Only claims of ephemeral volumes are named after the pod.
  const named = spec.volumes?.some((volume) => volume.ephemeral);
  const errors = checkPodAnnotations(metadata.annotations, spec, ANNOTATIONS);
  errors.push(...(named ? checkSpec(spec, metadata as Metadata) : checkNamelessSpec(spec)));
  return errors;
}

/** The same specification comes again and again: with many pods alike, and with each change of something else in its pod. */
const checkNamelessSpec = remembered((spec: PodSpec): readonly FieldError[] => checkSpec(spec, {}));

function checkSpec(spec: PodSpec, metadata: Metadata): FieldError[] {
  const errors = checkPodSpec(spec, SPEC, { metadata });
  if (!spec.serviceAccountName) {
    for (const [at, volume] of (spec.volumes ?? []).entries()) {
      for (const [n, source] of (volume.projected?.sources ?? []).entries()) {
        const field = SPEC.child('volumes').index(at).child('projected', 'sources').index(n).child('serviceAccountToken');
        if (source.serviceAccountToken) errors.push(forbiddenField(field, 'must not be specified when serviceAccountName is not set'));
      }
    }
  }
  for (const list of ['containers', 'initContainers'] as const) {
    errors.push(...(spec[list] ?? []).flatMap((container, at) => checkImageBlanks(container, SPEC.child(list).index(at))));
  }
  return errors;
}

interface Found {
  readonly found: FieldError[];
  /** Whether what follows would only repeat it. */
  readonly stop: boolean;
}

function checkImages(containers: readonly Container[], old: readonly Container[], path: Path): Found {
  if (containers.length !== old.length) {
    return { found: [forbiddenField(path, 'pod updates may not add or remove containers')], stop: true };
  }
  const found = containers.flatMap((container, at) => [
    ...(container.image ? [] : [required(path.index(at).child('image'))]),
    ...checkImageBlanks(container, path.index(at)),
  ]);
  return { found, stop: false };
}

function checkDeadline(spec: PodSpec, old: PodSpec): Found {
  const path = SPEC.child('activeDeadlineSeconds');
  const deadline = spec.activeDeadlineSeconds;
  if (deadline === undefined) {
    const removed = old.activeDeadlineSeconds !== undefined;
    return { found: removed ? [invalid(path, null, 'must not update from a positive integer to nil value')] : [], stop: false };
  }
  const outside = inRange(deadline, 0, MAX_INT32);
  if (outside.length > 0) return { found: outside.map((why) => invalid(path, deadline, why)), stop: true };
  const later = old.activeDeadlineSeconds !== undefined && old.activeDeadlineSeconds < deadline;
  return { found: later ? [invalid(path, deadline, 'must be less than or equal to previous value')] : [], stop: later };
}

function checkAddedTolerations(tolerations: readonly Toleration[], old: readonly Toleration[]): FieldError[] {
  const path = SPEC.child('tolerations');
  const kept = old.every((earlier) => {
    const { tolerationSeconds: _before, ...rest } = earlier;
    return tolerations.some(({ tolerationSeconds: _now, ...other }) => semanticEqual(rest, other));
  });
  if (!kept) return [forbiddenField(path, 'existing toleration can not be modified except its tolerationSeconds')];
  return checkTolerations(tolerations, path);
}

function checkRemovedGates(spec: PodSpec, old: PodSpec): FieldError[] {
  const before = new Set((old.schedulingGates ?? []).map((gate) => gate.name));
  const places = new Map((spec.schedulingGates ?? []).map(({ name }, at) => [name, at]));
  return [...places].flatMap(([name, at]) => {
    if (before.has(name)) return [];
    const field = SPEC.child('schedulingGates').index(at).child('name');
    return [forbiddenField(field, `only deletion is allowed, but found new scheduling gate '${name}'`)];
  });
}

function withAllowedChangesUndone(spec: PodSpec, old: PodSpec): PodSpec {
  const withOldImages = (containers: readonly Container[] | undefined, before: readonly Container[] | undefined): Container[] =>
    (containers ?? []).map((container, at) => ({ ...container, image: before?.[at]?.image ?? '' }));
  const negative = (old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1;
  const undone: PodSpec = { ...spec, containers: withOldImages(spec.containers, old.containers) };
  if (spec.initContainers) undone.initContainers = withOldImages(spec.initContainers, old.initContainers);
  for (const field of ['activeDeadlineSeconds', 'schedulingGates', 'tolerations'] as const) {
    if (old[field] === undefined) delete undone[field];
    else Object.assign(undone, { [field]: old[field] });
  }
  if (negative) undone.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds as number;
  return undone;
}
