/** How pools, devices, attributes and what stands in lists of them may be named. Provenance: pkg/apis/resource/validation of v1.36. */
import { Named, type FieldError, type Path, duplicate, invalid, required, tooLong, tooMany } from '../../field-error.ts';
import { bytes, cIdentifier, dnsSubdomain } from '../shared/formats.ts';
import { checkDriverName } from '../shared/volume-rules.ts';

const POOL_LIMIT_BYTES = 253;
const ID_LIMIT_BYTES = 32;
/** A domain, a slash and a name. */
const KEY_LIMIT_BYTES = 63 + 1 + ID_LIMIT_BYTES;

export function checkPoolName(name: string, path: Path): FieldError[] {
  if (name === '') return [required(path)];
  const long = bytes(name) > POOL_LIMIT_BYTES ? [tooLong(path, POOL_LIMIT_BYTES)] : [];
  return [...long, ...name.split('/').flatMap((part) => dnsSubdomain(part).map((why) => invalid(path, part, why)))];
}

export function checkDeviceKey(name: string, path: Path): FieldError[] {
  const [domain, id, ...more] = name.split('/');
  if (more.length > 0) return [];
  if (id === undefined) return checkIdentifier(domain as string, path);
  return [
    ...(domain === '' ? [invalid(path, '', 'the domain must not be empty')] : checkDriverName(domain as string, path)),
    ...(id === '' ? [invalid(path, '', 'the name must not be empty')] : checkIdentifier(id, path)),
  ];
}

export function checkQualifiedKey(name: string, path: Path): FieldError[] {
  const errors = checkDeviceKey(name, path);
  return name.includes('/') ? errors : [...errors, invalid(path, new Named(name), 'a fully qualified name must be a domain and a name separated by a slash')];
}

function checkIdentifier(id: string, path: Path): FieldError[] {
  const long = bytes(id) > ID_LIMIT_BYTES ? [tooLong(path, ID_LIMIT_BYTES)] : [];
  return [...long, ...cIdentifier(id).map((why) => invalid(path, id, why))];
}

export function checkUid(uid: string, path: Path): FieldError[] {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uid)) return [];
  const parsed = /^(?:urn:uuid:)?\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?$/.test(uid);
  if (!parsed) return [invalid(path, uid, `error validating uid: ${[32, 36, 38, 45].includes(bytes(uid)) ? 'invalid UUID format' : `invalid UUID length: ${bytes(uid)}`}`)];
  return [invalid(path, uid, 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters')];
}

type Check<T> = (item: T, path: Path) => FieldError[];

/** A list that is too long is told nothing else. */
export function checkItems<T>(items: readonly T[] | undefined, limit: number, path: Path, check: Check<T>): FieldError[] {
  const list = items ?? [];
  if (list.length > limit) return [tooMany(path, list.length, limit)];
  return list.flatMap((item, at) => check(item, path.index(at)));
}

export interface SetRules<T> {
  readonly limit: number;
  readonly key: (item: T) => string;
  readonly check: Check<T>;
  /** What a duplicate is shown as; default: its key. */
  readonly shown?: (item: T) => unknown;
}

export function checkSet<T>(items: readonly T[] | undefined, path: Path, { limit, key, check, shown = key }: SetRules<T>): FieldError[] {
  const list = items ?? [];
  if (list.length > limit) return [tooMany(path, list.length, limit)];
  const errors = list.flatMap((item, at) => check(item, path.index(at)));
  const seen = new Set<string>();
  for (const [at, item] of list.entries()) {
    if (seen.has(key(item))) errors.push(duplicate(path.index(at), shown(item)));
    seen.add(key(item));
  }
  return errors;
}

export interface MapRules<T> {
  readonly limit?: number;
  readonly keyLimit?: number;
  readonly checkKey: Check<string>;
  readonly check: Check<T>;
}

export function checkMap<T>(map: Readonly<Record<string, T>> | undefined, path: Path, { limit = Infinity, keyLimit = KEY_LIMIT_BYTES, checkKey, check }: MapRules<T>): FieldError[] {
  const entries = Object.entries(map ?? {});
  if (entries.length > limit) return [tooMany(path, entries.length, limit)];
  return entries.flatMap(([key, item]) => [...checkKey(key, path), ...check(item, path.key(shortened(key, keyLimit)))]);
}

function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const left = limit - '...'.length;
  return `${text.slice(0, Math.ceil(left / 2))}...${text.slice(text.length - Math.floor(left / 2))}`;
}
