/** The codecs' fixtures: objects as upstream prints them, in JSON and protobuf. For tests only. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Fixture {
  readonly name: string;
  /** As upstream prints it. */
  readonly json: string;
  /** base64; absent: the kind has no protobuf form. */
  readonly pb?: string;
}

/** `kinds`: random objects of every kind. `wire`: what a server sent. Written by tools/facts/pack-fixtures.ts. */
export function fixtures(set: 'kinds' | 'wire'): Fixture[] {
  const text = gunzipSync(readFileSync(join(import.meta.dirname, `fixtures/${set}.jsonl.gz`))).toString();
  return text.split('\n').map((line) => JSON.parse(line) as Fixture);
}
