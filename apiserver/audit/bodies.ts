/** What a request said and what it was answered, as values for an audit record. */
import { decodeProtobuf } from '../../api/codec/protobuf.ts';
import { parseYaml } from '../../api/codec/yaml.ts';
import { mediaType } from '../request/body.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { answerDocument } from '../forms/answer-document.ts';
import { PLAIN_JSON } from '../request/negotiate.ts';

/** Undefined where nothing was sent, nothing was read, or it cannot be read. Of a patch it is the patch, else what was made of the body. */
export function requestObject({ body, said, route }: Exchange): unknown {
  if (said) return said.object;
  if (WHOLE.has(route.verb) && route.isResource) return undefined;
  if (body.form === 'value') return body.value;
  const bytes = body.soFar();
  if (!bytes || bytes.length === 0) return undefined;
  try {
    switch (mediaType(body.contentType)) {
      case 'application/vnd.kubernetes.protobuf':
        return decodeProtobuf(bytes);
      case 'application/yaml':
      case 'application/apply-patch+yaml':
        return (parseYaml(bytes.toString()) as { value: unknown }).value;
      default:
        return JSON.parse(bytes.toString()) as unknown;
    }
  } catch {
    return undefined;
  }
}

const WHOLE: ReadonlySet<string> = new Set(['create', 'update']);

export function responseObject(answer: Answer | undefined, exchange: Exchange, nowMs: number): unknown {
  switch (answer?.type) {
    case 'list': {
      const list = answerDocument(answer, { accepted: PLAIN_JSON, query: exchange.query, now: nowMs });
      return answer.resource.kind.custom === undefined ? withoutKinds(list) : list;
    }
    case 'object':
    case 'document':
      return answerDocument(answer, { accepted: PLAIN_JSON, query: exchange.query, now: nowMs });
    default:
      return undefined;
  }
}

/** Items of built-in kinds do not say what they are: their list does. */
function withoutKinds(list: object): object {
  const { items } = list as { readonly items?: readonly Record<string, unknown>[] };
  return items ? { ...list, items: items.map(({ apiVersion: _version, kind: _kind, ...item }) => item) } : list;
}

/** In short: the code; of a Status also what it says. */
export function statusOf(answer: Answer | undefined, code: number): object {
  const status = answer?.type === 'document' ? (answer.object as { kind?: string; status?: unknown; message?: string; reason?: string; details?: object }) : undefined;
  if (status?.kind !== 'Status') return { metadata: {}, code };
  const { message, reason, details } = status;
  return {
    metadata: {}, ...(typeof status.status === 'string' && { status: status.status }), ...(message && { message }), ...(reason && { reason }),
    ...(details && { details }), code,
  };
}

/** A copy without the bookkeeping of managers. */
export function withoutManagers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const object = value as { metadata?: { managedFields?: unknown }; items?: unknown };
  const { metadata, items } = object;
  let out: typeof object = object;
  if (metadata && typeof metadata === 'object' && 'managedFields' in metadata) {
    const { managedFields: _gone, ...rest } = metadata;
    out = { ...out, metadata: rest };
  }
  return Array.isArray(items) ? { ...out, items: items.map(withoutManagers) } : out;
}
