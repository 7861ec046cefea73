/** Reads fields of a configuration document strictly: unknown fields and wrong types are errors that name the place. */

/** All that is wrong with a document that could be read. */
export class Problems {
  readonly #list: string[] = [];

  add(path: string, text: string): void {
    this.#list.push(`${path}: ${text}`);
  }

  /** One as it is, several in brackets. */
  get text(): string | undefined {
    return this.#list.length > 1 ? `[${this.#list.join(', ')}]` : this.#list[0];
  }

  /** Those of a part, under the part's name. */
  take(path: string, { part }: { readonly part: Problems }): void {
    this.#list.push(...part.#list.map((one) => `${path}.${one}`));
  }
}

/** A value of another type than the field's; worded as Go's decoder does it. */
export class WrongType extends Error {
  readonly field: string;
  readonly got: string;
  readonly wanted: string;

  constructor(path: string, value: unknown, wanted: string) {
    const got = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? (Number.isInteger(value) || wanted === 'string' || wanted === 'bool' ? 'number' : `number ${value}`) : typeof value;
    super(`${path}: cannot be ${got}: must be ${wanted}`);
    [this.field, this.got, this.wanted] = [path.replace(/\[\d+\]/g, ''), got, wanted];
  }

  within(struct: string): string {
    return `json: cannot unmarshal ${this.got} into Go struct field ${struct}.${this.field} of type ${this.wanted}`;
  }
}

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

export function numberOf(fields: Fields, key: string, path: string, type: 'int32' | 'int64' = 'int32'): number | undefined {
  const value = fields[key] ?? undefined;
  if (value !== undefined && !Number.isInteger(value)) throw new WrongType(at(path, key), value, type);
  return value as number | undefined;
}

export function textOf(fields: Fields, key: string, path: string): string | undefined {
  const value = fields[key] ?? undefined;
  if (value !== undefined && typeof value !== 'string') throw new WrongType(at(path, key), value, 'string');
  return value as string | undefined;
}

export function flagOf(fields: Fields, key: string, path: string): boolean | undefined {
  const value = fields[key] ?? undefined;
  if (value !== undefined && typeof value !== 'boolean') throw new WrongType(at(path, key), value, 'bool');
  return value as boolean | undefined;
}

/** `1m30s`, in milliseconds. */
export function durationOf(fields: Fields, key: string, path: string): number | undefined {
  const value = textOf(fields, key, path);
  if (value === undefined) return undefined;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  if (!/^-?((\d+(\.\d+)?(ms|s|m|h))+|0)$/.test(value)) throw new Error(`time: invalid duration ${JSON.stringify(value)}`);
  return (value.startsWith('-') ? -1 : 1) * [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit as string] as number), 0);
}

function at(path: string, key: string): string {
  return path ? `${path}.${key}` : key;
}
