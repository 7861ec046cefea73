/** Where a call stands in HTTP: its method and its path. */
import type { ApiCall, Verb } from '../api/request.ts';

export const METHODS: Readonly<Record<Verb, string>> = {
  get: 'GET', list: 'GET', watch: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE',
};

export function callPath(call: ApiCall): string {
  const { group, version, namespace, resource, name, subresource } = call;
  const parts = [group ? `/apis/${group}` : '/api', version];
  if (namespace) parts.push('namespaces', encodeURIComponent(namespace));
  parts.push(resource);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource) parts.push(...subresource.split('/').map(encodeURIComponent));
  const query = new URLSearchParams({ ...call.query, ...(call.verb === 'watch' && { watch: 'true' }) }).toString();
  return parts.join('/') + (query && `?${query}`);
}
