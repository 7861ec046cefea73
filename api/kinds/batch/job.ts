/** Jobs. */
import { Path } from '../../field-error.ts';
import type { Job } from '../../types/batch.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, containerColumns, selectorCell, text, wide } from '../shared/columns.ts';
import { dropGatedFields } from '../shared/gated-fields.ts';
import { humanDuration } from '../shared/human-duration.ts';
import { podNameWarning } from '../shared/pod-name-warning.ts';
import { defaultPodTemplate } from '../shared/pod-spec-defaults.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { validateJob, validateJobUpdate } from './job-rules.ts';
import { validateJobStatus } from './job-status-rules.ts';
import { defaultJobSpec } from './job-spec-defaults.ts';
import { jobSpecWarnings } from './job-warnings.ts';

const JOB_NAME_LABELS = ['job-name', 'batch.kubernetes.io/job-name'];
export const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
const CONTROLLER_UID_LABELS = ['controller-uid', CONTROLLER_UID];

export const job = rulesFor<Job>({
  updates: 'all, then changes',
  defaults(object) {
    if (!object.spec) return;
    const labels = object.spec.template?.metadata?.labels;
    if (labels && isEmpty(object.metadata.labels)) object.metadata.labels = labels;
    defaultJobSpec(object.spec);
    defaultPodTemplate(object.spec.template);
  },
  strategy: splitStrategy<Job>({
    generation: ['spec'],
    orphansByDefault: true,
    prepareForCreate(object) {
      if (!object.spec?.manualSelector) generateSelector(object);
      dropGatedFields(object.spec?.template?.spec);
    },
    prepareForUpdate: (object) => dropGatedFields(object.spec?.template?.spec),
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    validateStatus: validateJobStatus,
    warnings: (object, old) => [...(old ? [] : podNameWarning(object.metadata.name)), ...(old && old.metadata.generation === object.metadata.generation ? [] : jobSpecWarnings(object.spec, Path.of('spec')))],
  }),
  columns: [
    NAME,
    text('Status', showStatus),
    text('Completions', showCompletions),
    text('Duration', ({ status }, now) => {
      if (!status?.startTime) return '';
      return humanDuration((status.completionTime ? Date.parse(status.completionTime) : now) - Date.parse(status.startTime));
    }),
    AGE,
    ...containerColumns<Job>((object) => object.spec?.template?.spec),
    wide('Selector', (object) => selectorCell(object.spec?.selector)),
  ],
  selectableFields: { 'status.successful': (object) => String(object.status?.succeeded ?? 0) },
});

/** Pods carry the Job's name and uid, and the uid selects them. */
function generateSelector(object: Job): void {
  const spec = object.spec;
  if (!spec) return;
  const template = (spec.template ??= { spec: { containers: [] } });
  const uid = object.metadata.uid ?? '';
  const given = template.metadata?.labels;
  const labels: Record<string, string> = { ...given };
  for (const key of JOB_NAME_LABELS) labels[key] ??= object.metadata.name ?? '';
  for (const key of CONTROLLER_UID_LABELS) labels[key] ??= uid;
  const own = object.metadata.labels;
  template.metadata = { ...template.metadata, labels: inOrder(labels) };
  // Labels that the Job took over from its template are the same map.
  if (isEmpty(own) || own === given) object.metadata.labels = { ...template.metadata.labels };
  spec.selector = { ...spec.selector, matchLabels: inOrder({ [CONTROLLER_UID]: uid, ...spec.selector?.matchLabels }) };
}

function isEmpty(labels: object | undefined): boolean {
  return Object.keys(labels ?? {}).length === 0;
}

function inOrder(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function showStatus(object: Job): string {
  const isTrue = (type: string): boolean => object.status?.conditions?.find((condition) => condition.type === type)?.status === 'True';
  if (isTrue('Complete')) return 'Complete';
  if (isTrue('Failed')) return 'Failed';
  if (object.metadata.deletionTimestamp) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(isTrue) ?? 'Running';
}

function showCompletions({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}
