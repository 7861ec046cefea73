/** How much of a device's capacity may be asked for at once. Provenance: pkg/apis/resource/validation of v1.36. */
import { type FieldError, type Path, forbiddenField, invalid, required } from '../../field-error.ts';
import { addQuantities, canonicalQuantity, compareQuantities, formatQuantity, parseQuantity, value, zeroQuantity, type Quantity } from '../../quantity.ts';
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity } from '../../types/resource.v1.ts';
import { checkSet } from './device-names.ts';

const OPTIONS_LIMIT = 10;

export function checkSingleCapacity({ requestPolicy }: DeviceCapacity, path: Path): FieldError[] {
  return requestPolicy ? [forbiddenField(path.child('requestPolicy'), 'allowMultipleAllocations must be true')] : [];
}

export function checkMultiCapacity({ value: most, requestPolicy: policy }: DeviceCapacity, path: Path): FieldError[] {
  if (!policy) return [];
  const here = path.child('requestPolicy');
  const options = policy.validValues ?? [];
  if (options.length > 0 && policy.validRange) return [forbiddenField(here, 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time')];
  if (options.length > 0) return checkDefault(policy, 'validValues', here) ?? checkOptions(policy.default ?? '', most, options, here.child('validValues'));
  if (policy.validRange) return checkDefault(policy, 'validRange', here) ?? checkRange(policy.default ?? '', most, policy.validRange, here.child('validRange'));
  return [];
}

function checkDefault(policy: CapacityRequestPolicy, field: string, path: Path): FieldError[] | undefined {
  return policy.default === undefined ? [required(path.child('default'), `required when ${field} is defined`)] : undefined;
}

function checkOptions(standard: string, most: string, options: readonly string[], path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const [at, option] of options.entries()) {
    if (at > 0 && isMore(options[at - 1] as string, option)) errors.push(invalid(path.index(at), shown(option), 'values must be sorted in ascending order'));
  }
  errors.push(
    ...checkSet(options, path, {
      limit: OPTIONS_LIMIT,
      key: (option) => String(value(quantity(option))),
      check: (option, here) => (isMore(option, most) ? [invalid(here, shown(option), `option is larger than capacity value: ${shown(most)}`)] : []),
    }),
  );
  const isKnown = options.length <= OPTIONS_LIMIT && options.some((option) => compareQuantities(quantity(option), quantity(standard)) === 0);
  return isKnown ? errors : [...errors, invalid(path, shown(standard), 'default value is not valid according to the requestPolicy')];
}

function checkRange(standard: string, most: string, { min, max, step }: CapacityRequestPolicyRange, path: Path): FieldError[] {
  const [least, largest, by] = [path.child('min'), path.child('max'), path.child('step')];
  if (min === undefined) return [required(least, 'required when validRange is defined')];
  const errors: FieldError[] = [];
  if (isMore(min, most)) errors.push(invalid(least, shown(min), `min is larger than capacity value: ${shown(most)}`));
  if (isMore(min, standard)) errors.push(invalid(least, shown(standard), `default is less than min: ${shown(min)}`));
  if (max !== undefined) {
    if (isMore(min, max)) errors.push(invalid(largest, shown(min), `min is larger than max: ${shown(max)}`));
    if (isMore(max, most)) errors.push(invalid(largest, shown(max), `max is larger than capacity value: ${shown(most)}`));
    if (isMore(standard, max)) errors.push(invalid(largest, shown(standard), `default is more than max: ${shown(max)}`));
  }
  if (step === undefined) return errors;
  const added = addQuantities(quantity(min), quantity(step));
  if (compareQuantities(added, quantity(most)) > 0) errors.push(invalid(by, shown(step), `one step ${formatQuantity(added)} is larger than capacity value: ${shown(most)}`));
  for (const end of max === undefined ? [standard] : [standard, max]) errors.push(...checkStep(end, min, step, by));
  return errors;
}

/** Upstream divides by a step of zero and fails; here nothing is a multiple of it. */
function checkStep(end: string, min: string, step: string, path: Path): FieldError[] {
  const width = value(quantity(step));
  if (width !== 0 && (value(quantity(end)) - value(quantity(min))) % width === 0) return [];
  return [invalid(path, shown(end), `value is not a multiple of a given step (${shown(step)}) from (${shown(min)})`)];
}

function isMore(a: string, b: string): boolean {
  return compareQuantities(quantity(a), quantity(b)) > 0;
}

function quantity(text: string): Quantity {
  return parseQuantity(text) ?? zeroQuantity;
}

function shown(text: string): string {
  return canonicalQuantity(text) ?? text;
}
