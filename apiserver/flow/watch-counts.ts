/** How many watches will hear of a write: what they cost is part of the write's width. */
import { parseFieldSelector, exactField } from '../../api/selectors.ts';
import type { Exchange } from '../exchange.ts';
import type { Route } from '../request/route.ts';

export class WatchCounts {
  readonly #counts = new Map<string, number>();

  /** Returns how to forget it again. Watches of the pods of one node hear of few: they do not count. */
  register({ route, query }: Pick<Exchange, 'route' | 'query'>): () => void {
    if (route.resource === 'pods' && ofOneNode(query.get('fieldSelector'))) return () => undefined;
    const key = keyOf(route, route.namespace, route.name);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return () => {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    };
  }

  interested(route: Route): number {
    if (this.#counts.size === 0) return 0;
    const { namespace, name } = route;
    let count = this.#counts.get(keyOf(route, '', '')) ?? 0;
    if (namespace !== '') count += this.#counts.get(keyOf(route, namespace, '')) ?? 0;
    if (name !== '') count += this.#counts.get(keyOf(route, namespace, name)) ?? 0;
    return count;
  }
}

function keyOf({ group, resource }: Route, namespace: string, name: string): string {
  return `${group}/${resource}/${namespace}/${name}`;
}

function ofOneNode(selector: string | null): boolean {
  if (!selector) return false;
  try {
    return (exactField(parseFieldSelector(selector), 'spec.nodeName') ?? '') !== '';
  } catch {
    return false;
  }
}
