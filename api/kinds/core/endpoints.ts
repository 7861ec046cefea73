/** Endpoints, the old form of EndpointSlices. */
import { type FieldError, Path, invalid, notSupported, required } from '../../field-error.ts';
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { dnsLabel, dnsSubdomain, portNumber, qualifiedName } from '../shared/formats.ts';
import { addressWarnings, checkLegacyAddress, checkNotSpecial } from '../shared/ip-address.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';

const SUBSETS = Path.of('subsets');
export const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const CONTROLLER = 'endpoint-controller';

export const endpoints = rulesFor<Endpoints>({
  metadataChecks: { '': 2 },
  storagePath: 'services/endpoints',
  versions: { v1: { deprecated: { warning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice' } } },
  defaults(object) {
    for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP';
  },
  strategy: {
    createOnUpdate: true,
    validate: (object) => checkSubsets(object.subsets ?? []),
    validateUpdate: (object, old) => (semanticEqual(object.subsets, old.subsets) ? [] : checkSubsets(object.subsets ?? [])),
    warnings: (object) => (object.metadata.labels?.[MANAGED_BY] === CONTROLLER ? [] : warningsFor(object.subsets ?? [])),
  },
  columns: [NAME, text('Endpoints', (object) => showEndpoints(object.subsets ?? [])), AGE],
});

function checkSubsets(subsets: readonly EndpointSubset[]): FieldError[] {
  return subsets.flatMap((subset, at) => {
    const path = SUBSETS.index(at);
    const ready = subset.addresses ?? [];
    const notReady = subset.notReadyAddresses ?? [];
    const ports = subset.ports ?? [];
    return [
      ...(ready.length + notReady.length === 0 ? [required(path, 'must specify `addresses` or `notReadyAddresses`')] : []),
      ...ready.flatMap((address, n) => checkAddress(address, path.child('addresses').index(n))),
      ...notReady.flatMap((address, n) => checkAddress(address, path.child('notReadyAddresses').index(n))),
      ...ports.flatMap((port, n) => checkPort(port, ports.length > 1, path.child('ports').index(n))),
    ];
  });
}

function checkAddress(address: EndpointAddress, path: Path): FieldError[] {
  const { hostname, nodeName } = address;
  return [
    ...checkLegacyAddress(path.child('ip'), address.ip),
    ...(hostname ? dnsLabel(hostname).map((why) => invalid(path.child('hostname'), hostname, why)) : []),
    ...(nodeName === undefined ? [] : dnsSubdomain(nodeName).map((why) => invalid(path.child('nodeName'), nodeName, why))),
    ...checkNotSpecial(path.child('ip'), address.ip),
  ];
}

function checkPort(port: EndpointPort, needsName: boolean, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (port.name) errors.push(...dnsLabel(port.name).map((why) => invalid(path.child('name'), port.name, why)));
  else if (needsName) errors.push(required(path.child('name')));
  errors.push(...portNumber(port.port).map((why) => invalid(path.child('port'), port.port, why)));
  if (!port.protocol) errors.push(required(path.child('protocol')));
  else if (!PROTOCOLS.includes(port.protocol)) errors.push(notSupported(path.child('protocol'), port.protocol, PROTOCOLS));
  if (port.appProtocol !== undefined) {
    errors.push(...qualifiedName(port.appProtocol).map((why) => invalid(path.child('appProtocol'), port.appProtocol, why)));
  }
  return errors;
}

function warningsFor(subsets: readonly EndpointSubset[]): string[] {
  return subsets.flatMap((subset, at) =>
    (['addresses', 'notReadyAddresses'] as const).flatMap((field) =>
      (subset[field] ?? []).flatMap(({ ip }, n) => addressWarnings(SUBSETS.index(at).child(field).index(n).child('ip'), ip)),
    ),
  );
}

const SHOWN = 3;

function showEndpoints(subsets: readonly EndpointSubset[]): string {
  if (subsets.length === 0) return '<none>';
  const all = subsets.flatMap((subset) => {
    const addresses = (subset.addresses ?? []).map(({ ip }) => ip);
    if (!subset.ports?.length) return addresses;
    return subset.ports.flatMap(({ port }) => addresses.map((ip) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)));
  });
  const shown = all.slice(0, SHOWN).join(',');
  return all.length > SHOWN ? `${shown} + ${all.length - SHOWN} more...` : shown;
}
