/** EndpointSlices. */
import type { EndpointSlice } from '../../types/discovery.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, someOf, text } from '../shared/columns.ts';
import { addressWarnings } from '../shared/ip-address.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { Path } from '../../field-error.ts';
import { validateEndpointSlice, validateEndpointSliceUpdate } from './endpointslice-rules.ts';

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const CONTROLLERS = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'];

export const endpointslice = rulesFor<EndpointSlice>({
  metadataChecks: { '': 'as new' },
  defaults(object) {
    for (const port of object.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  strategy: {
    prepareForCreate: dropTopology,
    prepareForUpdate(object, old) {
      // What is dropped counts as a change, as with upstream.
      if (hasChanged(object, old)) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
      dropTopology(object);
    },
    validate: validateEndpointSlice,
    validateUpdate: validateEndpointSliceUpdate,
    movesGeneration: hasChanged,
    warnings: (object, old) => [
      ...(!old && object.addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : []),
      ...(CONTROLLERS.includes(object.metadata.labels?.[MANAGED_BY] ?? '') ? [] : badAddresses(object)),
    ],
  },
  columns: [
    NAME,
    text('AddressType', (object) => object.addressType),
    text('Ports', (object) => someOf((object.ports ?? []).map(({ name, port }) => (port === undefined ? (name ?? '*') : String(port))), '<unset>')),
    text('Endpoints', (object) => someOf((object.endpoints ?? []).flatMap(({ addresses }) => addresses ?? []), '<unset>')),
    AGE,
  ],
});

/** Where an endpoint is stands in fields of its own since v1. */
function dropTopology(object: EndpointSlice): void {
  for (const endpoint of object.endpoints ?? []) delete endpoint.deprecatedTopology;
}

function hasChanged(object: EndpointSlice, old: EndpointSlice): boolean {
  return !semanticEqual(content(object), content(old));
}

function content({ metadata, addressType, endpoints, ports }: EndpointSlice): unknown {
  return { labels: metadata.labels ?? {}, addressType, endpoints, ports };
}

function badAddresses(object: EndpointSlice): string[] {
  return (object.endpoints ?? []).flatMap(({ addresses }, at) =>
    (addresses ?? []).flatMap((address, n) => addressWarnings(Path.of('endpoints').index(at).child('addresses').index(n), address)),
  );
}
