/** PriorityClasses: two of the system, the others below a billion. */
import { type FieldError, Path, forbiddenField, notSupported, required } from '../../field-error.ts';
import type { PriorityClass } from '../../types/scheduling.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, boolean, integer, text } from '../shared/columns.ts';
import { immutable } from '../shared/object-meta.ts';

const SYSTEM: Readonly<Record<string, number>> = { 'system-node-critical': 2_000_001_000, 'system-cluster-critical': 2_000_000_000 };
const HIGHEST = 1_000_000_000;
const POLICIES = ['PreemptLowerPriority', 'Never'];

export const priorityclass = rulesFor<PriorityClass>({
  defaults(object) {
    object.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  strategy: {
    // It has generation 1 and keeps it.
    movesGeneration: () => false,
    validate: checkClass,
    validateUpdate: (object, old) => [
      ...(object.value === old.value ? [] : [forbiddenField(Path.of('value'), 'may not be changed in an update.')]),
      ...immutable(object.preemptionPolicy, old.preemptionPolicy, Path.of('preemptionPolicy')),
    ],
  },
  columns: [
    NAME,
    integer('Value', (object) => object.value),
    boolean('Global-Default', (object) => object.globalDefault ?? false),
    AGE,
    text('PreemptionPolicy', (object) => object.preemptionPolicy ?? ''),
  ],
});

function checkClass(object: PriorityClass): FieldError[] {
  const name = object.metadata.name ?? '';
  const errors: FieldError[] = [];
  if (name.startsWith('system-')) {
    const why = systemProblem(object, name);
    const prefix = "priority class names with 'system-' prefix are reserved for system use only. error: ";
    if (why) errors.push(forbiddenField(Path.of('metadata', 'name'), prefix + why));
  } else if (object.value > HIGHEST) {
    errors.push(forbiddenField(Path.of('value'), `maximum allowed value of a user defined priority is ${HIGHEST}`));
  }
  const policy: string | undefined = object.preemptionPolicy;
  if (policy === undefined || POLICIES.includes(policy)) return errors;
  const path = Path.of('preemptionPolicy');
  return [...errors, policy === '' ? required(path) : notSupported(path, policy, POLICIES)];
}

function systemProblem({ value, globalDefault }: PriorityClass, name: string): string {
  const known = SYSTEM[name];
  if (known === undefined) return `${name} is not a known system priority class`;
  if (value !== known) return `value of ${name} PriorityClass must be ${known}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : '';
}
