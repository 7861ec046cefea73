/** The rules for EndpointSlices. */
import { type FieldError, Path, duplicate, invalid, notSupported, required, tooMany } from '../../field-error.ts';
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from '../../types/discovery.v1.ts';
import { dnsLabel, dnsSubdomain, labelValue } from '../shared/formats.ts';
import { checkAddress, checkLegacyAddress, checkNotSpecial, isIPv4, isIPv6 } from '../shared/ip-address.ts';
import { immutable } from '../shared/object-meta.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { isDnsLabel, isDnsSubdomain, isQualifiedName } from '../shared/text-rules.ts';

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const ADDRESSES_LIMIT = 100;
const PORTS_LIMIT = 20000;
const ENDPOINTS_LIMIT = 1000;
const HINTS_LIMIT = 8;

export function validateEndpointSlice(slice: EndpointSlice): FieldError[] {
  return [...checkBasics(slice), ...checkEndpoints(slice)];
}

/** Endpoints that stood there before may stay. */
export function validateEndpointSliceUpdate(slice: EndpointSlice, old: EndpointSlice): FieldError[] {
  const endpoints = semanticEqual(slice.endpoints, old.endpoints) ? [] : checkEndpoints(slice);
  return [...checkBasics(slice), ...endpoints, ...immutable(slice.addressType, old.addressType, Path.of('addressType'))];
}

function checkBasics({ addressType, ports }: EndpointSlice): FieldError[] {
  const path = Path.of('addressType');
  const type: string = addressType ?? '';
  const errors = type === '' ? [required(path)] : ADDRESS_TYPES.includes(type) ? [] : [notSupported(path, type, ADDRESS_TYPES)];
  return [...errors, ...checkPorts(ports ?? [], Path.of('ports'))];
}

function checkPorts(ports: readonly EndpointPort[], path: Path): FieldError[] {
  if (ports.length > PORTS_LIMIT) return [tooMany(path, ports.length, PORTS_LIMIT)];
  const names = new Set<string>();
  return ports.flatMap(({ name = '', protocol, appProtocol }, at) => {
    const here = path.index(at);
    const errors = name ? isDnsLabel(name, here.child('name')) : [];
    if (names.has(name)) errors.push(duplicate(here.child('name'), name));
    names.add(name);
    if (protocol === undefined) errors.push(required(here.child('protocol')));
    else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(here.child('protocol'), protocol, PROTOCOLS));
    return appProtocol === undefined ? errors : [...errors, ...isQualifiedName(appProtocol, here.child('appProtocol'))];
  });
}

function checkEndpoints({ addressType, endpoints }: EndpointSlice): FieldError[] {
  const path = Path.of('endpoints');
  const count = endpoints?.length ?? 0;
  if (count > ENDPOINTS_LIMIT) return [tooMany(path, count, ENDPOINTS_LIMIT)];
  return (endpoints ?? []).flatMap((endpoint, at) => checkEndpoint(endpoint, addressType, path.index(at)));
}

function checkEndpoint(endpoint: Endpoint, type: string, path: Path): FieldError[] {
  const addresses = endpoint.addresses ?? [];
  const here = path.child('addresses');
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(here, 'must contain at least 1 address'));
  else if (addresses.length > ADDRESSES_LIMIT) errors.push(tooMany(here, addresses.length, ADDRESSES_LIMIT));
  for (const [at, address] of addresses.entries()) errors.push(...checkEndpointAddress(address, type, here, here.index(at)));
  if (endpoint.nodeName !== undefined) errors.push(...isDnsSubdomain(endpoint.nodeName, path.child('nodeName')));
  if (endpoint.hostname !== undefined) errors.push(...isDnsLabel(endpoint.hostname, path.child('hostname')));
  return endpoint.hints ? [...errors, ...checkHints(endpoint.hints, path.child('hints'))] : errors;
}

function checkEndpointAddress(address: string, type: string, list: Path, path: Path): FieldError[] {
  if (type === 'FQDN') return checkDomain(address, path);
  if (type !== 'IPv4' && type !== 'IPv6') return [];
  const wrong = type === 'IPv4' ? checkLegacyAddress(path, address) : checkAddress(path, address);
  if (wrong.length > 0) return wrong;
  const right = type === 'IPv4' ? isIPv4(address) : isIPv6(address);
  return [...(right ? [] : [invalid(list, address, `must be an ${type} address`)]), ...checkNotSpecial(path, address)];
}

function checkDomain(text: string, path: Path): FieldError[] {
  if (text === '') return [required(path)];
  const name = text.replace(/\.$/, '');
  const wrong = dnsSubdomain(name);
  if (wrong.length > 0) return [invalid(path, name, wrong.join(','))];
  const labels = name.split('.');
  if (labels.length < 2) return [invalid(path, name, 'should be a domain with at least two segments separated by dots')];
  const bad = labels.find((label) => dnsLabel(label).length > 0);
  return bad === undefined ? [] : [invalid(path, bad, dnsLabel(bad).join(','))];
}

function checkHints(hints: EndpointHints, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const [field, rule] of [['forZones', labelValue], ['forNodes', dnsSubdomain]] as const) {
    const names = (hints[field] ?? []).map(({ name }) => name);
    const here = path.child(field);
    if (names.length > HINTS_LIMIT) return [...errors, tooMany(here, names.length, HINTS_LIMIT)];
    for (const [at, name] of names.entries()) {
      const nameField = here.index(at).child('name');
      if (names.indexOf(name) < at) errors.push(duplicate(nameField, name));
      errors.push(...rule(name).map((why) => invalid(nameField, name, why)));
    }
  }
  return errors;
}
