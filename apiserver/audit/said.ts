/** What a request turned out to say, for its audit record: what was read of it, with its defaults. */
import type { ApiObject } from '../../api/kind.ts';
import type { Exchange } from '../exchange.ts';

/** To be called when the body has been read and nothing has changed it yet; the first call counts. */
export function noteSaid(exchange: Exchange, object: ApiObject): void {
  if (!exchange.auditAnnotations || exchange.said) return;
  const { name, uid, resourceVersion } = object.metadata;
  exchange.said = { name, uid, resourceVersion, ...(exchange.auditsBodies && { object: structuredClone(object) }) };
}
