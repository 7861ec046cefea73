/** PriorityLevelConfigurations. */
import type { PriorityLevelConfiguration } from '../../types/flowcontrol.v1.ts';
import { Path } from '../../field-error.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { uniqueConditions } from '../shared/condition-rules.ts';
import { ALL_METADATA, splitStrategy } from '../shared/split-strategy.ts';
import { validatePriorityLevel } from './priority-level-rules.ts';

export const prioritylevelconfiguration = rulesFor<PriorityLevelConfiguration>({
  metadataChecks: { '': 'as new' },
  defaults({ spec }) {
    if (spec?.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (!spec?.limited) return;
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (!queuing) return;
    queuing.handSize ||= 8;
    queuing.queues ||= 64;
    queuing.queueLengthLimit ||= 50;
  },
  strategy: splitStrategy<PriorityLevelConfiguration>({ generation: ['spec'], statusKeeps: ALL_METADATA, validate: validatePriorityLevel, validateUpdate: validatePriorityLevel, validateStatus: ({ status }) => uniqueConditions(status?.conditions ?? [], Path.of('status', 'conditions')) }),
  columns: [
    NAME,
    text('Type', (object) => object.spec?.type ?? ''),
    text('NominalConcurrencyShares', (object) => object.spec?.limited?.nominalConcurrencyShares ?? '<none>'),
    text('Queues', (object) => object.spec?.limited?.limitResponse?.queuing?.queues ?? '<none>'),
    text('HandSize', (object) => object.spec?.limited?.limitResponse?.queuing?.handSize ?? '<none>'),
    text('QueueLengthLimit', (object) => object.spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? '<none>'),
    AGE,
  ],
});
