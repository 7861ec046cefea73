/** `/openapi/v3`: an index, and one document per group and version. */
import type { Kind } from '../kind.ts';
import type { OpenApiOptions } from './v2.ts';

/** Paths of all documents, `api/v1`, `apis/apps/v1`, …, with the hash of each. */
export function openApiV3Index(_kinds: readonly Kind[], _hash: (path: string) => string): Record<string, unknown> {
  return {};
}

/** By the path it has in the index; undefined: there is none. */
export function openApiV3(_path: string, _kinds: readonly Kind[], _options: OpenApiOptions): Record<string, unknown> | undefined {
  return undefined;
}
