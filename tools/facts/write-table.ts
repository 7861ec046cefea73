/** Writes the facts table, `api/facts/table/*.json`, from facts files. Run: node tools/facts/write-table.ts TYPES.json RESOURCES.json */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { packageFile, type Index } from '../../api/facts/facts.ts';
import type { FieldFact, KindFact, ResourceFact } from '../../api/facts/fact.ts';
import { FLAGS, FORM_TYPES, ZERO, type FieldMore, type FieldRow, type TypeRow } from '../../api/facts/row.ts';

/** As the facts files have it: the same words as the table, and more than it keeps. */
interface SourceType extends Omit<TypeRow, 'fields' | 'protobuf'> {
  readonly proto?: string;
  readonly fields: readonly FieldFact[];
}
interface SourceKind extends KindFact {
  readonly everywhere?: boolean;
}
interface Source {
  readonly version: string;
  readonly kinds: readonly SourceKind[];
  readonly types: Readonly<Record<string, SourceType>>;
}
interface SourceResources {
  readonly groups: readonly { group: string; versions: string[] }[];
  readonly resources: readonly (ResourceFact & { default: boolean })[];
}

const MORE = ['enum', 'format', 'listType', 'mapKeys', 'mapType', 'patchStrategy', 'mergeKey', 'gates'] as const;
/** Groups that are no API of their own but are spoken: by webhooks, by discovery, by every answer. */
const SPOKEN = ['meta.k8s.io/v1', 'meta.k8s.io/v1beta1', 'apidiscovery.k8s.io/v2', 'admission.k8s.io/v1', 'audit.k8s.io/v1'];
const ALSO = ['io.k8s.apimachinery.pkg.apis.meta.v1.Patch', 'io.k8s.apimachinery.pkg.version.Info', 'io.k8s.apimachinery.pkg.runtime.TypeMeta', ...Object.values(FORM_TYPES)];

const [typesFile, resourcesFile] = process.argv.slice(2);
if (!typesFile || !resourcesFile) throw new Error('usage: write-table.ts TYPES.json RESOURCES.json');
const source = JSON.parse(readFileSync(typesFile, 'utf8')) as Source;
const { groups, resources } = JSON.parse(readFileSync(resourcesFile, 'utf8')) as SourceResources;

const spoken = new Set([...SPOKEN, ...groups.flatMap(({ group, versions }) => versions.map((version) => `${group}/${version}`))]);
const kinds = source.kinds.filter((kind) => kind.everywhere || spoken.has(`${kind.group}/${kind.version}`));
const needed = new Set<string>();
for (const type of [...ALSO, ...kinds.map(({ type }) => type)]) need(type);

const dir = join(import.meta.dirname, '../../api/facts/table');
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
writePackages();
writeIndex();

function need(name: string): void {
  const type = source.types[name];
  if (!type || needed.has(name)) return;
  needed.add(name);
  for (const field of type.fields) for (let at: FieldFact | undefined = field; at; at = at.of) if (at.ref) need(at.ref);
}

function writePackages(): void {
  const packages = Object.groupBy([...needed].sort(), (name) => name.slice(0, name.lastIndexOf('.')));
  const files = new Set<string>();
  for (const [home, names = []] of Object.entries(packages)) {
    const file = packageFile(home);
    if (files.has(file)) throw new Error(`two packages would be written to ${file}.json`);
    files.add(file);
    const rows = names.map((name) => `${JSON.stringify(name.slice(home.length + 1))}:${JSON.stringify(typeRow(home, source.types[name] as SourceType))}`);
    writeFileSync(join(dir, `${file}.json`), `{"package":${JSON.stringify(home)},"types":{\n${rows.join(',\n')}\n}}\n`);
  }
}

function typeRow(home: string, { proto, fields, kinds, form, mapType, unions, schema, schemaV2 }: SourceType): TypeRow {
  return {
    ...(kinds && { kinds }), ...(form && { form }), ...(mapType && { mapType }), ...(unions && { unions }),
    ...(schema && { schema }), ...(schemaV2 && { schemaV2 }), ...(!proto && { protobuf: false as const }),
    fields: fields.map((field) => fieldRow(home, field)),
  };
}

function fieldRow(home: string, field: FieldFact): FieldRow {
  const zero = 'default' in field && isDeepStrictEqual(field.default, ZERO[field.kind] ?? {});
  const flags = Object.entries(FLAGS).filter(([flag, name]) => (flag === 'd' ? zero : field[name])).map(([flag]) => flag).join('');
  const more: Record<string, unknown> = {};
  if ('default' in field && !zero) more['default'] = field.default;
  for (const key of MORE) if (field[key] !== undefined) more[key] = field[key];
  if (field.of?.enum) more['itemEnum'] = field.of.enum;
  if (field.of?.format) more['itemFormat'] = field.of.format;
  const row: FieldRow = [field.name ?? '', field.number ?? 0, shapeOf(home, field)];
  if (Object.keys(more).length > 0) return [...row.slice(0, 3), flags, more as FieldMore] as unknown as FieldRow;
  return flags ? [row[0], row[1], row[2], flags] : row;
}

function shapeOf(home: string, field: FieldFact): string {
  switch (field.kind) {
    case 'list':
      return `${field.message ? 'm[' : '['}${shapeOf(home, field.of as FieldFact)}`;
    case 'map':
      return `{${shapeOf(home, field.of as FieldFact)}`;
    case 'ref': {
      const ref = field.ref as string;
      return ref.startsWith(`${home}.`) && !ref.slice(home.length + 1).includes('.') ? `#${ref.slice(home.length + 1)}` : `#${ref}`;
    }
    default:
      return field.kind;
  }
}

function writeIndex(): void {
  const index: Index = {
    version: source.version,
    groups: groups.map(({ group, versions }) => ({ group, versions })),
    resources: resources.filter((resource) => resource.default).map((resource) => Object.fromEntries(Object.entries(resource).filter(([key]) => key !== 'default')) as unknown as ResourceFact),
    kinds: kinds.filter((kind) => !kind.everywhere).map(plainKind),
    everywhere: kinds.filter((kind) => kind.everywhere).map(plainKind),
  };
  const members = Object.entries(index).map(([key, value]) => `${JSON.stringify(key)}:${Array.isArray(value) ? lines(value) : JSON.stringify(value)}`);
  writeFileSync(join(dir, 'index.json'), `{${members.join(',\n')}}\n`);
}

function plainKind({ group, version, kind, type, itemKind, deprecated }: SourceKind): KindFact {
  return { group, version, kind, type, ...(itemKind && { itemKind }), ...(deprecated && { deprecated }) };
}

function lines(rows: readonly unknown[]): string {
  return `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]`;
}
