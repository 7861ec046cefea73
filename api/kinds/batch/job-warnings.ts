/** What a server warns of in what jobs are asked to do. Provenance: pkg/api/job of v1.36. */
import type { Path } from '../../field-error.ts';
import type { JobSpec } from '../../types/batch.v1.ts';
import { podTemplateWarnings } from '../shared/pod-warnings.ts';

const MANY_COMPLETIONS = 100_000;
const MANY_AT_A_TIME = 10_000;
const MANY =
  'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';

export function jobSpecWarnings(spec: JobSpec | undefined, path: Path): string[] {
  const many = spec?.completionMode === 'Indexed' && (spec.completions ?? 0) > MANY_COMPLETIONS && (spec.parallelism ?? 0) > MANY_AT_A_TIME;
  return [...(many ? [`${path.text}: ${MANY}`] : []), ...podTemplateWarnings(spec?.template, path.child('template'))];
}
