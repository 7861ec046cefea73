/** Merges the part of a Swagger document below a path into another: definitions that differ under one name are renamed. Pure. */
import { deepEqual } from '../../std/deep.ts';

type Json = Record<string, unknown>;

const PREFIX = '#/definitions/';

export function mergeSwagger(own: Json, other: Json, below: string): Json {
  const paths = Object.entries((other['paths'] ?? {}) as Json).filter(([path]) => path === below || path === `${below}/` || path.startsWith(`${below}/`));
  const theirs = (other['definitions'] ?? {}) as Record<string, Json>;
  const mine = (own['definitions'] ?? {}) as Record<string, Json>;
  const names = new Map<string, string>();
  for (const name of reachable(Object.fromEntries(paths), theirs)) names.set(name, freeName(name, mine, theirs[name] as Json));
  const rename = (value: unknown): unknown => renamed(value, names);
  const definitions = { ...mine };
  for (const [name, target] of names) definitions[target] ??= rename(theirs[name]) as Json;
  return {
    ...own,
    paths: { ...(own['paths'] as Json), ...Object.fromEntries(paths.map(([path, item]) => [path, rename(item)])) },
    definitions: Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** The first of `Name`, `Name_v2`, `Name_v3`, … that is free or says the same. Texts alone make no difference. */
function freeName(name: string, mine: Readonly<Record<string, Json>>, wanted: Json): string {
  for (let at = 1; ; at++) {
    const candidate = at === 1 ? name : `${name}_v${at}`;
    const there = mine[candidate];
    if (!there || deepEqual(bare(there), bare(wanted))) return candidate;
  }
}

function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([key, part]) => !(key === 'description' && typeof part === 'string') && key !== 'x-kubernetes-group-version-kind').map(([key, part]) => [key, bare(part)]));
}

function reachable(from: unknown, definitions: Readonly<Record<string, Json>>): Set<string> {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, part] of Object.entries(value)) {
      if (key !== '$ref' || typeof part !== 'string') visit(part);
      else if (part.startsWith(PREFIX) && !found.has(part.slice(PREFIX.length)) && definitions[part.slice(PREFIX.length)]) {
        found.add(part.slice(PREFIX.length));
        visit(definitions[part.slice(PREFIX.length)]);
      }
    }
  };
  visit(from);
  return found;
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((one) => renamed(one, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => {
    if (key === '$ref' && typeof part === 'string' && part.startsWith(PREFIX)) return [key, PREFIX + (names.get(part.slice(PREFIX.length)) ?? part.slice(PREFIX.length))];
    return [key, renamed(part, names)];
  }));
}
