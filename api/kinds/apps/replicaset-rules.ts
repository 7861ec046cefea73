/** The rules for ReplicaSets. */
import { type FieldError, Path } from '../../field-error.ts';
import type { ReplicaSet } from '../../types/apps.v1.ts';
import { immutable } from '../shared/object-meta.ts';
import { checkAlwaysRunning, checkPodTemplate, checkSelectedTemplate, checkWorkloadSelector } from '../shared/pod-template-rules.ts';
import { notNegative } from '../shared/quantity-rules.ts';
import { checkCounts } from '../shared/replica-counts.ts';

const SPEC = Path.of('spec');

export function validateReplicaSet({ spec }: ReplicaSet): FieldError[] {
  const template = SPEC.child('template');
  return [
    ...notNegative(spec?.replicas, SPEC.child('replicas')),
    ...notNegative(spec?.minReadySeconds, SPEC.child('minReadySeconds')),
    // Upstream names the wrong workload here.
    ...checkWorkloadSelector(spec?.selector, 'deployment', SPEC.child('selector')),
    ...checkSelectedTemplate(spec ?? {}, SPEC, 'invalid label selector', () => [
      ...checkPodTemplate(spec?.template, template),
      ...checkAlwaysRunning(spec?.template, 'ReplicaSet', template),
    ]),
  ];
}

export function validateReplicaSetUpdate(object: ReplicaSet, old: ReplicaSet): FieldError[] {
  return [...validateReplicaSet(object), ...immutable(object.spec?.selector, old.spec?.selector, SPEC.child('selector'))];
}

const COUNTS = {
  counts: ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration', 'terminatingReplicas'],
  parts: ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'],
  readyName: 'readyReplicas',
};

export function validateReplicaSetStatus(object: ReplicaSet): FieldError[] {
  return checkCounts(object.status, Path.of('status'), COUNTS);
}
