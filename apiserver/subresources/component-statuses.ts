/** The old componentstatuses: what is left of them is the store's health. */
import { notFound } from '../../api/status.ts';
import type { Handler } from '../dispatch.ts';

const NAME = 'etcd-0';

export const componentStatuses: Handler = async (core, exchange) => {
  exchange.warnings.push('v1 ComponentStatus is deprecated in v1.19+');
  const { verb, name } = exchange.route;
  if (verb === 'get' && name !== NAME) throw notFound({ group: '', resource: 'componentstatus', name });
  const item = {
    metadata: { name: NAME, creationTimestamp: null },
    conditions: [{ type: 'Healthy', ...(await health(core.store)) }],
  };
  const object = verb === 'get' ? { kind: 'ComponentStatus', apiVersion: 'v1', ...item } : { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items: [item] };
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
