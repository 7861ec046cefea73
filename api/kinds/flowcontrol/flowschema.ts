/** FlowSchemas. */
import type { FlowSchema } from '../../types/flowcontrol.v1.ts';
import { Path } from '../../field-error.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { uniqueConditions } from '../shared/condition-rules.ts';
import { ALL_METADATA, splitStrategy } from '../shared/split-strategy.ts';
import { validateFlowSchema } from './flowschema-rules.ts';

const DEFAULT_PRECEDENCE = 1000;

export const flowschema = rulesFor<FlowSchema>({
  metadataChecks: { '': 'as new' },
  defaults({ spec }) {
    if (spec) spec.matchingPrecedence ||= DEFAULT_PRECEDENCE;
  },
  strategy: splitStrategy<FlowSchema>({ generation: ['spec'], statusKeeps: ALL_METADATA, validate: validateFlowSchema, validateUpdate: validateFlowSchema, validateStatus: ({ status }) => uniqueConditions(status?.conditions ?? [], Path.of('status', 'conditions')) }),
  columns: [
    NAME,
    text('PriorityLevel', (object) => object.spec?.priorityLevelConfiguration.name ?? ''),
    text('MatchingPrecedence', (object) => object.spec?.matchingPrecedence ?? 0),
    text('DistinguisherMethod', (object) => object.spec?.distinguisherMethod?.type ?? '<none>'),
    AGE,
    text('MissingPL', (object) => object.status?.conditions?.find((condition) => condition.type === 'Dangling')?.status ?? '?'),
  ],
});
