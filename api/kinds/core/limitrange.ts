/** LimitRanges: what pods and claims of a namespace may ask for, and what they get when they do not ask. */
import type { LimitRange, LimitRangeItem } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { roundUpToMilli } from '../shared/resource-list.ts';
import { checkLimits } from './limitrange-rules.ts';

export const limitrange = rulesFor<LimitRange>({
  updates: 'changes',
  metadataChecks: { '': 'as new' },
  defaults(object) {
    for (const item of object.spec?.limits ?? []) defaultItem(item);
  },
  strategy: { createOnUpdate: true, validate: checkLimits, validateUpdate: checkLimits },
});

/** A container's limit is at most the maximum, what it requests at least the minimum. */
function defaultItem(item: LimitRangeItem): void {
  if (item.type === 'Container') {
    const limits = { ...item.max, ...item.default };
    const requests = { ...item.min, ...limits, ...item.defaultRequest };
    if (Object.keys(limits).length > 0) item.default = limits;
    if (Object.keys(requests).length > 0) item.defaultRequest = requests;
  }
  for (const list of [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio]) roundUpToMilli(list);
}
