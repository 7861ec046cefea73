/** The rules for conditions in the common form. */
import { type FieldError, type Path, duplicate, invalid, notSupported, required, tooLong } from '../../field-error.ts';
import type { Condition } from '../../types/meta.v1.ts';
import { bytes, regexWrong } from './formats.ts';
import { checkLabelKey } from './object-meta.ts';

const STATUSES = ['False', 'True', 'Unknown'];
const REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const REASON_WRONG =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
const REASON_LIMIT_BYTES = 1024;
const MESSAGE_LIMIT_BYTES = 32 * 1024;

export function checkConditions(conditions: readonly Condition[], path: Path): FieldError[] {
  return conditions.flatMap((condition, at) => {
    const here = path.index(at);
    const again = conditions.slice(0, at).some((other) => other.type === condition.type);
    return [...(again ? [duplicate(here.child('type'), condition.type)] : []), ...checkCondition(condition, here)];
  });
}

function checkCondition(condition: Condition, path: Path): FieldError[] {
  const { type, status, observedGeneration, lastTransitionTime, reason, message } = condition;
  const errors = checkLabelKey(type, path.child('type'));
  if (!STATUSES.includes(status)) errors.push(notSupported(path.child('status'), status, STATUSES));
  if ((observedGeneration ?? 0) < 0) errors.push(invalid(path.child('observedGeneration'), observedGeneration, 'must be greater than or equal to zero'));
  if (!lastTransitionTime) errors.push(required(path.child('lastTransitionTime')));
  if (!reason) errors.push(required(path.child('reason')));
  else {
    if (!new RegExp(`^${REASON}$`).test(reason)) {
      const why = regexWrong(REASON_WRONG, REASON, 'my_name', 'MY_NAME', 'MyName', 'ReasonA,ReasonB', 'ReasonA:ReasonB');
      errors.push(invalid(path.child('reason'), reason, why));
    }
    if (bytes(reason) > REASON_LIMIT_BYTES) errors.push(tooLong(path.child('reason'), REASON_LIMIT_BYTES));
  }
  return bytes(message) > MESSAGE_LIMIT_BYTES ? [...errors, tooLong(path.child('message'), MESSAGE_LIMIT_BYTES)] : errors;
}

/** Of older kinds, whose conditions need a type and no more. */
export function uniqueConditions(conditions: readonly { readonly type?: string }[], path: Path): FieldError[] {
  return conditions.flatMap(({ type = '' }, at) => {
    const here = path.index(at).child('type');
    const again = conditions.slice(0, at).some((other) => (other.type ?? '') === type);
    return [...(again ? [duplicate(here, type)] : []), ...(type === '' ? [required(here)] : [])];
  });
}
