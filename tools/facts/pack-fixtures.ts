/**
 * Packs what tests compare with. Run: node tools/facts/pack-fixtures.ts SCHEMA_DIR
 * From `fixtures/` and `wire/`: pairs `NAME.json` and `NAME.pb`, for the codecs. From `openapi-v2.json` and `openapi-v3/`: documents without prose.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { kindFact, typeFact } from '../../api/facts/facts.ts';

const [schema] = process.argv.slice(2);
if (!schema) throw new Error('usage: pack-fixtures.ts SCHEMA_DIR');
const fixtures = join(schema, 'fixtures');
const wire = join(schema, 'wire');
const api = join(import.meta.dirname, '../../api');

interface Fixture {
  readonly name: string;
  readonly json: string;
  /** base64; absent: the kind has no protobuf form. */
  readonly pb?: string;
}

pack('kinds', pairs(fixtures).filter(({ json }) => isKnown(json)));
pack('wire', [...pairs(wire), { name: 'watch', json: readFileSync(join(wire, 'watch.stream.jsonl'), 'utf8').trimEnd(), pb: readFileSync(join(wire, 'watch.stream.bin')).toString('base64') }]);
packDocuments(schema);

function packDocuments(dir: string): void {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(dir, file), 'utf8'));
  const v3 = Object.entries(read('openapi-v3/index.json') as Record<string, string>).map(([path, file]) => [path, read(`openapi-v3/${file}`)] as const);
  const documents = { v2: read('openapi-v2.json'), v3: Object.fromEntries(v3) };
  writeFileSync(join(api, 'openapi/fixtures/documents.json.gz'), gzipSync(JSON.stringify(documents), { level: 9 }));
}

function pairs(dir: string): Fixture[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const name = file.slice(0, -'.json'.length);
      const pb = join(dir, `${name}.pb`);
      const json = readFileSync(join(dir, file), 'utf8').trimEnd();
      return { name, json, ...(existsSync(pb) && { pb: readFileSync(pb).toString('base64') }) };
    });
}

function isKnown(json: string): boolean {
  const { apiVersion = '', kind = '' } = JSON.parse(json) as { apiVersion?: string; kind?: string };
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const type = kindFact(group, version, kind)?.type;
  return type !== undefined && typeFact(type) !== undefined;
}

function pack(name: string, rows: readonly Fixture[]): void {
  writeFileSync(join(api, `codec/fixtures/${name}.jsonl.gz`), gzipSync(rows.map((row) => JSON.stringify(row)).join('\n'), { level: 9 }));
}
