/** Writes `api/types/*.ts`, the TypeScript types of every served API type, and `api/resources.ts` from the facts table. Run: node tools/facts/write-types.ts */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kindFact, kindFacts, knownType, resourceFacts, typeFact } from '../../api/facts/facts.ts';
import type { FieldFact, FieldKind } from '../../api/facts/fact.ts';

const SCALARS: Readonly<Partial<Record<FieldKind, string>>> = {
  string: 'string', bool: 'boolean', int32: 'number', int64: 'number', double: 'number', bytes: 'string', any: 'unknown',
  time: 'string', microtime: 'string', duration: 'string', quantity: 'string', intorstring: 'number | string',
  rawextension: 'unknown', fieldsv1: 'Record<string, unknown>', json: 'unknown', unknown: 'unknown',
  schemaorbool: 'JSONSchemaProps | boolean', schemaorarray: 'JSONSchemaProps | JSONSchemaProps[]', schemaorstrings: 'JSONSchemaProps | string[]',
};
const JSON_SCHEMA = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
/** What is spoken besides the served resources. */
const SPOKEN = /meta\.v1\.|apidiscovery\.v2\.|admission\.v1\.|policy\.v1\.Eviction$/;

const api = join(import.meta.dirname, '../../api');
writeTypes(join(api, 'types'));
writeResources(join(api, 'resources.ts'));

interface Place {
  readonly module: string;
  readonly name: string;
}

/** `io.k8s.api.core.v1.Pod` → module `core.v1`, name `Pod`. */
function placeOf(type: string): Place {
  const parts = type.split('.');
  const name = parts.pop() ?? '';
  const version = parts.at(-1) ?? '';
  if (type.startsWith('io.k8s.apimachinery.')) return { module: 'meta.v1', name };
  return { module: /^v\d/.test(version) ? `${parts.at(-2)}.${version}` : version, name };
}

function neededTypes(): string[] {
  const needed = new Set<string>();
  const need = (type: string): void => {
    if (needed.has(type) || !typeFact(type)) return;
    needed.add(type);
    for (const field of knownType(type).fields) for (let at: FieldFact | undefined = field; at; at = at.of) if (at.ref) need(at.ref);
  };
  for (const { group, version, kind } of resourceFacts()) need(kindFact(group, version, kind)?.type ?? '');
  for (const { type } of kindFacts()) if (SPOKEN.test(type)) need(type);
  for (const kind of ['CreateOptions', 'DeleteOptions', 'GetOptions', 'ListOptions', 'PatchOptions', 'UpdateOptions', 'WatchEvent']) need(kindFact('', 'v1', kind)?.type ?? '');
  return [...needed].sort();
}

function writeTypes(dir: string): void {
  const modules = new Map<string, { readonly bodies: string[]; readonly imports: Map<string, Set<string>> }>();
  for (const type of neededTypes()) {
    if (knownType(type).form) continue;
    const { module } = placeOf(type);
    const out = modules.get(module) ?? { bodies: [], imports: new Map<string, Set<string>>() };
    modules.set(module, out);
    const use = ({ module: from, name }: Place): string => {
      if (from !== module) out.imports.set(from, (out.imports.get(from) ?? new Set()).add(name));
      return name;
    };
    out.bodies.push(interfaceOf(type, use));
  }
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  for (const [module, { bodies, imports }] of modules) {
    const head = [`/** Types of ${module}, written by tools/facts/write-types.ts from the facts table. */`];
    for (const [from, names] of [...imports].sort()) head.push(`import type { ${[...names].sort().join(', ')} } from './${from}.ts';`);
    writeFileSync(join(dir, `${module}.ts`), `${head.join('\n')}\n\n${bodies.join('\n')}`);
  }
}

function interfaceOf(type: string, use: (place: Place) => string): string {
  const { kinds, fields } = knownType(type);
  const bases: string[] = [];
  const lines: string[] = [];
  for (const field of fields) {
    if (field.inline) {
      if (field.ref) bases.push(use(placeOf(field.ref)));
      continue;
    }
    const name = field.name ?? '';
    const top = kinds.length > 0 && (name === 'metadata' || name === 'spec' || name === 'items');
    const optional = !(field.required || top || (!field.pointer && !field.omitempty));
    lines.push(`  ${/^[A-Za-z_]\w*$/.test(name) ? name : `'${name}'`}${optional ? '?' : ''}: ${typeScriptOf(field, use)};`);
  }
  return `export interface ${placeOf(type).name}${bases.length > 0 ? ` extends ${bases.join(', ')}` : ''} {\n${lines.join('\n')}\n}\n`;
}

function typeScriptOf(field: FieldFact, use: (place: Place) => string): string {
  switch (field.kind) {
    case 'list': {
      const item = typeScriptOf(field.of as FieldFact, use);
      return `${item.includes('|') ? `(${item})` : item}[]`;
    }
    case 'map':
      return `Record<string, ${typeScriptOf(field.of as FieldFact, use)}>`;
    case 'ref':
      return use(placeOf(field.ref as string));
  }
  if (field.enum && field.enum.length > 0) return field.enum.map((value) => JSON.stringify(value)).join(' | ');
  const text = SCALARS[field.kind];
  if (!text) throw new Error(`no TypeScript for ${field.kind}`);
  if (text.includes('JSONSchemaProps')) use(placeOf(JSON_SCHEMA));
  return text;
}

function writeResources(file: string): void {
  const aliases = new Map<string, string>();
  const seen = new Set<string>();
  const rows = resourceFacts().flatMap(({ group, version, resource, kind, namespaced }) => {
    const type = kindFact(group, version, kind)?.type;
    if (!type) return [];
    const { module, name } = placeOf(type);
    const alias = module.replaceAll(/\W/g, '_');
    aliases.set(module, alias);
    // The first of several served versions has the plain name; later ones carry their group and version.
    const constant = seen.has(resource) ? `${resource}_${group.split('.')[0]}_${version}` : resource;
    seen.add(resource);
    return [`export const ${constant} = ref<${alias}.${name}>({ group: '${group}', version: '${version}', resource: '${resource}', kind: '${kind}', namespaced: ${namespaced} });`];
  });
  const lines = [
    '/** One typed reference per served resource, written by tools/facts/write-types.ts from the facts table. */',
    ...[...aliases].sort().map(([module, alias]) => `import type * as ${alias} from './types/${module}.ts';`),
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
    ...rows,
    '',
  ];
  writeFileSync(file, lines.join('\n'));
}
