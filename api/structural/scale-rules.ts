/** What the fields behind a custom resource's Scale must hold. Provenance: apiextensions-apiserver pkg/registry/customresource/validator.go of v0.36. */
import { invalid, Path, type FieldError } from '../field-error.ts';
import type { CustomResourceSubresourceScale } from '../types/apiextensions.v1.ts';
import { atPath, plainPath } from './json-path.ts';

const MAX_REPLICAS = 2 ** 31 - 1;

export function validateScaleSpec(object: unknown, scale: CustomResourceSubresourceScale | undefined): FieldError[] {
  return scale ? checkReplicas(object, scale.specReplicasPath) : [];
}

export function validateScaleStatus(object: unknown, scale: CustomResourceSubresourceScale | undefined): FieldError[] {
  if (!scale) return [];
  const errors = checkReplicas(object, scale.statusReplicasPath);
  const { labelSelectorPath } = scale;
  if (!labelSelectorPath) return errors;
  const selector = atPath(object, plainPath(labelSelectorPath));
  if (selector !== undefined && typeof selector !== 'string') errors.push(invalid(Path.of(labelSelectorPath), '', accessorProblem(labelSelectorPath, selector, 'string')));
  return errors;
}

function checkReplicas(object: unknown, text: string): FieldError[] {
  const field = Path.of(text);
  const value = atPath(object, plainPath(text));
  if (value === undefined) return [];
  if (typeof value !== 'number' || !Number.isInteger(value)) return [invalid(field, 0, accessorProblem(text, value, 'int64'))];
  if (value < 0) return [invalid(field, value, 'should be a non-negative integer')];
  return value > MAX_REPLICAS ? [invalid(field, value, `should be less than or equal to ${MAX_REPLICAS}`)] : [];
}

/** In Go's words for what stands in a path. */
export function accessorProblem(path: string, value: unknown, expected: string): string {
  const type = typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? (Number.isInteger(value) ? 'int64' : 'float64')
    : value === null ? '<nil>' : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
  return `${path} accessor error: ${typeof value === 'object' ? JSON.stringify(value) : String(value)} is of the type ${type}, expected ${expected}`;
}
