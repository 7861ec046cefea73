/** Packs fixtures, pairs `NAME.json` and `NAME.pb`, for the codecs' tests. Run: node tools/facts/pack-fixtures.ts FIXTURES_DIR WIRE_DIR */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { kindFact, typeFact } from '../../api/facts/facts.ts';

const [fixtures, wire] = process.argv.slice(2);
if (!fixtures || !wire) throw new Error('usage: pack-fixtures.ts FIXTURES_DIR WIRE_DIR');
const target = join(import.meta.dirname, '../../api/codec/fixtures');

interface Fixture {
  readonly name: string;
  readonly json: string;
  /** base64; absent: the kind has no protobuf form. */
  readonly pb?: string;
}

pack('kinds', pairs(fixtures).filter(({ json }) => isKnown(json)));
pack('wire', [...pairs(wire), { name: 'watch', json: readFileSync(join(wire, 'watch.stream.jsonl'), 'utf8').trimEnd(), pb: readFileSync(join(wire, 'watch.stream.bin')).toString('base64') }]);

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
  writeFileSync(join(target, `${name}.jsonl.gz`), gzipSync(rows.map((row) => JSON.stringify(row)).join('\n'), { level: 9 }));
}
