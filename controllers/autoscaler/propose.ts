/** What one metric of an autoscaler proposes, and what its status says of it. Words are upstream's. */
import { formatQuantity, milliValue, parseQuantity, quantityOfMilli } from '../../api/quantity.ts';
import type { MetricIdentifier, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../api/types/autoscaling.v2.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { NoProposal, fromAverage, fromTotal, fromTotalPerPod, fromUtilization, type Proposal, type Situation } from './calculate.ts';
import type { PodReadings, Reading } from './readings.ts';

type Spec = DeepReadonly<MetricSpec>;

export type Proposed =
  | { readonly replicas: number; readonly metric: string; readonly status: MetricStatus }
  | { readonly failed: { readonly reason: string; /** Of the event and the condition. */ readonly message: string; /** In the sum of all metrics. */ readonly within: string } };

export interface ProposeOptions {
  readonly namespace: string;
  readonly statusReplicas: number;
  readonly situation: Situation;
}

export function propose(spec: Spec, reading: Reading, options: ProposeOptions): Proposed {
  const source = SOURCES[spec.type];
  if (!source) return failed('InvalidMetricSourceType', `unknown metric source type ${JSON.stringify(spec.type)}`, '');
  try {
    return source.propose(spec, reading, options);
  } catch (error) {
    if (!(error instanceof NoProposal)) throw error;
    return failed(source.reason, error.message, [source.within(spec), ...(error.inSum ? [error.inSum] : [])].join(': '));
  }
}

function failed(reason: string, message: string, within: string): Proposed {
  return { failed: { reason, message, within: within ? `${within}: ${message}` : message } };
}

interface Source {
  readonly reason: string;
  readonly within: (spec: Spec) => string;
  readonly propose: (spec: Spec, reading: Reading, options: ProposeOptions) => Proposed;
}

const SOURCES: Readonly<Record<string, Source>> = {
  Resource: {
    reason: 'FailedGetResourceMetric',
    within: ({ resource }) => `failed to get ${resource?.name} resource metric value`,
    propose({ resource }, reading, { situation }) {
      const { name, target } = present(resource);
      const { proposal, current, metric } = ofResource(reading, { name, target, container: '' }, situation);
      return { replicas: proposal.replicas, metric, status: { type: 'Resource', resource: { name, current } } };
    },
  },
  ContainerResource: {
    reason: 'FailedGetContainerResourceMetric',
    within: ({ containerResource }) => `failed to get ${containerResource?.container} container metric value`,
    propose({ containerResource }, reading, { situation }) {
      const { name, target, container } = present(containerResource);
      const { proposal, current, metric } = ofResource(reading, { name, target, container }, situation);
      return { replicas: proposal.replicas, metric, status: { type: 'ContainerResource', containerResource: { name, container, current } } };
    },
  },
  Pods: {
    reason: 'FailedGetPodsMetric',
    within: () => 'failed to get pods metric value',
    propose({ pods }, reading, { situation }) {
      const { metric, target } = present(pods);
      const readings = podsOf(reading, `unable to get metric ${metric.name}`);
      const proposal = fromAverage(readings, { target: milli(target.averageValue), resource: '' }, situation);
      return { replicas: proposal.replicas, metric: `pods metric ${metric.name}`, status: { type: 'Pods', pods: { metric: copied(metric), current: { averageValue: amount(proposal.usage) } } } };
    },
  },
  Object: { reason: 'FailedGetObjectMetric', within: () => 'failed to get object metric value', propose: ofObject },
  External: { reason: 'FailedGetExternalMetric', within: ({ external }) => `failed to get ${external?.metric.name} external metric value`, propose: ofExternal },
};

interface ResourceTarget {
  readonly name: string;
  readonly target: DeepReadonly<MetricTarget>;
  readonly container: string;
}

function ofResource(reading: Reading, { name, target, container }: ResourceTarget, situation: Situation): { readonly proposal: Proposal; readonly current: MetricValueStatus; readonly metric: string } {
  const { averageValue, averageUtilization } = target;
  const usage = (proposal: Proposal): string => amount(proposal.usage, name === 'memory' ? 'BinarySI' : 'DecimalSI');
  const prefix = `unable to get metrics for resource ${name}`;
  if (averageValue !== undefined) {
    const proposal = within(`failed to get ${name} usage`, () => fromAverage(podsOf(reading, prefix), { target: milli(averageValue), resource: name }, situation));
    return { proposal, current: { averageValue: usage(proposal) }, metric: `${name} resource` };
  }
  if (averageUtilization === undefined) throw new NoProposal('invalid resource metric source: neither an average utilization target nor an average value (usage) target was set');
  const proposal = within(`failed to get ${name} utilization`, () => fromUtilization(podsOf(reading, prefix), { target: averageUtilization, resource: name, container }, situation));
  const metric = `${name} ${container ? 'container ' : ''}resource utilization (percentage of request)`;
  return { proposal, current: { averageUtilization: proposal.utilization ?? 0, averageValue: usage(proposal) }, metric };
}

function ofObject({ object }: Spec, reading: Reading, { namespace, statusReplicas, situation }: ProposeOptions): Proposed {
  const { metric, target, describedObject } = present(object);
  const { kind, name } = describedObject;
  // The parts stand in upstream's order.
  const prefix = `unable to get metric ${metric.name}: ${kind} on ${namespace} ${name}/`;
  const status = (current: MetricValueStatus): MetricStatus => ({ type: 'Object', object: { describedObject: { ...describedObject }, metric: copied(metric), current } });
  if (target.type === 'Value' && target.value !== undefined) {
    const proposal = fromTotal(totalOf(reading, prefix), milli(target.value), situation);
    return { replicas: proposal.replicas, metric: `${kind} metric ${metric.name}`, status: status({ value: amount(proposal.usage) }) };
  }
  if (target.type === 'AverageValue' && target.averageValue !== undefined) {
    const wanted = milli(target.averageValue);
    const proposal = inSum(`failed to get ${metric.name} object metric`, () => fromTotalPerPod(totalOf(reading, prefix), wanted, statusReplicas, situation.tolerances));
    return { replicas: proposal.replicas, metric: externalName(metric), status: status({ averageValue: amount(proposal.usage) }) };
  }
  throw new NoProposal('invalid object metric source: neither a value target nor an average value target was set');
}

function ofExternal({ external }: Spec, reading: Reading, { namespace, statusReplicas, situation }: ProposeOptions): Proposed {
  const { metric, target } = present(external);
  const { averageValue, value } = target;
  const total = (): number => totalOf(reading, `unable to get external metric ${namespace}/${metric.name}/${selectorText(metric.selector)}: `);
  const status = (current: MetricValueStatus): MetricStatus => ({ type: 'External', external: { metric: copied(metric), current } });
  if (averageValue !== undefined) {
    const proposal = inSum(`failed to get ${metric.name} external metric`, () => fromTotalPerPod(total(), milli(averageValue), statusReplicas, situation.tolerances));
    return { replicas: proposal.replicas, metric: externalName(metric), status: status({ averageValue: amount(proposal.usage) }) };
  }
  if (value !== undefined) {
    const proposal = inSum(`failed to get external metric ${metric.name}`, () => fromTotal(total(), milli(value), situation));
    return { replicas: proposal.replicas, metric: externalName(metric), status: status({ value: amount(proposal.usage) }) };
  }
  throw new NoProposal('invalid external metric source: neither a value target nor an average value target was set');
}

function within<T>(prefix: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof NoProposal) throw new NoProposal(`${prefix}: ${error.message}`);
    throw error;
  }
}

