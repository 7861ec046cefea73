/** The 403 and 401 of the request chain, worded as API clients expect them. */
import { goQuote } from '../../api/go-quote.ts';
import { ApiError, forbidden } from '../../api/status.ts';
import type { Attributes } from './auth.ts';

/** What was not allowed; `reason` is what the authorizers had to say about it, often nothing. */
export function denied(attributes: Attributes, reason: string): ApiError {
  const message = sanitize(describe(attributes)) + (reason ? `: ${reason}` : '');
  if (attributes.resource === '') return new ApiError({ code: 403, reason: 'Forbidden', message: `forbidden: ${message}`, details: {} });
  return forbidden({ group: attributes.group, resource: attributes.resource, name: attributes.name }, message);
}

export function unauthorized(): ApiError {
  return new ApiError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

function describe({ user, verb, group, resource, subresource, namespace, path }: Attributes): string {
  const who = `User ${goQuote(user.name)} cannot ${verb}`;
  if (resource === '') return `${who} path ${goQuote(path)}`;
  const what = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace ${goQuote(namespace)}` : 'at the cluster scope';
  return `${who} resource ${goQuote(what)} in API group ${goQuote(group)} ${where}`;
}

/** Nothing that a browser could take for markup. */
function sanitize(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
