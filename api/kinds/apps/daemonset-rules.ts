/** The rules for DaemonSets. */
import { type FieldError, Path, byKeys, invalid, notSupported, required } from '../../field-error.ts';
import type { DaemonSet, DaemonSetUpdateStrategy } from '../../types/apps.v1.ts';
import { amountOf, checkIntOrPercent, notMoreThanAll } from '../shared/int-or-percent.ts';
import { checkLabelSelector, isEmptySelector, selects, shownSelector } from '../shared/label-selector.ts';
import { immutable } from '../shared/object-meta.ts';
import { checkAlwaysRunning, checkPodTemplate } from '../shared/pod-template-rules.ts';
import { notNegative } from '../shared/quantity-rules.ts';
import { checkCollisions, checkCounts } from '../shared/replica-counts.ts';

const SPEC = Path.of('spec');
const STATUS = Path.of('status');

export function validateDaemonSet({ spec }: DaemonSet): FieldError[] {
  const template = SPEC.child('template');
  const labels = spec?.template?.metadata?.labels;
  const errors = checkLabelSelector(spec?.selector, SPEC.child('selector'));
  if (errors.length === 0 && !selects(spec?.selector, labels)) {
    errors.push(invalid(template.child('metadata', 'labels'), labels && byKeys(labels), '`selector` does not match template `labels`'));
  }
  if (spec?.selector && isEmptySelector(spec.selector)) {
    errors.push(invalid(SPEC.child('selector'), shownSelector(spec.selector), 'empty selector is invalid for daemonset'));
  }
  return [
    ...errors,
    ...checkPodTemplate(spec?.template, template),
    ...checkAlwaysRunning(spec?.template, 'DaemonSet', template),
    ...notNegative(spec?.minReadySeconds, SPEC.child('minReadySeconds')),
    ...checkStrategy(spec?.updateStrategy ?? {}, SPEC.child('updateStrategy')),
    ...notNegative(spec?.revisionHistoryLimit, SPEC.child('revisionHistoryLimit')),
  ];
}

export function validateDaemonSetUpdate(object: DaemonSet, old: DaemonSet): FieldError[] {
  return [...immutable(object.spec?.selector, old.spec?.selector, SPEC.child('selector')), ...validateDaemonSet(object)];
}

const COUNTS = {
  counts: [
    'currentNumberScheduled',
    'numberMisscheduled',
    'desiredNumberScheduled',
    'numberReady',
    'observedGeneration',
    'updatedNumberScheduled',
    'numberAvailable',
    'numberUnavailable',
    'collisionCount',
  ],
  parts: [],
};

export function validateDaemonSetStatus(object: DaemonSet, old: DaemonSet): FieldError[] {
  return [...checkCounts(object.status, STATUS, COUNTS), ...checkCollisions(object.status?.collisionCount, old.status?.collisionCount, STATUS)];
}

function checkStrategy(strategy: DaemonSetUpdateStrategy, path: Path): FieldError[] {
  const type = (strategy.type ?? '') as string;
  if (type === 'OnDelete') return [];
  const rolling = strategy.rollingUpdate;
  const here = path.child('rollingUpdate');
  if (type !== 'RollingUpdate') {
    const shown = rolling ? { MaxUnavailable: rolling.maxUnavailable ?? 0, MaxSurge: rolling.maxSurge ?? 0 } : null;
    return [notSupported(path, { Type: type, RollingUpdate: shown }, ['RollingUpdate', 'OnDelete'])];
  }
  if (!rolling) return [required(here)];
  const { maxUnavailable, maxSurge } = rolling;
  const errors = [
    ...checkIntOrPercent(maxUnavailable, here.child('maxUnavailable')),
    ...checkIntOrPercent(maxSurge, here.child('maxSurge')),
    ...notMoreThanAll(maxUnavailable, here.child('maxUnavailable')),
    ...notMoreThanAll(maxSurge, here.child('maxSurge')),
  ];
  const [unavailable, surge] = [amountOf(maxUnavailable) !== 0, amountOf(maxSurge) !== 0];
  if (unavailable && surge) errors.push(invalid(here.child('maxSurge'), maxSurge, 'may not be set when maxUnavailable is non-zero'));
  if (!unavailable && !surge) errors.push(required(here.child('maxUnavailable'), 'cannot be 0 when maxSurge is 0'));
  return errors;
}
