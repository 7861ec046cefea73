/** Writes `api/types/*.ts`, the TypeScript types of every served API type, from the facts table. Run: node tools/facts/write-types.ts TYPES.json RESOURCES.json */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Field {
  name?: string;
  inline?: boolean;
  kind: string;
  ref?: string;
  of?: Field;
  pointer?: boolean;
  omitempty?: boolean;
  required?: boolean;
  enum?: string[];
}
interface TypeFact {
  kinds?: [string, string, string][];
  form?: string;
  fields?: Field[];
}
interface ResourceFact {
  group: string;
  version: string;
  resource: string;
  kind: string;
  namespaced: boolean;
  default: boolean;
}

const [typesFile, resourcesFile] = process.argv.slice(2);
if (!typesFile || !resourcesFile) throw new Error('usage: write-types.ts TYPES.json RESOURCES.json');
const facts = JSON.parse(readFileSync(typesFile, 'utf8')) as { kinds: { group: string; version: string; kind: string; type: string }[]; types: Record<string, TypeFact> };
const { resources } = JSON.parse(readFileSync(resourcesFile, 'utf8')) as { resources: ResourceFact[] };

const SCALARS: Record<string, string> = {
  string: 'string',
  bool: 'boolean',
  int32: 'number',
  int64: 'number',
  double: 'number',
  bytes: 'string',
  any: 'unknown',
  time: 'string',
  microtime: 'string',
  duration: 'string',
  quantity: 'string',
  intorstring: 'number | string',
  rawextension: 'unknown',
  fieldsv1: 'Record<string, unknown>',
  json: 'unknown',
  unknown: 'unknown',
  schemaorbool: 'JSONSchemaProps | boolean',
  schemaorarray: 'JSONSchemaProps | JSONSchemaProps[]',
  schemaorstrings: 'JSONSchemaProps | string[]',
};

/** `io.k8s.api.core.v1.Pod` → module `core.v1`, name `Pod`. */
function place(type: string): { module: string; name: string } {
  const parts = type.split('.');
  const name = parts.pop() ?? '';
  const version = parts.at(-1) ?? '';
  if (type.startsWith('io.k8s.apimachinery.') && !parts.join('.').endsWith('pkg.apis.meta.v1')) return { module: 'meta.v1', name };
  return { module: /^v\d/.test(version) ? `${parts.at(-2)}.${version}` : String(parts.at(-1)), name };
}

const wrap = (text: string): string => (text.includes('|') ? `(${text})` : text);
const needed = new Set<string>();
function need(type: string): void {
  if (needed.has(type) || !facts.types[type]) return;
  needed.add(type);
  for (const field of facts.types[type].fields ?? []) {
    for (let at: Field | undefined = field; at; at = at.of) if (at.ref) need(at.ref);
  }
}
const served = resources.filter((r) => r.default);
const typeOf = (group: string, version: string, kind: string): string | undefined =>
  facts.kinds.find((k) => k.group === group && k.version === version && k.kind === kind)?.type;
for (const r of served) {
  const type = typeOf(r.group, r.version, r.kind);
  if (type) need(type);
}
for (const kind of facts.kinds) if (/meta\.v1\.|apidiscovery\.v2\.|admission\.v1\.|policy\.v1\.Eviction$/.test(kind.type)) need(kind.type);

const modules = new Map<string, { bodies: string[]; imports: Map<string, Set<string>> }>();
for (const type of [...needed].sort()) {
  const fact = facts.types[type] as TypeFact;
  if (fact.form) continue;
  const { module, name } = place(type);
  let out = modules.get(module);
  if (!out) modules.set(module, (out = { bodies: [], imports: new Map() }));
  const here = out;
  const use = (ref: string): string => {
    const fact = facts.types[ref];
    if (fact?.form) return SCALARS[fact.form] ?? 'unknown';
    const at = place(ref);
    if (at.module !== module) {
      const set = here.imports.get(at.module) ?? new Set<string>();
      here.imports.set(at.module, set.add(at.name));
    }
    return at.name;
  };
  const render = (field: Field): string => {
    if (field.kind === 'list') return `${wrap(render(field.of as Field))}[]`;
    if (field.kind === 'map') return `Record<string, ${render(field.of as Field)}>`;
    if (field.kind === 'ref') return field.ref ? use(field.ref) : 'unknown';
    if (field.enum?.length) return field.enum.map((v) => JSON.stringify(v)).join(' | ') + (field.kind === 'string' ? '' : '');
    const text = SCALARS[field.kind];
    if (!text) throw new Error(`${type}: ${field.kind}`);
    if (text.includes('JSONSchemaProps')) use('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps');
    return text;
  };
  
  const bases: string[] = [];
  const lines: string[] = [];
  for (const field of fact.fields ?? []) {
    if (field.inline) {
      if (field.ref) bases.push(use(field.ref));
      continue;
    }
    const top = fact.kinds && (field.name === 'metadata' || field.name === 'spec' || field.name === 'items');
    const optional = !(field.required || top || (!field.pointer && !field.omitempty));
    const key = /^[A-Za-z_]\w*$/.test(field.name ?? '') ? field.name : `'${field.name}'`;
    lines.push(`  ${key}${optional ? '?' : ''}: ${render(field)};`);
  }
  const heritage = bases.length ? ` extends ${bases.join(', ')}` : '';
  here.bodies.push(`export interface ${name}${heritage} {\n${lines.join('\n')}\n}\n`);
}

const dir = join(import.meta.dirname, '../../api/types');
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
for (const [module, { bodies, imports }] of modules) {
  const head = [`/** Types of ${module}, written by tools/facts/write-types.ts from the facts table. */`];
  for (const [from, names] of [...imports].sort()) head.push(`import type { ${[...names].sort().join(', ')} } from './${from}.ts';`);
  writeFileSync(join(dir, `${module}.ts`), `${head.join('\n')}\n\n${bodies.join('\n')}`);
}

const rows = served.filter((r) => !r.resource.includes('/') && typeOf(r.group, r.version, r.kind));
const moduleNames = new Map<string, string>();
const seen = new Set<string>();
const consts = rows.map((r) => {
  const { module, name } = place(typeOf(r.group, r.version, r.kind) as string);
  const alias = module.replace(/\W/g, '_');
  moduleNames.set(module, alias);
  // The first of several served versions has the plain name; later ones carry their group or version.
  const constant = seen.has(r.resource) ? `${r.resource}_${r.group.split('.')[0]}_${r.version}` : r.resource;
  seen.add(r.resource);
  return `export const ${constant} = ref<${alias}.${name}>({ group: '${r.group}', version: '${r.version}', resource: '${r.resource}', kind: '${r.kind}', namespaced: ${r.namespaced} });`;
});
writeFileSync(
  join(dir, '../resources.ts'),
  [
    '/** One typed reference per served resource, written by tools/facts/write-types.ts from the facts table. */',
    ...[...moduleNames].sort().map(([module, alias]) => `import type * as ${alias} from './types/${module}.ts';`),
    '',
    '/** Names a resource and carries the TypeScript type of its objects. */',
    'export interface ResourceRef<T> {',
    '  readonly group: string;',
    '  readonly version: string;',
    '  readonly resource: string;',
    '  readonly kind: string;',
    '  readonly namespaced: boolean;',
    '  /** Only for the compiler. */',
    '  readonly object?: T;',
    '}',
    '',
    'function ref<T>(names: ResourceRef<T>): ResourceRef<T> {',
    '  return names;',
    '}',
    '',
    ...consts,
    '',
  ].join('\n'),
);
