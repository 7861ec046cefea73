/** `/openapi/v2` and `/openapi/v3`; made when first asked for, until what is served changes. */
import { createHash } from 'node:crypto';
import { openApiV2, openApiV2Protobuf } from '../../api/openapi/v2.ts';
import { openApiV3, openApiV3Index } from '../../api/openapi/v3.ts';
import type { Answer, Exchange } from '../exchange.ts';
import type { Registry } from '../registry.ts';
import { VERSION } from './version.ts';

const PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const OPTIONS = { version: VERSION.gitVersion };

export function openapi(registry: Registry): (exchange: Exchange) => Answer | undefined {
  let made = new Map<string, Buffer | undefined>();
  registry.onChange(() => (made = new Map()));
  const once = (key: string, make: () => Buffer | undefined): Buffer | undefined => {
    if (!made.has(key)) made.set(key, make());
    return made.get(key);
  };
  const third = (path: string): Buffer | undefined => once(`v3/${path}`, () => json(openApiV3(path, registry.kinds, OPTIONS)));
  return ({ route, headers }) => {
    const { path } = route;
    if (path === '/openapi/v2') {
      const wire = headers.accept?.includes('proto-openapi.spec.v2') ?? false;
      const document = once(wire ? 'v2.pb' : 'v2', () => {
        const made = openApiV2(registry.kinds, OPTIONS);
        return wire ? openApiV2Protobuf(made) : json(made);
      });
      return answer(document, wire ? PROTOBUF : 'application/json');
    }
    if (path === '/openapi/v3' || path === '/openapi/v3/') {
      const hash = (of: string): string => createHash('sha512').update(third(of) ?? '').digest('hex').toUpperCase();
      return answer(once('v3', () => json(openApiV3Index(registry.kinds, hash))), 'application/json');
    }
    return path.startsWith('/openapi/v3/') ? answer(third(path.slice('/openapi/v3/'.length)), 'application/json') : undefined;
  };
}

function json(object: object | undefined): Buffer | undefined {
  return object && Buffer.from(JSON.stringify(object));
}

function answer(bytes: Buffer | undefined, contentType: string): Answer | undefined {
  return bytes && { type: 'document', code: 200, object: {}, bytes, contentType };
}
