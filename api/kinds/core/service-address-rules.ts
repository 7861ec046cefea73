/** The cluster addresses and IP families of Services, and how they may change. */
import { type FieldError, Path, duplicate, invalid, notSupported, required } from '../../field-error.ts';
import type { Service, ServiceSpec } from '../../types/core.v1.ts';
import { checkLegacyAddress, isIPv6 } from '../shared/ip-address.ts';

const ADDRESSES = Path.of('spec', 'clusterIPs');
const FAMILIES = Path.of('spec', 'ipFamilies');
const POLICY = Path.of('spec', 'ipFamilyPolicy');
const NONE = 'None';

export function isHeadless(spec: ServiceSpec | undefined): boolean {
  return spec?.clusterIPs?.length === 1 && spec.clusterIPs[0] === NONE;
}

export function checkAddresses(spec: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const addresses = spec.clusterIPs ?? [];
  const errors = [...checkPair(spec, addresses), ...checkFamilies(spec)];
  let malformed = false;
  for (const [at, address] of addresses.entries()) {
    if (at === 0 && address === NONE) {
      if (addresses.length > 1) errors.push(invalid(ADDRESSES, addresses, "'None' must be the first and only value"));
      malformed ||= addresses.length > 1;
      continue;
    }
    const wrong = checkLegacyAddress(ADDRESSES.index(at), address, old?.clusterIPs ?? []);
    malformed ||= wrong.length > 0;
    errors.push(...wrong);
  }
  if (addresses.length > 2) errors.push(invalid(ADDRESSES, addresses, 'may only hold up to 2 values'));
  return malformed ? errors : [...errors, ...checkMatch(spec, addresses)];
}

/** What was given to a Service stays with it, but for a second address. */
export function checkAddressChanges(service: Service, old: Service): FieldError[] {
  const [spec, before] = [service.spec ?? {}, old.spec ?? {}];
  if (spec.type === 'ExternalName' || before.type === 'ExternalName') return [];
  const [headless, wasHeadless] = [isHeadless(spec), isHeadless(before)];
  const errors: FieldError[] = [];
  if (!headless || !wasHeadless) errors.push(...checkAddressChange(spec, before));
  if (!headless && !wasHeadless) errors.push(...checkFamilyChange(spec, before));
  return errors;
}

function checkPair(spec: ServiceSpec, addresses: readonly string[]): FieldError[] {
  if (!spec.clusterIP) {
    return addresses.length === 0 ? [] : [invalid(ADDRESSES, addresses, 'must be empty when `clusterIP` is not specified')];
  }
  if (addresses.length === 0) return [required(ADDRESSES)];
  return addresses[0] === spec.clusterIP ? [] : [invalid(ADDRESSES, addresses, 'first value must match `clusterIP`')];
}

function checkFamilies(spec: ServiceSpec): FieldError[] {
  const families = spec.ipFamilies ?? [];
  const errors = families.flatMap((family, at) => [
    ...(family === 'IPv4' || family === 'IPv6' ? [] : [notSupported(FAMILIES.index(at), family, ['IPv4', 'IPv6'])]),
    ...(families.indexOf(family) < at ? [duplicate(FAMILIES.index(at), family)] : []),
  ]);
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
  const policy = spec.ipFamilyPolicy;
  return policy === undefined || policies.includes(policy) ? errors : [...errors, notSupported(POLICY, policy, policies)];
}

function checkMatch(spec: ServiceSpec, addresses: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  if (addresses.length > 1 && new Set(addresses.map(isIPv6)).size < 2) {
    errors.push(invalid(ADDRESSES, addresses, 'may specify no more than one IP for each IP family'));
  }
  if (isHeadless(spec)) return errors;
  for (const [at, family] of (spec.ipFamilies ?? []).entries()) {
    const address = addresses[at];
    if (address === undefined || isIPv6(address) === (family === 'IPv6')) continue;
    errors.push(invalid(ADDRESSES.index(at), address, `expected an ${family} value as indicated by \`ipFamilies[${at}]\``));
  }
  return errors;
}

const FIXED = 'may not change once set';

function checkAddressChange(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  const [now, before] = [spec.clusterIPs ?? [], old.clusterIPs ?? []];
  if (now.length === before.length) {
    return before.flatMap((address, at) => (address === now[at] ? [] : [invalid(ADDRESSES.index(at), now, FIXED)]));
  }
  const errors: FieldError[] = [];
  if (now.length === 0) errors.push(invalid(ADDRESSES.index(0), spec.clusterIPs ?? null, 'primary clusterIP can not be unset'));
  if (before.length > 0 && now.length > 0 && now[0] !== before[0]) errors.push(invalid(ADDRESSES.index(0), now, FIXED));
  if (now.length < before.length && now.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    errors.push(invalid(POLICY, spec.ipFamilyPolicy ?? null, "must be set to 'SingleStack' when releasing the secondary clusterIP"));
  }
  return errors;
}

function checkFamilyChange(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  const [now, before] = [spec.ipFamilies ?? [], old.ipFamilies ?? []];
  if (now.length === before.length) {
    return before.flatMap((family, at) => (family === now[at] ? [] : [invalid(FAMILIES.index(0), now, FIXED)]));
  }
  const errors: FieldError[] = [];
  const shrinks = now.length < before.length;
  if (shrinks && !spec.clusterIPs?.length) errors.push(invalid(FAMILIES.index(0), spec.ipFamilies ?? null, 'primary ipFamily can not be unset'));
  if (before.length > 0 && now.length > 0 && now[0] !== before[0]) errors.push(invalid(FAMILIES.index(0), spec.clusterIPs ?? null, FIXED));
  if (shrinks && now.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    errors.push(invalid(POLICY, spec.ipFamilyPolicy ?? null, "must be set to 'SingleStack' when releasing the secondary ipFamily"));
  }
  return errors;
}
