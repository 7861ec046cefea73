/** DNS settings of a pod. */
import { type FieldError, type Path, invalid, required } from '../../field-error.ts';
import type { PodSpec } from '../../types/core.v1.ts';
import { dnsSubdomainWithUnderscore } from './formats.ts';
import { checkLegacyAddress } from './ip-address.ts';

const NAMESERVERS_LIMIT = 3;
const SEARCHES_LIMIT = 32;
const SEARCH_LIST_LIMIT_CHARACTERS = 2048;

export function checkDnsConfig(spec: PodSpec, path: Path): FieldError[] {
  const config = spec.dnsConfig;
  const nameservers = config?.nameservers ?? [];
  if (spec.dnsPolicy === 'None') {
    if (!config) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (nameservers.length === 0) return [required(path.child('nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None')];
  }
  const searches = config?.searches ?? [];
  const errors: FieldError[] = [];
  if (nameservers.length > NAMESERVERS_LIMIT) {
    errors.push(invalid(path.child('nameservers'), nameservers, `must not have more than ${NAMESERVERS_LIMIT} nameservers`));
  }
  errors.push(...nameservers.flatMap((server, at) => checkLegacyAddress(path.child('nameservers').index(at), server)));
  if (searches.length > SEARCHES_LIMIT) {
    errors.push(invalid(path.child('searches'), searches, `must not have more than ${SEARCHES_LIMIT} search paths`));
  }
  if (searches.join(' ').length > SEARCH_LIST_LIMIT_CHARACTERS) {
    const why = `must not have more than ${SEARCH_LIST_LIMIT_CHARACTERS} characters (including spaces) in the search list`;
    errors.push(invalid(path.child('searches'), searches, why));
  }
  for (const [at, search] of searches.entries()) {
    const domain = search.replace(/\.$/, '');
    if (search !== '.') errors.push(...dnsSubdomainWithUnderscore(domain).map((why) => invalid(path.child('searches').index(at), domain, why)));
  }
  for (const [at, option] of (config?.options ?? []).entries()) {
    if (!option.name) errors.push(required(path.child('options').index(at), 'must not be empty'));
  }
  return errors;
}
