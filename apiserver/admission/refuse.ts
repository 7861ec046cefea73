/** How a plugin says no: 403, named after what the request is about. */
import type { ApiError } from '../../api/status.ts';
import { forbidden } from '../../api/status.ts';
import type { AdmissionRequest } from './admission.ts';

export function refused(request: AdmissionRequest, why: string): ApiError {
  const { group, plural } = request.kind;
  const name = request.name || request.object?.metadata?.name || request.object?.metadata?.generateName || 'Unknown';
  return forbidden({ group, resource: plural, name }, why);
}

/** Whether a request is about a resource (`pods`, `apps/deployments`) and one of these subresources; '' is the resource itself. */
export function isAbout(request: AdmissionRequest, resource: string, ...subresources: readonly string[]): boolean {
  const { group, plural } = request.kind;
  const slash = resource.indexOf('/');
  const same = slash < 0 ? group === '' && plural === resource : group === resource.slice(0, slash) && plural === resource.slice(slash + 1);
  return same && (subresources.length === 0 ? request.subresource === '' : subresources.includes(request.subresource));
}

/** Several reasons as one text. */
export function together(reasons: readonly string[]): string {
  const different = [...new Set(reasons)];
  return different.length === 1 ? (different[0] as string) : `[${different.join(', ')}]`;
}
