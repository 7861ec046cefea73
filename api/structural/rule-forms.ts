/** What `x-kubernetes-validations` may look like, before anything is compiled. Provenance: apiextensions-apiserver pkg/apis/apiextensions/validation of v0.36. */
import { invalid, notSupported, type Path, required, type FieldError } from '../field-error.ts';
import type { ValidationRule } from '../types/apiextensions.v1.ts';
import type { JsonSchema } from './json-schema.ts';
import { fieldAtPath } from './selectable-path.ts';
import { unconvertible } from './structural-rules.ts';

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

export function validateRuleForms(schema: JsonSchema, path: Path): FieldError[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, at) => checkForm(rule, schema, path.child('x-kubernetes-validations').index(at)));
}

function checkForm(rule: ValidationRule, schema: JsonSchema, path: Path): FieldError[] {
  const { messageExpression = '', reason, fieldPath = '' } = rule;
  const errors = checkTexts(rule, path);
  if (messageExpression !== '' && messageExpression.trim() === '') errors.push(required(path.child('messageExpression'), 'messageExpression must be non-empty if specified'));
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(path.child('reason'), reason, REASONS));
  if (fieldPath === '') return errors;
  const field = path.child('fieldPath');
  if (fieldPath.trim() === '') errors.push(invalid(field, fieldPath, 'must be non-empty if specified'));
  if (hasBreaks(fieldPath)) errors.push(invalid(field, fieldPath, 'must not contain line breaks'));
  if (unconvertible(schema) === undefined && !isPath(fieldPath, schema)) errors.push(invalid(field, fieldPath, 'must be a valid path'));
  return errors;
}

function checkTexts({ rule = '', message = '' }: ValidationRule, path: Path): FieldError[] {
  const field = path.child('message');
  if (rule.trim() === '') return [required(path.child('rule'), 'rule is not specified')];
  if (message !== '' && message.trim() === '') return [invalid(field, message, 'must be non-empty if specified')];
  if (hasBreaks(message.trim())) return [invalid(field, message, 'must not contain line breaks')];
  if (hasBreaks(rule.trim()) && message.trim() === '') return [required(field, 'message must be specified if rule contains line breaks')];
  return [];
}

function hasBreaks(text: string): boolean {
  return /[\n\r]/.test(text);
}

function isPath(text: string, schema: JsonSchema): boolean {
  try {
    fieldAtPath(text, schema);
    return true;
  } catch {
    return false;
  }
}
