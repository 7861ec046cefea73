/** What classes of storage hand on to their drivers: few, named, and not too long. */
import { type FieldError, type Path, invalid, tooLong } from '../../field-error.ts';
import { bytes } from '../shared/formats.ts';

const PARAMETERS_LIMIT = 512;
const PARAMETERS_LIMIT_BYTES = 256 * 1024;

export function checkParameters(parameters: Record<string, string> | undefined, path: Path): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > PARAMETERS_LIMIT) return [tooLong(path, PARAMETERS_LIMIT)];
  const errors = entries.filter(([key]) => key === '').map(([key]) => invalid(path, key, 'field can not be empty.'));
  const size = entries.reduce((sum, [key, value]) => sum + bytes(key) + bytes(value), 0);
  return size > PARAMETERS_LIMIT_BYTES ? [...errors, tooLong(path, PARAMETERS_LIMIT_BYTES)] : errors;
}
