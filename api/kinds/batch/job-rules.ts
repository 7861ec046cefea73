/** The rules for Jobs. */
import { type FieldError, Path, byKeys, invalid, required } from '../../field-error.ts';
import type { Job, JobSpec } from '../../types/batch.v1.ts';
import type { PodTemplateSpec } from '../../types/core.v1.ts';
import { dnsLabel } from '../shared/formats.ts';
import { checkLabelSelector, selects, shownSelector } from '../shared/label-selector.ts';
import { internalForm } from '../shared/internal-form.ts';
import { immutable } from '../shared/object-meta.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { checkJobSpec } from './job-spec-rules.ts';

const SPEC = Path.of('spec');

export function validateJob(job: Job): FieldError[] {
  const spec = job.spec;
  if (!spec) return [];
  const errors = [...checkGenerated(job, spec), ...checkSpecAndSelector(spec)];
  if (spec.completionMode !== 'Indexed' || !spec.completions) return errors;
  const hostname = `${job.metadata.name}-${spec.completions - 1}`;
  if (dnsLabel(hostname).length === 0) return errors;
  return [...errors, invalid(Path.of('metadata', 'name'), job.metadata.name, `will not able to create pod with invalid DNS label: ${hostname}`)];
}

const FIXED = ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;

const INTERNAL: Readonly<Record<string, string>> = { podFailurePolicy: 'PodFailurePolicy', successPolicy: 'SuccessPolicy' };

export function validateJobUpdate(job: Job, old: Job): FieldError[] {
  const [spec, before] = [job.spec, old.spec];
  if (!spec || !before) return [];
  return [
    ...checkSpecAndSelector(spec),
    ...checkCompletions(spec, before),
    ...immutable(spec.selector, before.selector, SPEC.child('selector')),
    ...checkTemplateChange(spec, old),
    ...FIXED.flatMap((field) => immutable(spec[field], before[field], SPEC.child(field), INTERNAL[field])),
  ];
}

function checkSpecAndSelector(spec: JobSpec): FieldError[] {
  const errors = checkJobSpec(spec, SPEC);
  if (!spec.selector) errors.push(required(SPEC.child('selector')));
  const malformed = checkLabelSelector(spec.selector, SPEC.child('selector'));
  errors.push(...malformed);
  const labels = spec.template?.metadata?.labels;
  if (malformed.length > 0 || selects(spec.selector, labels)) return errors;
  return [...errors, invalid(SPEC.child('template', 'metadata', 'labels'), labels && byKeys(labels), '`selector` does not match template `labels`')];
}

/** Labels and selector that the server made are its own to choose. */
function checkGenerated(job: Job, spec: JobSpec): FieldError[] {
  if (spec.manualSelector || !spec.selector) return [];
  const expected: [string, string][] = [
    ['controller-uid', job.metadata.uid ?? ''],
    ['job-name', job.metadata.name ?? ''],
    ['batch.kubernetes.io/controller-uid', job.metadata.uid ?? ''],
    ['batch.kubernetes.io/job-name', job.metadata.name ?? ''],
  ];
  const labels = spec.template?.metadata?.labels ?? {};
  const errors: FieldError[] = job.metadata.uid ? [] : [required(Path.of('metadata', 'uid'))];
  for (const [key, value] of expected) {
    const path = SPEC.child('template', 'metadata', 'labels').key(key);
    if (labels[key] === undefined) errors.push(required(path, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(invalid(path, labels, `must be '${value}'`));
  }
  const malformed = checkLabelSelector(spec.selector, SPEC).length > 0;
  if (malformed || selects(spec.selector, Object.fromEntries(expected))) return errors;
  return [...errors, invalid(SPEC.child('selector'), spec.selector && shownSelector(spec.selector), '`selector` not auto-generated')];
}

function checkCompletions(spec: JobSpec, old: JobSpec): FieldError[] {
  const path = SPEC.child('completions');
  if (spec.completionMode !== 'Indexed') return immutable(spec.completions, old.completions, path);
  if (spec.completions === old.completions || spec.completions === undefined || spec.completions === spec.parallelism) return [];
  return [invalid(path, spec.completions, 'can only be modified in tandem with spec.parallelism')];
}

/** While a Job is suspended and nothing runs, where its pods go and what they need may still change. */
function checkTemplateChange(spec: JobSpec, old: Job): FieldError[] {
  const suspended = old.spec?.suspend === true;
  const paused = old.status?.conditions?.find((condition) => condition.type === 'Suspended')?.status === 'True';
  const mutable = suspended && (!old.status?.startTime || paused) && !old.status?.active;
  const path = SPEC.child('template');
  if (!mutable) return immutable(spec.template, old.spec?.template, path, 'PodTemplateSpec');
  if (semanticEqual(fixedParts(spec.template), fixedParts(old.spec?.template))) return [];
  return [invalid(path.child('spec'), internalForm('PodSpec', spec.template?.spec as never), 'field is immutable')];
}

function fixedParts(template: PodTemplateSpec | undefined): unknown {
  const { nodeSelector: _node, tolerations: _tolerations, schedulingGates: _gates, affinity, containers, initContainers, ...rest } = template?.spec ?? { containers: [] };
  const { nodeAffinity: _affinity, ...otherAffinity } = affinity ?? {};
  const withoutResources = (list: readonly { resources?: unknown }[] | undefined): unknown => (list ?? []).map(({ resources: _resources, ...other }) => other);
  return { ...rest, otherAffinity, containers: withoutResources(containers), initContainers: withoutResources(initContainers) };
}
