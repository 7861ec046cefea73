/** `/openapi/v2`: one Swagger document of everything that is served. */
import type { Kind } from '../kind.ts';

export interface OpenApiOptions {
  /** `info.version`. */
  readonly version: string;
}

export function openApiV2(_kinds: readonly Kind[], _options: OpenApiOptions): Record<string, unknown> {
  return {};
}

/** The document as `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`. */
export function openApiV2Protobuf(_document: Record<string, unknown>): Buffer {
  return Buffer.alloc(0);
}
