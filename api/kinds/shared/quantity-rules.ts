/** Which amounts and which resource names objects may hold. */
import { Named, type FieldError, type Path, invalid } from '../../field-error.ts';
import { canonicalQuantity, isFractional, parseQuantity } from '../../quantity.ts';
import { qualifiedName } from './formats.ts';
import { HUGEPAGES_PREFIX, isExtendedResource, isHugePages } from './resource-list.ts';

export const NOT_NEGATIVE = 'must be greater than or equal to 0';
const NOT_POSITIVE = 'must be greater than zero';

export function notNegative(value: number | undefined, path: Path): FieldError[] {
  return (value ?? 0) < 0 ? [invalid(path, value, NOT_NEGATIVE)] : [];
}

export function positive(value: number, path: Path): FieldError[] {
  return value > 0 ? [] : [invalid(path, value, NOT_POSITIVE)];
}

export function checkAmount(name: string, text: string, path: Path): FieldError[] {
  const quantity = parseQuantity(text);
  if (!quantity) return [];
  const errors: FieldError[] = [];
  if (quantity.nano < 0n) errors.push(invalid(path, canonicalQuantity(text), NOT_NEGATIVE));
  if (isIntegerResource(name) && isFractional(quantity)) errors.push(invalid(path, canonicalQuantity(text), 'must be an integer'));
  return errors;
}

export function positiveAmount(text: string, path: Path): FieldError[] {
  const quantity = parseQuantity(text);
  return quantity && quantity.nano <= 0n ? [invalid(path, canonicalQuantity(text), NOT_POSITIVE)] : [];
}

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
const COUNTED = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const QUOTA = new Set([
  ...COMPUTE,
  ...[...COMPUTE, 'storage'].map((name) => `requests.${name}`),
  ...COMPUTE.map((name) => `limits.${name}`),
  ...COUNTED,
]);
const STANDARD = new Set([...QUOTA, 'storage']);

export function isStandardQuotaResource(name: string): boolean {
  return QUOTA.has(name) || isQuotaHugePages(name);
}

export function checkResourceName(name: string, path: Path): FieldError[] {
  const errors = qualifiedName(name).map((why) => invalid(path, name, why));
  if (errors.length > 0 || name.includes('/')) return errors;
  const known = STANDARD.has(name) || isQuotaHugePages(name);
  return known ? [] : [invalid(path, name, 'must be a standard resource type or fully qualified')];
}

export function checkQuotaResourceName(name: string, path: Path): FieldError[] {
  const errors = checkResourceName(name, path);
  if (!name.includes('/') && !isStandardQuotaResource(name)) errors.push(invalid(path, name, 'must be a standard resource for quota'));
  return errors;
}

export function checkContainerResourceName(name: string, path: Path): FieldError[] {
  const errors = checkResourceName(name, path);
  if (!name.includes('/')) {
    if (!COMPUTE.includes(name) && !isHugePages(name)) errors.push(invalid(path, new Named(name), 'must be a standard resource for containers'));
  } else if (!name.includes('kubernetes.io/') && !isWellFormedExtended(name)) {
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

/** Also as a quota's `requests.<name>` it must be a name. */
function isWellFormedExtended(name: string): boolean {
  return isExtendedResource(name) && qualifiedName(`requests.${name}`).length === 0;
}

function isIntegerResource(name: string): boolean {
  return COUNTED.includes(name) || isWellFormedExtended(name);
}

function isQuotaHugePages(name: string): boolean {
  return isHugePages(name) || name.startsWith(`requests.${HUGEPAGES_PREFIX}`);
}
