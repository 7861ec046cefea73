/** PodDisruptionBudgets. */
import { type FieldError, Path, invalid, notSupported } from '../../field-error.ts';
import type { PodDisruptionBudget } from '../../types/policy.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, integer, text } from '../shared/columns.ts';
import { checkIntOrPercent, notMoreThanAll } from '../shared/int-or-percent.ts';
import { checkLabelSelector } from '../shared/label-selector.ts';
import { checkConditions } from '../shared/condition-rules.ts';
import { notNegative } from '../shared/quantity-rules.ts';
import { splitStrategy } from '../shared/split-strategy.ts';

const SPEC = Path.of('spec');
const STATUS = Path.of('status');
const POLICIES = ['AlwaysAllow', 'IfHealthyBudget'];

export const poddisruptionbudget = rulesFor<PodDisruptionBudget>({
  ownMetadataRules: true,
  strategy: splitStrategy<PodDisruptionBudget>({
    generation: ['spec'],
    unconditionalUpdate: false,
    validate: checkSpec,
    validateUpdate: checkSpec,
    validateStatus: ({ status }) => [
      ...checkConditions(status?.conditions ?? [], STATUS.child('conditions')),
      ...(['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const).flatMap((field) => notNegative(status?.[field], STATUS.child(field))),
    ],
  }),
  columns: [
    NAME,
    text('Min Available', (object) => String(object.spec?.minAvailable ?? 'N/A')),
    text('Max Unavailable', (object) => String(object.spec?.maxUnavailable ?? 'N/A')),
    integer('Allowed Disruptions', (object) => object.status?.disruptionsAllowed ?? 0),
    AGE,
  ],
});

function checkSpec({ spec }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec ?? {};
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const shown = { MinAvailable: minAvailable, Selector: selector ?? null, MaxUnavailable: maxUnavailable, UnhealthyPodEvictionPolicy: policy ?? null };
    errors.push(invalid(SPEC, shown, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const [field, value] of [['minAvailable', minAvailable], ['maxUnavailable', maxUnavailable]] as const) {
    if (value !== undefined) errors.push(...checkIntOrPercent(value, SPEC.child(field)), ...notMoreThanAll(value, SPEC.child(field)));
  }
  errors.push(...checkLabelSelector(selector, SPEC.child('selector')));
  if (policy === undefined || POLICIES.includes(policy)) return errors;
  return [...errors, notSupported(SPEC.child('unhealthyPodEvictionPolicy'), policy, POLICIES)];
}
