/** Field errors as the Status that clients get: 422 Invalid. */
import type { FieldError } from '../api/field-error.ts';
import { goQuote } from '../api/go-quote.ts';
import { ApiError } from '../api/status.ts';

export function invalidObject(group: string, kind: string, name: string, errors: readonly FieldError[]): ApiError {
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const qualified = group === '' ? kind : `${kind}.${group}`;
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${qualified} ${goQuote(name)} is invalid: ${text}`,
    details: {
      ...(name && { name }), ...(group && { group }), ...(kind && { kind }),
      causes: errors.map(({ type, message, field }) => ({ reason: type, message, field })),
    },
  });
}
