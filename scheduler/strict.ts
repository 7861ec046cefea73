/** Reads fields of a configuration document strictly: unknown fields and wrong types are errors that name the place. */

export type Fields = Readonly<Record<string, unknown>>;

export function strict(document: unknown, path: string, known: readonly string[]): Fields {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw new Error(`${path || 'the document'}: must be an object`);
  for (const key of Object.keys(document)) if (!known.includes(key)) throw new Error(`strict decoding error: unknown field "${path ? `${path}.` : ''}${key}"`);
  return document as Fields;
}

export function listOf(fields: Fields, key: string, path: string): readonly unknown[] {
  const value = fields[key] ?? [];
  if (!Array.isArray(value)) throw new Error(`${at(path, key)}: must be a list`);
  return value;
}

export function numberOf(fields: Fields, key: string, path: string): number | undefined {
  const value = fields[key] ?? undefined;
  if (value !== undefined && !Number.isInteger(value)) throw new Error(`${at(path, key)}: must be a whole number`);
  return value as number | undefined;
}

export function textOf(fields: Fields, key: string, path: string): string | undefined {
  const value = fields[key] ?? undefined;
  if (value !== undefined && typeof value !== 'string') throw new Error(`${at(path, key)}: must be a text`);
  return value as string | undefined;
}

export function flagOf(fields: Fields, key: string, path: string): boolean | undefined {
  const value = fields[key] ?? undefined;
  if (value !== undefined && typeof value !== 'boolean') throw new Error(`${at(path, key)}: must be true or false`);
  return value as boolean | undefined;
}

/** `1m30s`, in milliseconds. */
export function durationOf(fields: Fields, key: string, path: string): number | undefined {
  const value = textOf(fields, key, path);
  if (value === undefined) return undefined;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$|^0$/.test(value)) throw new Error(`${at(path, key)}: ${JSON.stringify(value)} is no duration such as 1m30s`);
  return [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit as string] as number), 0);
}

function at(path: string, key: string): string {
  return path ? `${path}.${key}` : key;
}
