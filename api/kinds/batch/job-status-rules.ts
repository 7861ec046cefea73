/** The rules for a Job's status. Most hold of what changed only: a controller must be able to mend the rest. */
import { type FieldError, Path, duplicate, invalid, required } from '../../field-error.ts';
import type { Job, JobSpec, JobStatus, UncountedTerminatedPods } from '../../types/batch.v1.ts';
import { notNegative } from '../shared/quantity-rules.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { countIndexes, firstOverlap } from './index-ranges.ts';

const STATUS = Path.of('status');
const CONDITIONS = STATUS.child('conditions');

export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const [now, before] = [new View(job), new View(old)];
  return [
    ...(['active', 'succeeded', 'failed', 'ready', 'terminating'] as const).flatMap((field) => notNegative(now.status[field], STATUS.child(field))),
    ...checkUncounted(now.status.uncountedTerminatedPods ?? {}),
    ...checkCompletion(now, before),
    ...checkFinished(now, before),
    ...checkIndexes(now, before),
    ...checkPods(now, before),
    ...checkSuccess(now),
    ...checkKept(now, before),
    ...checkMoves(now, before),
  ];
}

/** A Job by its conditions. */
class View {
  readonly spec: JobSpec;
  readonly status: JobStatus;

  constructor({ spec, status }: Job) {
    this.spec = spec ?? ({} as JobSpec);
    this.status = status ?? {};
  }

  is(type: string, status = 'True'): boolean {
    return (this.status.conditions ?? []).some((condition) => condition.type === type && condition.status === status);
  }

  get finished(): boolean {
    return this.is('Complete') || this.is('Failed');
  }

  get indexed(): boolean {
    return this.spec.completionMode === 'Indexed';
  }
}

/** What no single value is to blame for. */
function refused(why: string): FieldError {
  return { type: 'FieldValueInvalid', field: CONDITIONS.text, message: `Invalid value: ${why}` };
}

function changed(now: View, before: View, ...types: readonly string[]): boolean {
  return types.some((type) => now.is(type) !== before.is(type));
}

function differs(now: View, before: View, ...fields: readonly (keyof JobStatus)[]): boolean {
  return fields.some((field) => !semanticEqual(now.status[field], before.status[field]));
}

