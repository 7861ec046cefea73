/** What the API server is asked about a request before it is served. Provenance: pkg/kubelet/server/auth.go of v1.36. Pure. */

export interface NodeAttributes {
  /** Of the API; empty for methods that it has no word for. */
  readonly verb: string;
  /** Any one of them suffices. */
  readonly subresources: readonly string[];
}

const VERBS: Readonly<Record<string, string>> = { POST: 'create', GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
/** What may be let in alone where everything may be with `proxy`; the first that fits. */
const FINE: readonly (readonly [path: string, subresource: string])[] = [['/pods', 'pods'], ['/healthz', 'healthz'], ['/configz', 'configz'], ['/runningpods', 'pods']];
const OWN: readonly (readonly [path: string, subresource: string])[] = [
  ['/stats', 'stats'], ['/metrics', 'metrics'], ['/logs', 'log'], ['/checkpoint', 'checkpoint'], ['/statusz', 'statusz'], ['/flagz', 'configz'],
];

export function attributesOf(method: string, path: string): NodeAttributes {
  const named = (rows: typeof FINE): string | undefined => rows.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))?.[1];
  const fine = named(FINE);
  return { verb: VERBS[method] ?? '', subresources: [...(fine ? [fine] : []), named(OWN) ?? 'proxy'] };
}
