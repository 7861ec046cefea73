/** Texts in fields, checked in place: names and paths. */
import { type FieldError, type Path, invalid } from '../../field-error.ts';
import { dnsLabel, dnsSubdomain, qualifiedName } from './formats.ts';

export const FILE_MODE_WRONG = 'must be a number between 0 and 0777 (octal), both inclusive';

export function checkMode(mode: number | undefined, path: Path): FieldError[] {
  return mode !== undefined && (mode > 0o777 || mode < 0) ? [invalid(path, mode, FILE_MODE_WRONG)] : [];
}

export function noBacksteps(text: string, path: Path): FieldError[] {
  return text.split('/').includes('..') ? [invalid(path, text, "must not contain '..'")] : [];
}

/** Relative, and staying below where it starts. */
export function descending(text: string, path: Path): FieldError[] {
  return [...(text.startsWith('/') ? [invalid(path, text, 'must be a relative path')] : []), ...noBacksteps(text, path)];
}

/** Names that start with `..` are those of the writer itself. */
export function notReserved(text: string, path: Path): FieldError[] {
  const reserved = text.startsWith('..') && !text.startsWith('../');
  return [...descending(text, path), ...(reserved ? [invalid(path, text, "must not start with '..'")] : [])];
}

export function isDnsLabel(text: string, path: Path): FieldError[] {
  return dnsLabel(text).map((why) => invalid(path, text, why));
}

export function isDnsSubdomain(text: string, path: Path): FieldError[] {
  return dnsSubdomain(text).map((why) => invalid(path, text, why));
}

export function isQualifiedName(text: string, path: Path): FieldError[] {
  return qualifiedName(text).map((why) => invalid(path, text, why));
}
