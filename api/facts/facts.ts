/** The facts table: what is known of every served API type, kind and resource, read from `table/` when first asked for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readType, type TypeRow } from './row.ts';
import type { TypeFact, KindFact, ResourceFact, GroupFact } from './fact.ts';

/** `kinds`: type → rows of `[kind, group/version, itemKind, deprecated]`; no group/version: all of them. */
export interface Index {
  readonly version: string;
  readonly groups: readonly GroupFact[];
  readonly resources: readonly ResourceFact[];
  readonly kinds: readonly KindFact[];
  /** Kinds that are known in every group and version: DeleteOptions, WatchEvent, … */
  readonly everywhere: readonly KindFact[];
}

export interface Package {
  readonly package: string;
  readonly types: Readonly<Record<string, TypeRow>>;
}

const TABLE = join(import.meta.dirname, 'table');
const types = new Map<string, TypeFact | undefined>();
const packages = new Map<string, Package | undefined>();
let index: Index | undefined;
let kinds: Map<string, KindFact> | undefined;

/** By full name, `io.k8s.api.core.v1.Pod`. */
export function typeFact(name: string): TypeFact | undefined {
  let fact = types.get(name);
  if (fact || types.has(name)) return fact;
  const at = name.lastIndexOf('.');
  const home = name.slice(0, at);
  const row = packageOf(home)?.types[name.slice(at + 1)];
  fact = row && readType(home, name, row);
  types.set(name, fact);
  return fact;
}

/** Like `typeFact`, for names that stand in the table itself. */
export function knownType(name: string): TypeFact {
  const fact = typeFact(name);
  if (!fact) throw new Error(`the facts table has no type ${name}`);
  return fact;
}

export function kindFact(group: string, version: string, kind: string): KindFact | undefined {
  kinds ??= new Map(readIndex().kinds.map((fact) => [`${fact.group}/${fact.version}/${fact.kind}`, fact]));
  return kinds.get(`${group}/${version}/${kind}`) ?? readIndex().everywhere.find((fact) => fact.kind === kind);
}

/** All kinds of the table, lists and options included. */
export function kindFacts(): readonly KindFact[] {
  return readIndex().kinds;
}

/** What is served by default, in discovery's order. */
export function resourceFacts(): readonly ResourceFact[] {
  return readIndex().resources;
}

/** In discovery's order. */
export function groupFacts(): readonly GroupFact[] {
  return readIndex().groups;
}

/** Where a package's types stand: `core.v1` for `io.k8s.api.core.v1`, `runtime` for `io.k8s.apimachinery.pkg.runtime`. */
export function packageFile(name: string): string {
  const parts = name.split('.');
  const last = parts.at(-1) ?? '';
  return /^v\d/.test(last) ? `${parts.at(-2)}.${last}` : last;
}

function readIndex(): Index {
  return (index ??= JSON.parse(readFileSync(join(TABLE, 'index.json'), 'utf8')) as Index);
}

function packageOf(name: string): Package | undefined {
  if (packages.has(name)) return packages.get(name);
  let found: Package | undefined;
  try {
    const read = JSON.parse(readFileSync(join(TABLE, `${packageFile(name)}.json`), 'utf8')) as Package;
    if (read.package === name) found = read;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  packages.set(name, found);
  return found;
}
