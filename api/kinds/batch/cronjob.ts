/** CronJobs. */
import type { CronJob } from '../../types/batch.v1.ts';
import { Path } from '../../field-error.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, boolean, containerColumns, integer, selectorCell, text, wide } from '../shared/columns.ts';
import { dropGatedFields } from '../shared/gated-fields.ts';
import { since } from '../shared/human-duration.ts';
import { podNameWarning } from '../shared/pod-name-warning.ts';
import { defaultPodTemplate } from '../shared/pod-spec-defaults.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { validateCronJob, validateCronJobUpdate } from './cronjob-rules.ts';
import { defaultPodFailurePolicy } from './job-spec-defaults.ts';
import { jobSpecWarnings } from './job-warnings.ts';

export const cronjob = rulesFor<CronJob>({
  metadataChecks: { status: 0 },
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    defaultPodTemplate(spec.jobTemplate?.spec?.template);
    if (spec.jobTemplate?.spec) defaultPodFailurePolicy(spec.jobTemplate.spec);
  },
  strategy: splitStrategy<CronJob>({
    generation: ['spec'],
    prepareForCreate: (object) => dropGatedFields(object.spec?.jobTemplate?.spec?.template?.spec),
    prepareForUpdate: (object) => dropGatedFields(object.spec?.jobTemplate?.spec?.template?.spec),
    validate: validateCronJob,
    validateUpdate: validateCronJobUpdate,
    warnings: cronJobWarnings,
  }),
  columns: [
    NAME,
    text('Schedule', (object) => object.spec?.schedule ?? ''),
    text('Timezone', (object) => object.spec?.timeZone ?? '<none>'),
    boolean('Suspend', ({ spec }) => (spec?.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False')),
    integer('Active', (object) => object.status?.active?.length ?? 0),
    text('Last Schedule', (object, now) => (object.status?.lastScheduleTime ? since(object.status.lastScheduleTime, now) : '<none>')),
    AGE,
    ...containerColumns<CronJob>((object) => object.spec?.jobTemplate?.spec?.template?.spec),
    wide('Selector', (object) => selectorCell(object.spec?.jobTemplate?.spec?.selector)),
  ],
});

const ZONE_IN_SCHEDULE =
  'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details';

function cronJobWarnings({ metadata, spec }: CronJob, old: CronJob | undefined): string[] {
  const name = old ? [] : podNameWarning(metadata.name);
  const ofJobs = old && old.metadata.generation === metadata.generation ? [] : jobSpecWarnings(spec?.jobTemplate?.spec, Path.of('spec', 'jobTemplate', 'spec'));
  return [...name, ...ofJobs, ...(spec?.schedule?.includes('TZ') ? [ZONE_IN_SCHEDULE] : [])];
}
