/** Numbers that may be a percentage: `3` or `"25%"`. */
import { type FieldError, type Path, invalid } from '../../field-error.ts';
import { percent } from './formats.ts';
import { NOT_NEGATIVE } from './quantity-rules.ts';

export function checkIntOrPercent(value: number | string | undefined, path: Path): FieldError[] {
  if (typeof value === 'string') return percent(value).map((why) => invalid(path, value, why));
  return (value ?? 0) < 0 ? [invalid(path, value, NOT_NEGATIVE)] : [];
}

export function notMoreThanAll(value: number | string | undefined, path: Path): FieldError[] {
  const isPercent = typeof value === 'string' && percent(value).length === 0;
  return isPercent && amountOf(value) > 100 ? [invalid(path, value, 'must not be greater than 100%')] : [];
}

/** The number, or the percentage's number; what is neither is 0. */
export function amountOf(value: number | string | undefined): number {
  if (typeof value === 'number') return value;
  return /^(?:[0-9]+%|[+-]?[0-9]+)$/.test(value ?? '') ? Number.parseInt(value as string, 10) : 0;
}
