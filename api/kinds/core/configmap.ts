/** ConfigMaps: text and bytes under keys, at most one mebibyte together. */
import { type FieldError, Path, forbiddenField, invalid, tooLong } from '../../field-error.ts';
import type { ConfigMap } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { base64Length } from '../shared/base64.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { bytes, configMapKey } from '../shared/formats.ts';
import { FROZEN, SECRET_LIMIT_BYTES, isMapChanged } from './secret.ts';

export const configmap = rulesFor<ConfigMap>({
  updates: 'changes, then all',
  strategy: {
    validate: checkData,
    validateUpdate(object, old) {
      if (!old.immutable) return [];
      const errors: FieldError[] = object.immutable ? [] : [forbiddenField(Path.of('immutable'), FROZEN)];
      for (const field of ['data', 'binaryData'] as const) {
        if (isMapChanged(object[field], old[field])) errors.push(forbiddenField(Path.of(field), FROZEN));
      }
      return errors;
    },
  },
  columns: [
    NAME,
    text('Data', (object) => Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length),
    AGE,
  ],
});

function checkData(object: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(object.data ?? {})) {
    const path = Path.of('data').key(key);
    errors.push(...configMapKey(key).map((why) => invalid(path, key, why)));
    if (object.binaryData?.[key] !== undefined) errors.push(invalid(path, key, 'duplicate of key present in binaryData'));
    size += bytes(value);
  }
  for (const [key, value] of Object.entries(object.binaryData ?? {})) {
    errors.push(...configMapKey(key).map((why) => invalid(Path.of('binaryData').key(key), key, why)));
    size += base64Length(value);
  }
  // Upstream names no field here, which it prints as `[]`.
  if (size > SECRET_LIMIT_BYTES) errors.push(tooLong(Path.of('[]'), SECRET_LIMIT_BYTES));
  return errors;
}
