/** The parameters of writes: dry run, field manager, field validation. */
import { invalid, notSupported, Path, type FieldError } from '../../api/field-error.ts';
import { headerText } from '../auth/header-text.ts';
import type { Exchange } from '../exchange.ts';
import { invalidObject } from '../invalid.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteOptions {
  readonly dryRun: boolean;
  /** As given; '' when not. */
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  /** As admission webhooks see them. */
  readonly sent: Readonly<Record<string, unknown>>;
}

const MANAGER_LIMIT = 128;
const VALIDATIONS: readonly string[] = ['', 'Ignore', 'Warn', 'Strict'];

export function parseWriteOptions(exchange: Exchange, kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions', more: readonly FieldError[] = []): WriteOptions {
  const { query } = exchange;
  const dryRun = query.getAll('dryRun');
  const fieldManager = query.get('fieldManager') ?? '';
  const fieldValidation = query.get('fieldValidation') ?? '';
  const errors = [...more, ...managerErrors(fieldManager), ...dryRunErrors(dryRun)];
  if (!VALIDATIONS.includes(fieldValidation)) {
    errors.push(notSupported(Path.of('fieldValidation'), fieldValidation, ['', 'Ignore', 'Strict', 'Warn']));
  }
  if (errors.length > 0) throw invalidObject('meta.k8s.io', kind, '', errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: (fieldValidation || 'Warn') as FieldValidation,
    sent: {
      kind, apiVersion: 'meta.k8s.io/v1', ...(dryRun.length > 0 && { dryRun }), ...(fieldManager && { fieldManager }),
      ...(fieldValidation && { fieldValidation }),
    },
  };
}

export function dryRunErrors(values: readonly string[]): FieldError[] {
  if (values.every(isAll)) return [];
  return [notSupported(Path.of('dryRun'), values, ['All'])];
}

function isAll(value: string): boolean {
  return value === 'All';
}

/** As Go's unicode.IsPrint. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

function codePoint(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}

/** Lengths and positions are those of bytes. */
function managerErrors(name: string): FieldError[] {
  const errors: FieldError[] = [];
  if (name === '') return errors;
  const field = Path.of('fieldManager');
  if (Buffer.byteLength(name) > MANAGER_LIMIT) errors.push({ type: 'FieldValueTooLong', field: field.text, message: `Too long: may not be more than ${MANAGER_LIMIT} bytes` });
  let at = 0;
  for (const character of name) {
    if (!PRINTABLE.test(character)) errors.push(invalid(field, name, `invalid character U+${codePoint(character)} (at position ${at})`));
    at += Buffer.byteLength(character);
  }
  return errors;
}

/** Who owns the fields of a write: the manager named, else the first part of the user agent. */
export function managerOf(options: Pick<WriteOptions, 'fieldManager'>, exchange: Pick<Exchange, 'headers'>): string {
  return options.fieldManager || userAgentPrefix(exchange.headers['user-agent'] ?? '');
}

function userAgentPrefix(agent: string): string {
  const given = known.get(agent);
  if (given !== undefined) return given;
  let name = '';
  let size = 0;
  for (const character of headerText(agent.split('/', 1)[0] ?? '')) {
    if (!PRINTABLE.test(character)) continue;
    size += Buffer.byteLength(character);
    if (size > MANAGER_LIMIT) break;
    name += character;
  }
  name ||= 'unknown';
  if (known.size >= KNOWN_LIMIT) known.clear();
  known.set(agent, name);
  return name;
}

/** Few programs write, and each of them often. */
const KNOWN_LIMIT = 256;
const known = new Map<string, string>();
