/** Secrets: their type decides which keys must be there; immutable ones stay as they are. */
import { type FieldError, Path, forbiddenField, invalid, required, tooLong } from '../../field-error.ts';
import type { Secret } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { base64Length, fromBase64, toBase64 } from '../shared/base64.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { configMapKey } from '../shared/formats.ts';
import { immutable } from '../shared/object-meta.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';

export const SECRET_LIMIT_BYTES = 1024 * 1024;
export const FROZEN = 'field is immutable when `immutable` is set';
const DATA = Path.of('data');
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';

export const secret = rulesFor<Secret>({
  updates: 'changes, then all',
  defaults(object) {
    object.type ||= 'Opaque';
    for (const [key, value] of Object.entries(object.data ?? {})) if ((value as string | null) === null) object.data = { ...object.data, [key]: '' };
    if (!object.stringData) return;
    const entries = Object.entries(object.stringData).map(([key, value]) => [key, toBase64(value)]);
    if (entries.length > 0) object.data = { ...object.data, ...Object.fromEntries(entries) };
    delete object.stringData;
  },
  strategy: {
    prepareForUpdate(object, old) {
      if (!object.type && old.type) object.type = old.type;
    },
    validate: (object) => [...checkKeys(object), ...ofType(object)],
    validateUpdate(object, old) {
      const errors = immutable(object.type, old.type, Path.of('type'));
      if (!old.immutable) return errors;
      if (!object.immutable) errors.push(forbiddenField(Path.of('immutable'), FROZEN));
      if (isMapChanged(object.data, old.data)) errors.push(forbiddenField(DATA, FROZEN));
      return errors;
    },
    warnings: (object) => (object.type === 'kubernetes.io/tls' ? tlsWarnings(object) : []),
  },
  columns: [NAME, text('Type', (object) => object.type ?? ''), text('Data', (object) => Object.keys(object.data ?? {}).length), AGE],
  selectableFields: { type: (object) => object.type ?? '' },
});

/** An empty map is not the same as none, and what is stored is never empty. */
export function isMapChanged(now: object | undefined, before: object | undefined): boolean {
  return !semanticEqual(now, before) || (now !== undefined && before === undefined);
}

const TYPE_RULES: Readonly<Record<string, (object: Secret) => FieldError[]>> = {
  'kubernetes.io/service-account-token': (object) =>
    object.metadata.annotations?.[ACCOUNT_NAME] ? [] : [required(Path.of('metadata', 'annotations').key(ACCOUNT_NAME))],
  'kubernetes.io/dockercfg': (object) => checkJson(object, '.dockercfg'),
  'kubernetes.io/dockerconfigjson': (object) => checkJson(object, '.dockerconfigjson'),
  'kubernetes.io/basic-auth': (object) =>
    has(object, 'username') || has(object, 'password') ? [] : ['username', 'password'].map((key) => required(DATA.key(key))),
  'kubernetes.io/ssh-auth': (object) => (object.data?.['ssh-privatekey'] ? [] : [required(DATA.key('ssh-privatekey'))]),
  'kubernetes.io/tls': (object) => ['tls.crt', 'tls.key'].filter((key) => !has(object, key)).map((key) => required(DATA.key(key))),
};

function checkKeys(object: Secret): FieldError[] {
  const entries = Object.entries(object.data ?? {});
  const errors = entries.flatMap(([key]) => configMapKey(key).map((why) => invalid(DATA.key(key), key, why)));
  const size = entries.reduce((sum, [, value]) => sum + base64Length(value), 0);
  return size > SECRET_LIMIT_BYTES ? [...errors, tooLong(DATA, SECRET_LIMIT_BYTES)] : errors;
}

function checkJson(object: Secret, key: string): FieldError[] {
  const value = object.data?.[key];
  if (value === undefined) return [required(DATA.key(key))];
  const why = notAnObject(fromBase64(value));
  return why ? [invalid(DATA.key(key), '<secret contents redacted>', why)] : [];
}

function notAnObject(json: string): string {
  if (json === '') return 'unexpected end of JSON input';
  try {
    const parsed: unknown = JSON.parse(json);
    if (parsed === null || (typeof parsed === 'object' && !Array.isArray(parsed))) return '';
    const found = Array.isArray(parsed) ? 'array' : typeof parsed === 'boolean' ? 'bool' : typeof parsed;
    return `json: cannot unmarshal ${found} into Go value of type map[string]interface {}`;
  } catch {
    return `invalid character '${json[0]}' looking for beginning of value`;
  }
}

function has(object: Secret, key: string): boolean {
  return object.data?.[key] !== undefined;
}

/** Only whether there is PEM at all: whether key and certificate match is left to who uses them. */
function tlsWarnings(object: Secret): string[] {
  const pem = (key: string): boolean => fromBase64(object.data?.[key] ?? '').includes('-----BEGIN ');
  if (!pem('tls.crt')) return ['tls: failed to find any PEM data in certificate input'];
  return pem('tls.key') ? [] : ['tls: failed to find any PEM data in key input'];
}

function ofType(object: Secret): FieldError[] {
  const type = object.type ?? '';
  return Object.hasOwn(TYPE_RULES, type) ? (TYPE_RULES[type]?.(object) ?? []) : [];
}
