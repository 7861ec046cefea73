/** The two kinds of metrics.k8s.io as rows. They are made when they are asked for: nothing of them is stored. */
import { NAME, text } from '../../api/kinds/shared/columns.ts';
import type { ApiObject, Kind } from '../../api/kind.ts';

export const METRICS_GROUP = 'metrics.k8s.io';
export const METRICS_VERSION = 'v1beta1';

const QUANTITIES = { type: 'object', additionalProperties: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } };
const COMMON = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' }, timestamp: { type: 'string', format: 'date-time' }, window: { type: 'string' } };
const CONTAINERS = { type: 'array', items: { type: 'object', required: ['name', 'usage'], properties: { name: { type: 'string' }, usage: QUANTITIES } } };

export interface Metrics extends ApiObject {
  readonly timestamp: string;
  readonly window: string;
}

export interface NodeMetrics extends Metrics {
  readonly usage: Readonly<Record<string, string>>;
}

export interface PodMetrics extends Metrics {
  readonly containers: readonly { readonly name: string; readonly usage: Readonly<Record<string, string>> }[];
}

function rowOf(names: Pick<Kind, 'kind' | 'plural' | 'namespaced'>, properties: object, columns: Kind['columns']): Kind {
  return {
    group: METRICS_GROUP,
    ...names,
    listKind: `${names.kind}List`,
    singular: '',
    shortNames: [],
    categories: [],
    versions: [{ version: METRICS_VERSION, schema: { structural: { type: 'object', properties: { ...COMMON, ...properties } } }, storageVersionHash: '' }],
    hub: METRICS_VERSION,
    verbs: ['get', 'list'],
    subresources: [],
    strategy: {},
    ...(columns && { columns }),
    storagePath: `${METRICS_GROUP}/${names.plural}`,
    custom: METRICS_GROUP,
  };
}

const amounts = (of: (object: ApiObject, resource: string) => string): NonNullable<Kind['columns']> => [
  NAME as NonNullable<Kind['columns']>[number],
  text<ApiObject>('CPU', (object) => of(object, 'cpu')) as NonNullable<Kind['columns']>[number],
  text<ApiObject>('Memory', (object) => of(object, 'memory')) as NonNullable<Kind['columns']>[number],
  text<ApiObject>('Window', (object) => (object as Metrics).window) as NonNullable<Kind['columns']>[number],
];

export const nodeMetrics = rowOf({ kind: 'NodeMetrics', plural: 'nodes', namespaced: false }, { usage: QUANTITIES }, amounts((object, resource) => (object as NodeMetrics).usage[resource] ?? ''));
export const podMetrics = rowOf({ kind: 'PodMetrics', plural: 'pods', namespaced: true }, { containers: CONTAINERS }, amounts((object, resource) => podTotal(object as PodMetrics, resource)));

/** All of one pod's amounts have the same unit. */
function podTotal({ containers }: PodMetrics, resource: string): string {
  const texts = containers.map(({ usage }) => usage[resource] ?? '0');
  const unit = /[A-Za-z]+$/.exec(texts[0] ?? '')?.[0] ?? '';
  return `${texts.reduce((sum, one) => sum + Number.parseInt(one, 10), 0)}${unit}`;
}