function checkUncounted({ succeeded = [], failed = [] }: UncountedTerminatedPods): FieldError[] {
  const seen = new Set<string>();
  const check = (uids: readonly string[], path: Path): FieldError[] =>
    uids.flatMap((uid, at) => {
      if (uid === '') return [invalid(path.index(at), uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(path.index(at), uid)];
      seen.add(uid);
      return [];
    });
  const path = STATUS.child('uncountedTerminatedPods');
  return [...check(succeeded, path.child('succeeded')), ...check(failed, path.child('failed'))];
}

function checkCompletion(now: View, before: View): FieldError[] {
  const errors: FieldError[] = [];
  const [complete, failed] = [now.is('Complete'), now.is('Failed')];
  const { startTime, completionTime } = now.status;
  const path = STATUS.child('completionTime');
  if (complete && failed && changed(now, before, 'Complete', 'Failed')) errors.push(refused('cannot set Complete=True and Failed=true conditions'));
  if (complete && now.is('FailureTarget') && changed(now, before, 'Complete', 'FailureTarget')) {
    errors.push(refused('cannot set Complete=True and FailureTarget=true conditions'));
  }
  if (changed(now, before, 'Complete') || differs(now, before, 'completionTime')) {
    if (completionTime && !complete) errors.push(invalid(path, completionTime, 'cannot set completionTime when there is no Complete=True condition'));
    if (!completionTime && complete) errors.push(required(path, 'completionTime is required for Complete jobs'));
  }
  if (startTime && completionTime && differs(now, before, 'startTime', 'completionTime') && Date.parse(completionTime) < Date.parse(startTime)) {
    errors.push(invalid(path, completionTime, 'must be equal to or after `startTime`'));
  }
  if (failed && !now.is('FailureTarget') && (changed(now, before, 'Failed') || differs(now, before, 'failedIndexes'))) {
    errors.push(refused('cannot set Failed=True condition without the FailureTarget=true condition'));
  }
  if (complete && !now.is('SuccessCriteriaMet') && changed(now, before, 'Complete', 'SuccessCriteriaMet')) {
    errors.push(refused('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'));
  }
  return errors;
}

function checkFinished(now: View, before: View): FieldError[] {
  if (!now.finished) return [];
  const errors: FieldError[] = [];
  const ends = !before.finished;
  const { active = 0, startTime, uncountedTerminatedPods: uncounted } = now.status;
  if (active > 0 && (ends || differs(now, before, 'active'))) errors.push(invalid(STATUS.child('active'), active, 'active>0 is invalid for finished job'));
  const neverRan = now.spec.suspend === true && now.spec.completions === 0;
  if (!startTime && !neverRan && (ends || differs(now, before, 'startTime'))) errors.push(required(STATUS.child('startTime'), 'startTime is required for finished job'));
  const open = (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0) > 0;
  if (open && (ends || differs(now, before, 'uncountedTerminatedPods'))) {
    const shown = { Succeeded: uncounted?.succeeded ?? null, Failed: uncounted?.failed ?? null };
    errors.push(invalid(STATUS.child('uncountedTerminatedPods'), shown, 'must be empty for finished job'));
  }
  return errors;
}

function checkIndexes(now: View, before: View): FieldError[] {
  const { completions, backoffLimitPerIndex: perIndex } = now.spec;
  const { completedIndexes: completed = '', failedIndexes: failed } = now.status;
  const newCompleted = completed !== (before.status.completedIndexes ?? '');
  const newFailed = failed !== before.status.failedIndexes;
  const errors: FieldError[] = [];
  const refuse = (field: 'completedIndexes' | 'failedIndexes', why: string): void => void errors.push(invalid(STATUS.child(field), now.status[field], why));
  const parse = (field: 'completedIndexes' | 'failedIndexes'): void => {
    const counted = countIndexes(now.status[field] ?? '', completions ?? 0);
    if (typeof counted === 'string') refuse(field, `error parsing ${field}: ${counted}`);
  };
  if (newCompleted && completions !== undefined) parse('completedIndexes');
  if (newFailed && completions !== undefined && perIndex !== undefined && failed !== undefined) parse('failedIndexes');
  if (newCompleted && completed !== '' && !now.indexed) refuse('completedIndexes', 'cannot set non-empty completedIndexes when non-indexed completion mode');
  if (newFailed && perIndex === undefined && failed !== undefined) refuse('failedIndexes', 'cannot set non-null failedIndexes when backoffLimitPerIndex is null');
  if ((!newCompleted && !newFailed) || completions === undefined || failed === undefined) return errors;
  const overlap = firstOverlap(completed, failed, completions);
  if (overlap !== undefined) refuse('failedIndexes', `failedIndexes and completedIndexes overlap at index: ${overlap}`);
  return errors;
}

function checkPods(now: View, before: View): FieldError[] {
  const { active = 0, ready, terminating = 0 } = now.status;
  const errors: FieldError[] = [];
  if (terminating > 0 && now.finished && (!before.finished || differs(now, before, 'terminating'))) {
    errors.push(invalid(STATUS.child('terminating'), terminating, 'terminating>0 is invalid for finished job'));
  }
  if (ready !== undefined && ready > active && differs(now, before, 'ready', 'active')) errors.push(invalid(STATUS.child('ready'), ready, 'cannot set more ready pods than active'));
  return errors;
}

function checkSuccess(now: View): FieldError[] {
  const errors: FieldError[] = [];
  const met = now.is('SuccessCriteriaMet');
  if (met && now.is('Failed')) errors.push(refused('cannot set SuccessCriteriaMet=True and Failed=true conditions'));
  if (met && now.is('FailureTarget')) errors.push(refused('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'));
  if (now.spec.successPolicy && !met && now.is('Complete')) errors.push(refused('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'));
  return errors;
}

/** What has happened has happened. */
function checkKept(now: View, before: View): FieldError[] {
  const errors: FieldError[] = [];
  for (const type of ['Failed', 'Complete', 'FailureTarget']) if (before.is(type) && !now.is(type)) errors.push(refused(`cannot disable the terminal ${type}=True condition`));
  const mayShrink = now.indexed && now.spec.completions === now.spec.parallelism;
  for (const field of ['failed', 'succeeded'] as const) {
    const count = now.status[field] ?? 0;
    if (count < (before.status[field] ?? 0) && !(field === 'succeeded' && mayShrink)) errors.push(invalid(STATUS.child(field), count, `cannot decrease the ${field} counter`));
  }
  return errors;
}

function checkMoves(now: View, before: View): FieldError[] {
  const errors: FieldError[] = [];
  const { startTime, completionTime } = now.status;
  if (completionTime && before.status.completionTime && differs(now, before, 'completionTime')) errors.push(invalid(STATUS.child('completionTime'), completionTime, 'field is immutable'));
  const resumes = before.is('Suspended') && now.is('Suspended', 'False');
  if (before.status.startTime && differs(now, before, 'startTime') && !now.spec.suspend && !resumes) {
    errors.push(invalid(STATUS.child('startTime'), startTime ?? null, 'field is immutable for unsuspended job once set'));
  }
  const [met, was] = [now.is('SuccessCriteriaMet'), before.is('SuccessCriteriaMet')];
  if (was && !met) errors.push(refused('cannot disable the SuccessCriteriaMet=True condition'));
  if (before.is('Complete') && !was && met) errors.push(refused('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'));
  return errors;
}
