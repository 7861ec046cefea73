/** The rules for what a pod's status tells of resource claims. Provenance: pkg/apis/core/validation of v1.36. */
import { type FieldError, Path, duplicate, invalid, required } from '../../field-error.ts';
import type { Pod } from '../../types/core.v1.ts';
import { dnsSubdomain } from '../shared/formats.ts';
import { isDnsLabel } from '../shared/text-rules.ts';

const STATUS = Path.of('status');
const CONTAINERS = 'spec.initContainers.name or spec.containers.name';
const REQUESTS = 'spec.initContainers.resources.requests or spec.containers.resources.requests';

export function checkClaimStatuses(pod: Pod): FieldError[] {
  return [...checkStatuses(pod), ...checkExtended(pod)];
}

function checkStatuses({ spec, status }: Pod): FieldError[] {
  const seen = new Set<string>();
  return (status?.resourceClaimStatuses ?? []).flatMap(({ name, resourceClaimName }, at) => {
    const path = STATUS.child('resourceClaimStatuses').index(at);
    const errors = (spec.resourceClaims ?? []).some((claim) => claim.name === name) ? [] : [invalid(path.child('name'), name, 'must match the name of an entry in `spec.resourceClaims`')];
    if (seen.has(name)) errors.push(duplicate(path.child('name'), name));
    seen.add(name);
    return [...errors, ...(resourceClaimName === undefined ? [] : checkClaimName(resourceClaimName, path))];
  });
}

function checkClaimName(name: string, path: Path): FieldError[] {
  return dnsSubdomain(name).map((why) => invalid(path.child('resourceClaimName'), name, why));
}

/** The claim that stands in for extended resources. */
function checkExtended({ spec, status }: Pod): FieldError[] {
  const claim = status?.extendedResourceClaimStatus;
  if (!claim) return [];
  const path = STATUS.child('extendedResourceClaimStatus');
  const mappings = claim.requestMappings ?? [];
  const containers = new Map([...(spec.initContainers ?? []), ...spec.containers].map((container) => [container.name, container]));
  const seen = new Set<string>();
  const errors = mappings.length > 0 ? [] : [required(path.child('requestMappings'), 'at least one request mapping is required')];
  for (const [at, { containerName = '', resourceName = '', requestName = '' }] of mappings.entries()) {
    const here = path.child('requestMappings').index(at);
    const container = containers.get(containerName);
    if (!container) errors.push(invalid(here.child('containerName'), containerName, `must match the name of an entry in ${CONTAINERS}`));
    else if (container.resources?.requests?.[resourceName] === undefined) errors.push(invalid(here.child('resourceName'), resourceName, `must match the extended resource name of an entry in ${REQUESTS}`));
    errors.push(...isDnsLabel(requestName, path.child('requestName')));
    const key = JSON.stringify([containerName, resourceName, requestName]);
    if (seen.has(key)) errors.push(duplicate(here.child('containerName'), containerName), duplicate(here.child('resourceName'), resourceName), duplicate(here.child('requestName'), requestName));
    seen.add(key);
  }
  return [...errors, ...(claim.resourceClaimName ? checkClaimName(claim.resourceClaimName, path) : [required(path.child('resourceClaimName'))])];
}
