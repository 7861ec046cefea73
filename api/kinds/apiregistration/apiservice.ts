/** APIServices. */
import type { APIService } from '../../types/apiregistration.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { nameIsPathSegment } from '../shared/names.ts';
import { ALL_METADATA, splitStrategy } from '../shared/split-strategy.ts';
import { timestamp } from '../../timestamp.ts';
import { validateApiService, validateApiServiceStatus } from './apiservice-rules.ts';

export const apiservice = rulesFor<APIService>({
  metadataChecks: { '': 2, status: 0 },
  bareFinalizers: true,
  storagePath: 'apiregistration.k8s.io/apiservices',
  defaults({ spec }) {
    if (spec?.service) spec.service.port ??= 443;
  },
  strategy: splitStrategy<APIService>({
    unconditionalUpdate: false,
    statusKeeps: ALL_METADATA,
    // Its rules hold it to version and group; `v1.` is one.
    validateName: nameIsPathSegment,
    prepareForCreate(object, { now }) {
      const reason = { type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' };
      if (!object.spec?.service) object.status = { conditions: [{ ...reason, lastTransitionTime: timestamp(now) } as never] };
    },
    validate: validateApiService,
    validateUpdate: validateApiService,
    validateStatus: validateApiServiceStatus,
  }),
  columns: [
    NAME,
    text('Service', ({ spec }) => (spec?.service ? `${spec.service.namespace ?? ''}/${spec.service.name ?? ''}` : 'Local')),
    text('Available', ({ status }) => {
      const condition = status?.conditions?.find(({ type }) => type === 'Available');
      if (!condition) return 'Unknown';
      return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
    }),
    AGE,
  ],
});
