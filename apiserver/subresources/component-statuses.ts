/** The old componentstatuses: what is left of them is the store's health. */
import type { ApiObject } from '../../api/kind.ts';
import { notFound } from '../../api/status.ts';
import type { CachedObject } from '../cache/cache.ts';
import type { Handler } from '../dispatch.ts';
import { includeOption, table } from '../forms/table.ts';
import { parseListOptions } from '../request/list-options.ts';

const NAME = 'etcd-0';

export const componentStatuses: Handler = async (core, exchange, resource) => {
  exchange.warnings.push('v1 ComponentStatus is deprecated in v1.19+');
  const { verb, name } = exchange.route;
  if (verb === 'get' && name !== NAME) throw notFound({ group: '', resource: 'componentstatus', name });
  const filter = verb === 'get' ? undefined : parseListOptions(exchange.query, resource).selection.filter;
  const known: Pick<CachedObject, 'fields' | 'labels'> = { fields: { 'metadata.name': NAME, 'metadata.namespace': '' }, labels: {} };
  const items = filter && !filter(known as CachedObject) ? [] : [{ metadata: { name: NAME }, conditions: [{ type: 'Healthy', ...(await health(core.store)) }] }];
  const accepted = exchange.accepted();
  if (accepted.as === 'Table') {
    const include = includeOption(exchange.query.get('includeObject'));
    const rows = items as unknown as ApiObject[];
    return { type: 'document', code: 200, object: table(rows, {}, { kind: { columns: resource.columns }, version: accepted.asVersion, include, now: core.clock.now(), columns: true, show: (one) => one }) };
  }
  const object = verb === 'get' ? { kind: 'ComponentStatus', apiVersion: 'v1', ...items[0] } : { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items };
  return { type: 'document', code: 200, object };
};

async function health(store: { revision(): Promise<number> }): Promise<{ status: string; message: string }> {
  try {
    await store.revision();
    return { status: 'True', message: 'ok' };
  } catch (error) {
    return { status: 'False', message: (error as Error).message };
  }
}
