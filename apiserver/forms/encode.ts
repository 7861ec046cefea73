/** One value in the bytes of a media type. */
import { encodeProtobuf } from '../../api/codec/protobuf.ts';
import type { Accepted } from '../request/negotiate.ts';
import { jsYaml } from '../../std/js-yaml.ts';

export function encodeDocument(document: object, { media, pretty }: Pick<Accepted, 'media' | 'pretty'>): Buffer {
  switch (media) {
    case 'json':
      return Buffer.from(pretty ? JSON.stringify(document, null, 2) : `${JSON.stringify(document)}\n`);
    case 'yaml':
      return Buffer.from(jsYaml().dump(JSON.parse(JSON.stringify(document)), { sortKeys: true, lineWidth: -1, noRefs: true, seqNoIndent: true, quoteStyle: 'double' }));
    case 'protobuf':
      return encodeProtobuf(document as Readonly<Record<string, unknown>>);
  }
}
