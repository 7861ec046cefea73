/** Whether a request fits into the quotas of its namespace, and what they hold once it is charged. Pure. */
import type { ResourceQuota } from '../../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { Amounts } from '../../../api/quota/amounts.ts';
import { amountsOf, minus, only, plus, printed, withoutZeros } from '../../../api/quota/amounts.ts';
import type { ClaimSurroundings } from '../../../api/quota/device-claims.ts';
import { isAbout, refused } from '../refuse.ts';
import { evaluatorOf, isTerminating, scopesOf } from '../../../api/quota/usage.ts';
import type { Evaluator } from '../../../api/quota/usage.ts';

/** A quota as one batch of requests sees it. */
export interface Account {
  readonly quota: DeepReadonly<ResourceQuota>;
  used: Amounts;
}

export interface Charge {
  readonly account: Account;
  readonly amounts: Amounts;
}

/** Whether a request can take anything from a quota. */
export function countsAgainstQuota(request: AdmissionRequest): boolean {
  const { operation, subresource, kind, namespace } = request;
  if (namespace === '' || (kind.plural === 'events' && (kind.group === '' || kind.group === 'events.k8s.io'))) return false;
  if (isAbout(request, 'pods', 'resize')) return operation === 'UPDATE';
  if (subresource !== '') return false;
  if (operation === 'CREATE') return true;
  if (operation !== 'UPDATE') return false;
  if (kind.group === 'resource.k8s.io') return kind.plural === 'resourceclaims';
  if (kind.group !== '') return false;
  if (kind.plural === 'pods') {
    // Only a deadline moves a pod from one quota to another.
    const specs = [request.object, request.old].map((pod) => pod?.['spec'] as { containers: []; activeDeadlineSeconds?: number } | undefined);
    return specs.every((spec) => spec) && isTerminating(specs[0] as never) !== isTerminating(specs[1] as never);
  }
  return kind.plural === 'services' || kind.plural === 'persistentvolumeclaims';
}

/** What the request takes from each account. Throws 403 when it does not fit. Changes nothing. */
export function charges(request: AdmissionRequest, accounts: readonly Account[], around: ClaimSurroundings): Charge[] {
  const evaluator = evaluatorOf(request.kind.group, request.kind.plural, around);
  const object = request.object as NonNullable<typeof request.object>;
  const usage = evaluator.usage(object, request.now);
  const negative = Object.keys(usage).filter((name) => (usage[name]?.nano ?? 0n) < 0n);
  const out: Charge[] = [];
  for (const account of accounts) {
    const { quota } = account;
    const hard = amountsOf(quota.status?.hard);
    const names = Object.keys(hard).filter((name) => evaluator.concerns(name));
    if (names.length === 0 || !applies(evaluator, quota, object)) continue;
    const name = quota.metadata.name ?? '';
    const missing = evaluator.missing?.(object, names);
    if (missing) throw refused(request, `failed quota: ${name}: ${missing}`);
    const unknown = names.filter((resource) => account.used[resource] === undefined);
    if (unknown.length > 0) throw refused(request, `status unknown for quota: ${name}, resources: ${[...names].sort().join(',')}`);
    if (negative.length > 0) throw refused(request, `quota usage is negative for resource(s): ${negative.sort().join(',')}`);
    const before = request.operation === 'UPDATE' && request.old && applies(evaluator, quota, request.old) ? evaluator.usage(request.old, request.now) : {};
    const wanted = only(withoutZeros(minus(usage, before)), names);
    if (Object.keys(wanted).length === 0) continue;
    const after = plus(account.used, wanted);
    const exceeded = Object.keys(wanted).filter((resource) => (after[resource]?.nano ?? 0n) > (hard[resource]?.nano ?? 0n));
    if (exceeded.length > 0) {
      throw refused(request, `exceeded quota: ${name}, requested: ${printed(only(wanted, exceeded))}, used: ${printed(only(account.used, exceeded))}, limited: ${printed(only(hard, exceeded))}`);
    }
    out.push({ account, amounts: wanted });
  }
  return out;
}

function applies(evaluator: Evaluator, quota: DeepReadonly<ResourceQuota>, object: Parameters<Evaluator['usage']>[0]): boolean {
  return scopesOf(quota).every((scope) => evaluator.inScope(object, scope));
}
