/** The rules for Deployments. */
import { type FieldError, Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { Deployment, DeploymentStrategy } from '../../types/apps.v1.ts';
import { amountOf, checkIntOrPercent, notMoreThanAll } from '../shared/int-or-percent.ts';
import { immutable } from '../shared/object-meta.ts';
import { checkAlwaysRunning, checkPodTemplate, checkSelectedTemplate, checkWorkloadSelector } from '../shared/pod-template-rules.ts';
import { notNegative } from '../shared/quantity-rules.ts';
import { checkCollisions, checkCounts } from '../shared/replica-counts.ts';

const SPEC = Path.of('spec');
const STATUS = Path.of('status');

export function validateDeployment({ spec }: Deployment): FieldError[] {
  const template = SPEC.child('template');
  const errors = [
    ...notNegative(spec?.replicas, SPEC.child('replicas')),
    ...checkWorkloadSelector(spec?.selector, 'deployment', SPEC.child('selector')),
    ...checkSelectedTemplate(spec ?? {}, SPEC, 'invalid label selector', () => [
      ...checkPodTemplate(spec?.template, template),
      ...checkAlwaysRunning(spec?.template, 'ReplicaSet', template),
    ]),
    ...checkStrategy(spec?.strategy ?? {}, SPEC.child('strategy')),
    ...notNegative(spec?.minReadySeconds, SPEC.child('minReadySeconds')),
    ...notNegative(spec?.revisionHistoryLimit, SPEC.child('revisionHistoryLimit')),
  ];
  const deadline = spec?.progressDeadlineSeconds;
  if (deadline === undefined) return errors;
  const path = SPEC.child('progressDeadlineSeconds');
  errors.push(...notNegative(deadline, path));
  return deadline <= (spec?.minReadySeconds ?? 0) ? [...errors, invalid(path, deadline, 'must be greater than minReadySeconds')] : errors;
}

export function validateDeploymentUpdate(object: Deployment, old: Deployment): FieldError[] {
  return [...validateDeployment(object), ...immutable(object.spec?.selector, old.spec?.selector, SPEC.child('selector'))];
}

const COUNTS = {
  counts: [
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
    'terminatingReplicas',
    'collisionCount',
  ],
  parts: ['updatedReplicas', 'readyReplicas', 'availableReplicas'],
  readyName: 'readyReplicas',
};

export function validateDeploymentStatus(object: Deployment, old: Deployment): FieldError[] {
  return [...checkCounts(object.status, STATUS, COUNTS), ...checkCollisions(object.status?.collisionCount, old.status?.collisionCount, STATUS)];
}

function checkStrategy(strategy: DeploymentStrategy, path: Path): FieldError[] {
  const rolling = strategy.rollingUpdate;
  const here = path.child('rollingUpdate');
  switch (strategy.type as string | undefined) {
    case 'Recreate':
      return rolling ? [forbiddenField(here, "may not be specified when strategy `type` is 'Recreate'")] : [];
    case 'RollingUpdate': {
      if (!rolling) return [required(here, 'this should be defaulted and never be nil')];
      const { maxUnavailable, maxSurge } = rolling;
      const none = amountOf(maxUnavailable) === 0 && amountOf(maxSurge) === 0;
      return [
        ...checkIntOrPercent(maxUnavailable, here.child('maxUnavailable')),
        ...checkIntOrPercent(maxSurge, here.child('maxSurge')),
        ...(none ? [invalid(here.child('maxUnavailable'), maxUnavailable, 'may not be 0 when `maxSurge` is 0')] : []),
        ...notMoreThanAll(maxUnavailable, here.child('maxUnavailable')),
      ];
    }
    default:
      return [notSupported(path, internalForm(strategy), ['Recreate', 'RollingUpdate'])];
  }
}

function internalForm({ type, rollingUpdate }: DeploymentStrategy): unknown {
  const rolling = rollingUpdate ? { MaxUnavailable: rollingUpdate.maxUnavailable ?? 0, MaxSurge: rollingUpdate.maxSurge ?? 0 } : null;
  return { Type: type ?? '', RollingUpdate: rolling };
}
