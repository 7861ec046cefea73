/** The old componentstatuses: how the store, the controllers and the scheduler are. Nothing of it is stored. */
import type { ApiObject } from '../../api/kind.ts';
import { notFound } from '../../api/status.ts';
import type { CachedObject } from '../cache/cache.ts';
import type { Handler } from '../dispatch.ts';
import type { Core } from '../core.ts';
import { includeOption, table } from '../forms/table.ts';
import { checkListOptions, parseListOptions } from '../request/list-options.ts';
import { HEALTHY, probe, type ComponentHealth, type ComponentName } from './component-health.ts';

const COMPONENTS: readonly ComponentName[] = ['scheduler', 'controller-manager'];
const STORE = 'etcd-0';

/** `own`: components that run in the server's process, or whose place does not matter, and need no probe. */
export function componentStatuses(own: readonly ComponentName[] = COMPONENTS): Handler {
  const healthOf = async (core: Core, name: string): Promise<ComponentHealth> => {
    if (name === STORE) return storeHealth(core.store);
    const component = name as ComponentName;
    return own.includes(component) ? HEALTHY : probe(component, core.clock.now());
  };
  return async (core, exchange, resource) => {
    exchange.warnings.push('v1 ComponentStatus is deprecated in v1.19+');
    exchange.auditAnnotations?.set('k8s.io/deprecated', 'true');
    const { verb, name } = exchange.route;
    const all = [...COMPONENTS, STORE];
    if (verb === 'get' && !all.includes(name)) throw notFound({ group: '', resource: 'componentstatus', name });
    const options = verb === 'get' ? undefined : parseListOptions(exchange.query, resource);
    if (options) checkListOptions(options, false);
    const filter = options?.selection.filter;
    const wanted = all.filter((one) => (verb === 'get' ? one === name : !filter || filter(selectable(one))));
    const items = await Promise.all(wanted.map(async (one) => shown(one, await healthOf(core, one))));
    const accepted = exchange.accepted();
    if (accepted.as === 'Table') {
      const include = includeOption(exchange.query.get('includeObject'));
      const rows = items as unknown as ApiObject[];
      return { type: 'document', code: 200, object: table(rows, {}, { kind: { columns: resource.columns }, version: accepted.asVersion, include, now: core.clock.now(), columns: true, show: (one) => one }) };
    }
    const object = verb === 'get' ? { kind: 'ComponentStatus', apiVersion: 'v1', ...items[0] } : { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items };
    return { type: 'document', code: 200, object };
  };
}

function selectable(name: string): CachedObject {
  const known: Pick<CachedObject, 'fields' | 'labels'> = { fields: { 'metadata.name': name, 'metadata.namespace': '' }, labels: {} };
  return known as CachedObject;
}

function shown(name: string, { status, message, error }: ComponentHealth): object {
  return { metadata: { name }, conditions: [{ type: 'Healthy', status, ...(message && { message }), ...(error && { error }) }] };
}

async function storeHealth(store: { revision(): Promise<number> }): Promise<ComponentHealth> {
  try {
    await store.revision();
    return HEALTHY;
  } catch (error) {
    return { status: 'False', message: '', error: (error as Error).message };
  }
}