/** Words that only the sum of all metrics has. */
function inSum<T>(prefix: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof NoProposal) throw new NoProposal(error.message, prefix);
    throw error;
  }
}

function podsOf(reading: Reading, prefix: string): PodReadings {
  if (reading.kind === 'error') throw new NoProposal(`${prefix}: ${reading.message}`);
  return reading.kind === 'pods' ? reading.pods : new Map();
}

function totalOf(reading: Reading, prefix: string): number {
  if (reading.kind === 'error') throw new NoProposal(`${prefix}${reading.message}`);
  return reading.kind === 'values' ? reading.values.reduce((sum, one) => sum + one, 0) : 0;
}

function present<T>(source: T | undefined): T {
  if (source === undefined) throw new NoProposal('the metric has no source of its type');
  return source;
}

function copied({ name, selector }: DeepReadonly<MetricIdentifier>): MetricIdentifier {
  return { name, ...(selector && { selector: selector as NonNullable<MetricIdentifier['selector']> }) };
}

function externalName({ name, selector }: DeepReadonly<MetricIdentifier>): string {
  return `external metric ${name}(${selectorText(selector)})`;
}

/** A label selector as Go prints it. */
function selectorText(selector: DeepReadonly<MetricIdentifier>['selector']): string {
  if (!selector) return 'nil';
  const labels = Object.entries(selector.matchLabels ?? {}).sort().map(([key, value]) => `${key}: ${value},`).join('');
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],}`);
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions.map((text) => `${text},`).join('')}},}`;
}

function amount(milliUnits: number, format: 'DecimalSI' | 'BinarySI' = 'DecimalSI'): string {
  return formatQuantity(quantityOfMilli(Math.trunc(milliUnits), format));
}

function milli(text: string | undefined): number {
  const quantity = text === undefined ? undefined : parseQuantity(text);
  return quantity ? milliValue(quantity) : 0;
}
