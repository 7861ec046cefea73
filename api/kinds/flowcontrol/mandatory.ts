/** What every cluster has in one form only: the FlowSchemas and levels `exempt` and `catch-all`. */
import { type FieldError, Path, invalid } from '../../field-error.ts';
import type { FlowSchemaSpec, PriorityLevelConfigurationSpec } from '../../types/flowcontrol.v1.ts';
import { internalForm } from '../shared/internal-form.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';

const SPEC = Path.of('spec');
const EVERYTHING = { resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] };

function groups(...names: string[]): NonNullable<FlowSchemaSpec['rules']> {
  return [{ subjects: names.map((name) => ({ kind: 'Group' as const, group: { name } })), ...EVERYTHING }];
}

const SCHEMAS: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: { priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 1, rules: groups('system:masters') },
  'catch-all': { priorityLevelConfiguration: { name: 'catch-all' }, matchingPrecedence: 10_000, distinguisherMethod: { type: 'ByUser' }, rules: groups('system:unauthenticated', 'system:authenticated') },
};

const LEVELS: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  exempt: { type: 'Exempt' },
  'catch-all': { type: 'Limited', limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } } },
};

export function mandatorySchema(name: string, spec: FlowSchemaSpec | undefined): FieldError[] {
  if (!Object.hasOwn(SCHEMAS, name) || semanticEqual(spec, SCHEMAS[name])) return [];
  return [invalid(SPEC, internalForm('FlowSchemaSpec', spec as Fields | undefined), `spec of '${name}' must equal the fixed value`)];
}

/** How many seats the exempt are counted with is the administrator's to say. */
export function mandatoryLevel(name: string, spec: PriorityLevelConfigurationSpec | undefined): FieldError[] {
  const { exempt: _, ...fixed } = spec ?? { type: '' };
  if (!Object.hasOwn(LEVELS, name) || semanticEqual(name === 'exempt' ? fixed : spec, LEVELS[name])) return [];
  const but = name === 'exempt' ? " except the 'spec.exempt' field" : '';
  return [invalid(SPEC, internalForm('PriorityLevelConfigurationSpec', spec as Fields | undefined), `spec of '${name}'${but} must equal the fixed value`)];
}

type Fields = Readonly<Record<string, unknown>>;
