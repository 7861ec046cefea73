/** Devices that several claims share: how much of its capacity an allocation takes, and whether that is left. Follows consumable_capacity.go of dynamic-resource-allocation v0.36. */
import { type Quantity, addQuantities, compareQuantities, formatQuantity, parseQuantity, quantityOf, value, zeroQuantity } from '../../api/quantity.ts';
import type { CapacityRequestPolicy, CapacityRequirements, Device, DeviceCapacity } from '../../api/types/resource.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';

/** By the name of a capacity. */
export type Amounts = ReadonlyMap<string, Quantity>;

type Wanted = DeepReadonly<CapacityRequirements> | undefined;
type Policy = DeepReadonly<CapacityRequestPolicy> | undefined;

/** What the request takes of each capacity of the device; undefined where it asks for one that is not there, for an amount that the device does not give, or for more than is left. */
export function takenOf({ capacity = {} }: DeepReadonly<Device>, wanted: Wanted, inUse: readonly Amounts[]): Amounts | undefined {
  const requests = wanted?.requests ?? {};
  if (Object.keys(requests).some((name) => !Object.hasOwn(capacity, name))) return undefined;
  const out = new Map<string, Quantity>();
  for (const [name, one] of Object.entries(capacity)) {
    const amount = amountOf(requests[name], one);
    if (violates(amount, one.requestPolicy)) return undefined;
    const sum = inUse.reduce((total, amounts) => addQuantities(total, amounts.get(name) ?? zeroQuantity), amount);
    if (compareQuantities(sum, quantity(one.value)) > 0) return undefined;
    out.set(name, amount);
  }
  return out;
}

export function amountsOf(consumed: Readonly<Record<string, string>> | undefined): Amounts {
  return new Map(Object.entries(consumed ?? {}).map(([name, text]) => [name, quantity(text)]));
}

export function textsOf(amounts: Amounts): Record<string, string> {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuantity(amount)]));
}

/** Without a request: the policy's default, or all there is. */
function amountOf(request: string | undefined, { value: whole, requestPolicy }: DeepReadonly<DeviceCapacity>): Quantity {
  if (request === undefined) return quantity(requestPolicy?.default ?? whole);
  const asked = quantity(request);
  const { validRange, validValues } = requestPolicy ?? {};
  if (validRange) {
    const least = quantity(validRange.min);
    if (compareQuantities(asked, least) < 0) return least;
    if (validRange.step === undefined) return asked;
    const step = value(quantity(validRange.step));
    return quantityOf(value(least) + Math.ceil((value(asked) - value(least)) / step) * step, 'BinarySI');
  }
  return validValues?.map(quantity).find((one) => compareQuantities(asked, one) <= 0) ?? asked;
}

function violates(amount: Quantity, policy: Policy): boolean {
  if (!policy || (policy.default !== undefined && compareQuantities(amount, quantity(policy.default)) === 0)) return false;
  const { validRange, validValues } = policy;
  if (validRange) {
    const { min, max, step } = validRange;
    if (max !== undefined && compareQuantities(amount, quantity(max)) > 0) return true;
    return step !== undefined && (value(amount) - value(quantity(min))) % value(quantity(step)) !== 0;
  }
  return validValues !== undefined && validValues.length > 0 && !validValues.some((one) => compareQuantities(amount, quantity(one)) === 0);
}

function quantity(text: string): Quantity {
  return parseQuantity(text) ?? zeroQuantity;
}
