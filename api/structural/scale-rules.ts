/** What the fields behind a custom resource's Scale must hold. Provenance: apiextensions-apiserver pkg/registry/customresource/validator.go of v0.36. */
import { invalid, Path, type FieldError } from '../field-error.ts';
import type { CustomResourceSubresourceScale } from '../types/apiextensions.v1.ts';
import { plainPath } from './json-path.ts';
import { goType } from '../go-type.ts';
import { goText, isObject } from '../patch/refusals.ts';

const MAX_REPLICAS = 2 ** 31 - 1;

export function validateScaleSpec(object: unknown, scale: CustomResourceSubresourceScale | undefined): FieldError[] {
  return scale ? checkReplicas(object, scale.specReplicasPath) : [];
}

export function validateScaleStatus(object: unknown, scale: CustomResourceSubresourceScale | undefined): FieldError[] {
  if (!scale) return [];
  const errors = checkReplicas(object, scale.statusReplicasPath);
  const { labelSelectorPath } = scale;
  if (!labelSelectorPath) return errors;
  const { value, problem } = walk(object, labelSelectorPath);
  const wrong = problem ?? (value === undefined || typeof value === 'string' ? undefined : accessorProblem(labelSelectorPath, value, 'string'));
  return wrong === undefined ? errors : [...errors, invalid(Path.of(labelSelectorPath), '', wrong)];
}

function checkReplicas(object: unknown, text: string): FieldError[] {
  const field = Path.of(text);
  const { value, problem } = walk(object, text);
  if (problem !== undefined) return [invalid(field, 0, problem)];
  if (value === undefined) return [];
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value))) return [invalid(field, 0, accessorProblem(text, value, 'int64'))];
  if (value < 0) return [invalid(field, value, 'should be a non-negative integer')];
  return value > MAX_REPLICAS ? [invalid(field, value, `should be less than or equal to ${MAX_REPLICAS}`)] : [];
}

/** What stands at a path, or why nothing can stand there. */
function walk(object: unknown, text: string): { readonly value?: unknown; readonly problem?: string } {
  let value = object;
  let path = '';
  for (const name of plainPath(text)) {
    if (value === undefined || value === null) return {};
    path += `.${name}`;
    if (!isObject(value)) return { problem: accessorProblem(path, value, 'map[string]interface{}') };
    value = Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return { value };
}

/** In Go's words for what stands in a path. */
export function accessorProblem(path: string, value: unknown, expected: string): string {
  return `${path} accessor error: ${goText(value)} is of the type ${goType(value)}, expected ${expected}`;
}
