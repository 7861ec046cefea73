/** ResourceQuotas. */
import { canonicalQuantity, compareQuantities } from '../../quantity.ts';
import type { ResourceQuota } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { amount, roundUpToMilli } from '../shared/resource-list.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { validateQuota, validateQuotaStatus, validateQuotaUpdate } from './resourcequota-rules.ts';

export const resourcequota = rulesFor<ResourceQuota>({
  defaults(object) {
    for (const list of [object.spec?.hard, object.status?.hard, object.status?.used]) roundUpToMilli(list);
  },
  strategy: splitStrategy<ResourceQuota>({
    validate: validateQuota,
    validateUpdate: validateQuotaUpdate,
    validateStatus: validateQuotaStatus,
    warnings: (object, old) => (old ? [] : warnings(object)),
  }),
  columns: [
    NAME,
    text('Request', (object) => showUsage(object, false)),
    text('Limit', (object) => showUsage(object, true)),
    AGE,
  ],
});

function showUsage({ status }: ResourceQuota, limits: boolean): string {
  const names = Object.keys(status?.hard ?? {}).sort();
  const show = (text: string | undefined): string => (text === undefined ? '0' : (canonicalQuantity(text) ?? text));
  return names
    .filter((name) => name.startsWith('limits.') === limits)
    .map((name) => `${name}: ${show(status?.used?.[name])}/${show(status?.hard?.[name])}`)
    .join(', ');
}

/** A quota on requests that is wider than that on limits can never be used up. */
function warnings({ spec }: ResourceQuota): string[] {
  const hard = spec?.hard;
  return ['cpu', 'memory', 'storage', 'ephemeral-storage'].flatMap((name) => {
    const plain = (name === 'cpu' || name === 'memory') && hard?.[`requests.${name}`] === undefined;
    const [request, limit] = [plain ? name : `requests.${name}`, `limits.${name}`];
    const [requested, limited] = [hard?.[request], hard?.[limit]];
    if (requested === undefined || limited === undefined || compareQuantities(amount(hard, request), amount(hard, limit)) <= 0) return [];
    return [`ResourceQuota ${request} (${canonicalQuantity(requested)}) should be less than ${limit} (${canonicalQuantity(limited)})`];
  });
}
