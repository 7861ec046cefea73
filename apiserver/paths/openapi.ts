/** `/openapi/v2` and `/openapi/v3`; made when first asked for, until what is served changes. */
import type { Aggregator } from '../aggregation/aggregator.ts';
import { OPENAPI_V2_PROTOBUF, openApiV2Protobuf } from '../../api/openapi/v2-protobuf.ts';
import { openApiV2 } from '../../api/openapi/v2.ts';
import { OPENAPI_V3_PROTOBUF, openApiV3Protobuf } from '../../api/openapi/v3-protobuf.ts';
import { openApiV3, openApiV3Index } from '../../api/openapi/v3.ts';
import { readDescriptions } from '../../api/openapi/descriptions.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { hasClauses, preferredType } from '../request/negotiate.ts';
import type { Registry } from '../registry/registry.ts';
import { hashOf, tagged } from './tagged.ts';
import { VERSION } from '../version.ts';

type Json = Record<string, unknown>;

const NOTHING = Buffer.alloc(0);
const NOTHING_THERE: Answer = { type: 'text', code: 404, text: '' };
const JSON_TYPE = 'application/json';
/** Upstream's documents name what a server behaves as, which knows of no patches. */
const OPTIONS = { version: `${VERSION.emulationMajor}.${VERSION.emulationMinor}` };
/** Documents have a URL by their hash, which may be kept for good. */
const FOREVER = 'public, immutable';

export function openapi(registry: Registry, aggregator: Pick<Aggregator, 'openapi' | 'document'>): (exchange: Exchange) => Promise<Answer> | Answer | undefined {
  let made = new Map<string, Buffer | undefined>();
  registry.onChange(() => (made = new Map()));
  aggregator.openapi.onChange(() => (made = new Map()));
  const once = (key: string, make: () => Buffer | undefined): Buffer | undefined => {
    if (!made.has(key)) made.set(key, make());
    return made.get(key);
  };
  const second = (): Json => aggregator.openapi.merged(openApiV2(registry.kinds, OPTIONS));
  /** Texts are read for documents that somebody asks for; hashes, of which the index needs all, go without. */
  let describe: ReturnType<typeof readDescriptions> | undefined;
  const third = (path: string): Json | undefined => {
    const converted = aggregator.openapi.converted.get(path);
    if (converted) return converted;
    describe ??= readDescriptions();
    return openApiV3(path, registry.kinds, { ...OPTIONS, ...(describe && { describe }) });
  };
  const thirdJson = (path: string): Buffer | undefined => once(`v3/${path}`, () => json(aggregator.openapi.converted.get(path) ?? openApiV3(path, registry.kinds, OPTIONS)));
  /** Of documents of others that are served here. */
  const convertedIndex = (): Record<string, Json> => Object.fromEntries([...aggregator.openapi.converted.keys()].map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(thirdJson(path) as Buffer)}` }]));
  const described = (path: string): Buffer => once(`v3 with texts/${path}`, () => json(third(path))) as Buffer;
  return (exchange) => {
    const { path } = exchange.route;
    if (path === '/openapi/v2') {
      const form = formFor(exchange, OPENAPI_V2_PROTOBUF);
      if (!form) {
        exchange.extraHeaders['Vary'] = 'Accept-Encoding, Accept';
        return { type: 'text', code: 406, text: '' };
      }
      const wire = form === 'wire';
      const bytes = once(wire ? 'v2.pb' : 'v2', () => (wire ? openApiV2Protobuf(second()) : json(second())));
      return tagged(exchange, bytes as Buffer, { contentType: wire ? newName(OPENAPI_V2_PROTOBUF) : JSON_TYPE, vary: 'Accept-Encoding, Accept' });
    }
    if (path === '/openapi/v3') {
      const index = once('v3', () => json(withOthers(openApiV3Index(registry.kinds, (of) => hashOf(thirdJson(of) ?? Buffer.alloc(0))), { ...aggregator.openapi.index, ...convertedIndex() })));
      return { type: 'document', code: 200, object: {}, bytes: index as Buffer, contentType: 'text/plain; charset=utf-8' };
    }
    if (!path.startsWith('/openapi/v3/')) return undefined;
    const name = path.slice('/openapi/v3/'.length);
    const elsewhere = aggregator.openapi.converted.has(name) ? undefined : aggregator.document(name, exchange);
    if (elsewhere) return elsewhere;
    const document = thirdJson(name);
    if (!document) return NOTHING_THERE;
    const asked = exchange.query.get('hash');
    if (asked !== null && asked !== hashOf(document)) {
      Object.assign(exchange.extraHeaders, { Location: `${path}?hash=${hashOf(document)}`, ETag: `"${hashOf(document)}"`, Vary: 'Accept' });
      return { type: 'document', code: 301, object: {}, bytes: NOTHING, contentType: JSON_TYPE };
    }
    if (asked !== null) exchange.extraHeaders['Cache-Control'] = FOREVER;
    const form = formFor(exchange, OPENAPI_V3_PROTOBUF);
    if (!form) {
      const wanted = hasClauses(exchange.headers.accept ?? '');
      if (wanted) exchange.extraHeaders['Vary'] = 'Accept';
      return { type: 'text', code: wanted ? 406 : 200, text: '' };
    }
    if (form === 'json') return tagged(exchange, described(name), { contentType: JSON_TYPE, vary: 'Accept' });
    const bytes = once(`v3.pb/${name}`, () => openApiV3Protobuf(third(name) as Json)) as Buffer;
    return tagged(exchange, bytes, { contentType: newName(OPENAPI_V3_PROTOBUF), vary: 'Accept' });
  };
}

/** The index with the entries of aggregated APIs, by the alphabet like its own. */
function withOthers(index: Json, others: Readonly<Record<string, Json>>): Json {
  if (Object.keys(others).length === 0) return index;
  return { ...index, paths: { ...(index['paths'] as Json), ...others } };
}

function json(document: object | undefined): Buffer | undefined {
  return document && Buffer.from(JSON.stringify(document));
}

/** The type was renamed; clients ask by both names and are answered with the new one. */
function newName(type: string): string {
  return type.replace('@', '.');
}

/** Which of its two forms a document goes out in; undefined: the client takes neither. */
function formFor({ headers }: Exchange, wire: string): 'json' | 'wire' | undefined {
  const found = preferredType(headers.accept, [JSON_TYPE, wire, newName(wire)]);
  return found === undefined ? undefined : found === JSON_TYPE ? 'json' : 'wire';
}
