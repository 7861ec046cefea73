/** Devices that must be prepared before their pod is bound (binding conditions): whether they are, and whether they ever can be. */
import type { AllocatedDeviceStatus, ResourceClaim } from '../../api/types/resource.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';

/** A device cannot be prepared, or was not in time. */
export class DeviceFailure extends Error {}

/** Throws where a device has failed. */
export function isPrepared({ metadata, status }: DeepReadonly<Stored<ResourceClaim>>): boolean {
  for (const { driver, pool, device, bindingConditions = [], bindingFailureConditions = [] } of status?.allocation?.devices?.results ?? []) {
    if (bindingConditions.length === 0) continue;
    const told = status?.devices?.find((one) => one.driver === driver && one.pool === pool && one.device === device);
    if (!told) return false;
    const failed = bindingFailureConditions.map((type) => trueCondition(told, type)).find((one) => one !== undefined);
    if (failed) throw new DeviceFailure(`device binding failed: claim=${metadata.name}, reason=${failed.reason}, message=${JSON.stringify(failed.message)}`);
    if (!bindingConditions.every((type) => trueCondition(told, type))) return false;
  }
  return true;
}

export function hasFailed(claim: DeepReadonly<Stored<ResourceClaim>>): boolean {
  try {
    isPrepared(claim);
    return false;
  } catch (error) {
    if (error instanceof DeviceFailure) return true;
    throw error;
  }
}

function trueCondition({ conditions = [] }: DeepReadonly<AllocatedDeviceStatus>, type: string): { readonly reason: string; readonly message: string } | undefined {
  return conditions.find((one) => one.type === type && one.status === 'True');
}
