/** What the objects of a namespace use of a quota together, each counted as admission counts it. */
import { formatQuantity, zeroQuantity } from '../../api/quantity.ts';
import { plus, type Amounts } from '../../api/quota/amounts.ts';
import { evaluatorOf, scopesOf } from '../../api/quota/usage.ts';
import type { ClaimSurroundings } from '../../api/quota/device-claims.ts';
import type { ApiObject } from '../../api/kind.ts';
import type { ResourceQuota } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';

export type Quota = Stored<ResourceQuota>;

export interface Counted {
  readonly group: string;
  readonly resource: string;
  readonly objects: readonly unknown[];
  readonly around: ClaimSurroundings;
}

/** A quota with scopes is about the objects that are in all of them. */
export function usageOfAll(quota: Quota, { group, resource, objects, around }: Counted, now: number): Amounts {
  const evaluator = evaluatorOf(group, resource, around);
  const scopes = scopesOf(quota);
  let total: Amounts = {};
  for (const object of objects as readonly DeepReadonly<ApiObject>[]) {
    if (scopes.every((scope) => evaluator.inScope(object, scope))) total = plus(total, evaluator.usage(object, now));
  }
  return total;
}

/** What the quota names and somebody counts; nothing is zero. */
export function masked(total: Amounts, hard: Readonly<Record<string, string>>, known: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.keys(hard).filter(known).map((name) => [name, formatQuantity(total[name] ?? zeroQuantity)]));
}
