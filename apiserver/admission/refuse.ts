/** How a plugin says no: 403, named after what the request is about. */
import type { ApiError } from '../../api/status.ts';
import { forbidden } from '../../api/status.ts';
import type { AdmissionRequest } from './admission.ts';

export function refused(request: AdmissionRequest, why: string): ApiError {
  const { group, plural } = request.kind;
  const name = request.name || request.object?.metadata?.name || request.object?.metadata?.generateName || 'Unknown';
  return forbidden({ group, resource: plural, name }, why);
}

/** Whether a request is about a resource (`pods`, `apps/deployments`) and one of two subresources; '' is the resource itself. */
export function isAbout({ kind: { group, plural }, subresource }: AdmissionRequest, resource: string, one = '', other = one): boolean {
  if (subresource !== one && subresource !== other) return false;
  if (group === '') return plural === resource;
  return resource.length === group.length + 1 + plural.length && resource.startsWith(group) && resource.endsWith(plural) && resource[group.length] === '/';
}

/** Several reasons as one text. */
export function together(reasons: readonly string[]): string {
  const different = [...new Set(reasons)];
  return different.length === 1 ? (different[0] as string) : `[${different.join(', ')}]`;
}
