/** The rules for what a kubelet tells of containers besides their state. Provenance: pkg/apis/core/validation of v1.36. */
import { type FieldError, Path, duplicate, forbiddenField, invalid, notSupported, required, tooLong } from '../../field-error.ts';
import type { Container, ContainerStatus, Pod, ResourceHealth, ResourceStatus } from '../../types/core.v1.ts';
import { bytes, userOrGroupId } from '../shared/formats.ts';

const STATUS = Path.of('status');
const LISTS = [['containerStatuses', 'containers'], ['initContainerStatuses', 'initContainers'], ['ephemeralContainerStatuses', undefined]] as const;
const CLAIM_PREFIX = 'claim:';
const HEALTH = ['Healthy', 'Unhealthy', 'Unknown'];
const MESSAGE_LIMIT_BYTES = 1024;

export function checkContainerStatuses({ spec, status }: Pod): FieldError[] {
  const each = (check: (container: ContainerStatus, path: Path, list: 'containers' | 'initContainers' | undefined) => FieldError[]): FieldError[] =>
    LISTS.flatMap(([field, list]) => (status?.[field] ?? []).flatMap((container, at) => check(container, STATUS.child(field).index(at), list)));
  return [
    ...each((container, path) => checkUser(container, path.child('user', 'linux'), spec.os?.name ?? 'linux')),
    ...each((container, path, list) => checkAllocated(container, path.child('allocatedResourcesStatus'), list && (spec[list] ?? []))),
  ];
}

function checkUser({ user }: ContainerStatus, path: Path, os: string): FieldError[] {
  if (!user?.linux) return [];
  if (os === 'windows') return [forbiddenField(path, 'cannot be set for a windows pod')];
  if (os !== 'linux') return [];
  const { uid = 0, gid = 0, supplementalGroups = [] } = user.linux;
  const id = (value: number, at: Path): FieldError[] => userOrGroupId(value).map((why) => invalid(at, value, why));
  return [...id(uid, path.child('uid')), ...id(gid, path.child('gid')), ...supplementalGroups.flatMap((group, at) => id(group, path.child('supplementalGroups').index(at)))];
}

/** Ephemeral containers, which have no list here, have no resources. */
function checkAllocated({ name, allocatedResourcesStatus = [] }: ContainerStatus, path: Path, containers: readonly Container[] | undefined): FieldError[] {
  if (!containers) return allocatedResourcesStatus.length > 0 ? [forbiddenField(path, 'must not be specified in container status')] : [];
  const container = containers.find((one) => one.name === name);
  return allocatedResourcesStatus.flatMap((resource, at) => [
    ...(container ? checkAsked(resource, container, path.index(at).child('name')) : []),
    ...checkHealth(resource.resources ?? [], path.index(at).child('resources')),
  ]);
}

function checkAsked({ name }: ResourceStatus, { resources }: Container, path: Path): FieldError[] {
  if (!name.startsWith(CLAIM_PREFIX)) return Object.hasOwn(resources?.requests ?? {}, name) ? [] : [invalid(path, name, "must match one of the container's resource requests")];
  const claims = (resources?.claims ?? []).map((claim) => `${CLAIM_PREFIX}${claim.name}${claim.request ? `/${claim.request}` : ''}`);
  const why = "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
  return claims.includes(name) ? [] : [invalid(path, name, why)];
}

function checkHealth(resources: readonly ResourceHealth[], path: Path): FieldError[] {
  const seen = new Set<string>();
  return resources.flatMap(({ resourceID, health = '', message }, at) => {
    const here = path.index(at);
    const errors = HEALTH.includes(health) ? [] : [notSupported(here.child('health'), health, HEALTH)];
    if (message === '') errors.push(required(here.child('message'), 'must be non-empty if specified'));
    else if (message !== undefined && bytes(message) > MESSAGE_LIMIT_BYTES) errors.push(tooLong(here.child('message'), MESSAGE_LIMIT_BYTES));
    if (seen.has(resourceID)) errors.push(duplicate(here.child('resourceID'), resourceID));
    seen.add(resourceID);
    return errors;
  });
}
