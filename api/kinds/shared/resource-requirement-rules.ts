/** Requests and limits, of containers and of whole pods. */
import { type FieldError, type Path, duplicate, forbiddenField, invalid, notFoundValue, notSupported, required } from '../../field-error.ts';
import { canonicalQuantity, compareQuantities, formatQuantity, parseQuantity } from '../../quantity.ts';
import type { PodSpec, ResourceRequirements } from '../../types/core.v1.ts';
import { containersNeed } from './pod-resources.ts';
import { checkAmount, checkContainerResourceName, checkResourceName } from './quantity-rules.ts';
import { HUGEPAGES_PREFIX, amount, isHugePages, isOvercommitAllowed, isPodLevelResource } from './resource-list.ts';
import { isDnsLabel } from './text-rules.ts';

type NameRule = (name: string, path: Path) => FieldError[];

export function checkContainerResources(resources: ResourceRequirements | undefined, claims: readonly string[], path: Path): FieldError[] {
  return checkRequirements(resources ?? {}, checkContainerResourceName, claims, path);
}

/** What a pod itself requests and limits, beside its containers. */
export function checkPodResources(spec: PodSpec, claims: readonly string[], path: Path): FieldError[] {
  const resources = spec.resources;
  if (!resources) return [];
  const here = path.child('resources');
  if (spec.os?.name === 'windows') return [forbiddenField(here, 'may not be set for a windows pod')];
  const ownClaims = resources.claims ? [forbiddenField(here.child('claims'), 'claims may not be set for Resources at pod-level')] : [];
  return [...ownClaims, ...checkRequirements(resources, checkPodResourceName, claims, here), ...checkAgainstContainers(spec, resources, here)];
}

function checkPodResourceName(name: string, path: Path): FieldError[] {
  const errors = checkResourceName(name, path);
  if (errors.length > 0 || isPodLevelResource(name)) return errors;
  return [notSupported(path, name, ['cpu', HUGEPAGES_PREFIX, 'memory'])];
}

function checkRequirements(resources: ResourceRequirements, nameRule: NameRule, claims: readonly string[], path: Path): FieldError[] {
  const limits = resources.limits ?? {};
  const requests = resources.requests ?? {};
  const errors: FieldError[] = [];
  for (const [name, text] of Object.entries(limits)) {
    const here = path.child('limits').key(name);
    errors.push(...nameRule(name, here), ...checkAmount(name, text, here), ...checkHugePages(name, text, here));
  }
  for (const [name, text] of Object.entries(requests)) {
    const here = path.child('requests').key(name);
    errors.push(...nameRule(name, here), ...checkAmount(name, text, here), ...checkAgainstLimit(name, text, Object.hasOwn(limits, name) ? limits[name] : undefined, path));
    errors.push(...checkHugePages(name, text, here));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.push(forbiddenField(path, 'HugePages require cpu or memory'));
  }
  return [...errors, ...checkClaims(resources.claims ?? [], claims, path.child('claims'))];
}

function checkAgainstLimit(name: string, text: string, limit: string | undefined, path: Path): FieldError[] {
  const request = parseQuantity(text);
  if (limit === undefined) {
    return isOvercommitAllowed(name) ? [] : [required(path.child('limits'), 'Limit must be set for non overcommitable resources')];
  }
  const most = parseQuantity(limit);
  if (!request || !most) return [];
  const order = compareQuantities(request, most);
  const shown = canonicalQuantity(text);
  if (order !== 0 && !isOvercommitAllowed(name)) {
    return [invalid(path.child('requests'), shown, `must be equal to ${name} limit of ${canonicalQuantity(limit)}`)];
  }
  return order > 0 ? [invalid(path.child('requests'), shown, `must be less than or equal to ${name} limit of ${canonicalQuantity(limit)}`)] : [];
}

function checkHugePages(name: string, text: string, path: Path): FieldError[] {
  if (!isHugePages(name)) return [];
  const page = parseQuantity(name.slice(HUGEPAGES_PREFIX.length))?.nano ?? 0n;
  const value = parseQuantity(text)?.nano ?? 0n;
  if (page > 0n && value % page === 0n) return [];
  const shown = canonicalQuantity(text) ?? text;
  return [invalid(path, shown, `${shown} is not positive integer multiple of ${name}`)];
}

function checkClaims(used: readonly { name: string; request?: string }[], claims: readonly string[], path: Path): FieldError[] {
  const seen = new Set<string>();
  return used.flatMap(({ name, request }, at) => {
    const here = path.index(at);
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(here));
    else if (seen.has(name)) errors.push(duplicate(here, name));
    else {
      const key = request ? `${name}/${request}` : name;
      if (request) errors.push(...isDnsLabel(request, here.child('request')));
      if (seen.has(key)) errors.push(duplicate(here, key));
      else if (!request && [...seen].some((other) => other.startsWith(`${name}/`))) errors.push(duplicate(here, name));
      seen.add(key);
    }
    if (name !== '' && !claims.includes(name)) {
      const known = claims.length === 0 ? ' which is empty' : `: ${[...claims].sort().join(', ')}`;
      const error = notFoundValue(here, name);
      errors.push({ ...error, message: `${error.message}: must be one of the names in pod.spec.resourceClaims${known}` });
    }
    return errors;
  });
}

function checkAgainstContainers(spec: PodSpec, resources: ResourceRequirements, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const which of ['requests', 'limits'] as const) {
    for (const [name, needed] of containersNeed(spec, which)) {
      const own = resources[which]?.[name];
      if (typeof own !== 'string' || (which === 'limits' && !isHugePages(name)) || compareQuantities(needed, amount(resources[which], name)) <= 0) continue;
      const why = `must be greater than or equal to aggregate container ${which} of ${formatQuantity(needed)}`;
      errors.push(invalid(path.child(which).key(name), canonicalQuantity(own), why));
    }
  }
  for (const [at, container] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const own = resources.limits?.[name];
      if (typeof own !== 'string' || compareQuantities(amount(container.resources?.limits, name), amount(resources.limits, name)) <= 0) continue;
      const here = path.child('containers').index(at).key(name).child('limits');
      errors.push(invalid(here, canonicalQuantity(limit), `must be less than or equal to pod limits of ${canonicalQuantity(own)}`));
    }
  }
  return errors;
}
