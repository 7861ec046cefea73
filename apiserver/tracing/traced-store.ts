/** A store whose calls are spans of the request that makes them, under upstream's names. */
import type { Store } from '../storage/store.ts';
import { span, type Attributes } from './span.ts';

const ROOT = '/registry';

export function tracedStore(store: Store): Store {
  return {
    revision: () => store.revision(),
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => span('List(recursive=true) etcd3', () => ({ key: shown(prefix), limit: options?.limit ?? 0, ...resourceOf(prefix) }), () => store.list(prefix, options)),
    write(key, expected, value, options) {
      const write = (): Promise<number> => store.write(key, expected, value, options);
      if (value === undefined) return write();
      return span(expected === 0 ? 'Create etcd3' : 'GuaranteedUpdate etcd3', () => ({ key: shown(key), ...resourceOf(key) }), write);
    },
    watch: (prefix, after, sink) => store.watch(prefix, after, sink),
    compact: (revision) => store.compact(revision),
    snapshot: (path) => store.snapshot(path),
    close: () => store.close(),
  };
}

function shown(key: string): string {
  return key.startsWith(ROOT) ? key.slice(ROOT.length) : key;
}

/** Groups of custom resources stand before the plural; built-in kinds have none there. */
function resourceOf(key: string): Attributes {
  const [first = '', second = ''] = shown(key).slice(1).split('/');
  return first.includes('.') ? { group: first, resource: second } : { resource: first };
}
