/** `/openapi/v2` and `/openapi/v3`; made when first asked for, until what is served changes. */
import { openApiV2 } from '../../api/openapi/v2.ts';
import { openApiV3, openApiV3Index } from '../../api/openapi/v3.ts';
import { ApiError } from '../../api/status.ts';
import type { Answer, Exchange } from '../exchange.ts';
import type { Registry } from '../registry.ts';
import { hashOf, tagged } from './tagged.ts';
import { VERSION } from './version.ts';

const JSON_TYPE = 'application/json';
const OPTIONS = { version: VERSION.gitVersion };
/** Documents have a URL by their hash, which may be kept for good. */
const FOREVER = 'public, immutable';

export function openapi(registry: Registry): (exchange: Exchange) => Answer | undefined {
  let made = new Map<string, Buffer | undefined>();
  registry.onChange(() => (made = new Map()));
  const once = (key: string, make: () => object | undefined): Buffer | undefined => {
    if (!made.has(key)) {
      const document = make();
      made.set(key, document && Buffer.from(JSON.stringify(document)));
    }
    return made.get(key);
  };
  const third = (path: string): Buffer | undefined => once(`v3/${path}`, () => openApiV3(path, registry.kinds, OPTIONS));
  return (exchange) => {
    const path = exchange.route.path.replace(/\/$/, '');
    if (path === '/openapi/v2') {
      requireJson(exchange);
      return tagged(exchange, once('v2', () => openApiV2(registry.kinds, OPTIONS)) as Buffer, { contentType: JSON_TYPE, vary: 'Accept-Encoding, Accept' });
    }
    if (path === '/openapi/v3') {
      const index = once('v3', () => openApiV3Index(registry.kinds, (of) => hashOf(third(of) ?? Buffer.alloc(0))));
      return { type: 'document', code: 200, object: {}, bytes: index as Buffer, contentType: 'text/plain; charset=utf-8' };
    }
    if (!path.startsWith('/openapi/v3/')) return undefined;
    const document = third(path.slice('/openapi/v3/'.length));
    if (!document) return undefined;
    requireJson(exchange);
    const asked = exchange.query.get('hash');
    if (asked !== null && asked !== hashOf(document)) {
      exchange.extraHeaders['Location'] = `${path}?hash=${hashOf(document)}`;
      return { type: 'text', code: 301, text: '' };
    }
    if (asked !== null) exchange.extraHeaders['Cache-Control'] = FOREVER;
    return tagged(exchange, document, { contentType: JSON_TYPE, vary: 'Accept' });
  };
}

/** The documents' protobuf forms are not made: a client that takes nothing else is told so. */
function requireJson({ headers }: Exchange): void {
  const accept = headers.accept ?? '*/*';
  if (accept.split(',').some((clause) => [JSON_TYPE, 'application/*', '*/*'].includes(clause.split(';')[0]?.trim() ?? ''))) return;
  throw new ApiError({ code: 406, reason: 'NotAcceptable', message: `only the following media types are accepted: ${JSON_TYPE}` });
}
