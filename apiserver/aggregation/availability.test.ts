/** Availability: what is said of a Service before its API is asked. */
import { endpointslices, services } from '../../api/resources.ts';
import { systemClock } from '../../std/clock.ts';
import { seededRandom } from '../../std/random.ts';
import { FakeReader } from '../auth/fake-reader.ts';
import { checkAvailability } from './availability.ts';
import { Remote } from './remote.ts';
import { resolveEndpoint } from './service-address.ts';

const random = seededRandom(1);
const service = (spec: object): object => ({ metadata: { name: 's', namespace: 'n' }, spec: { type: 'ClusterIP', clusterIP: '10.0.0.1', ports: [{ name: 'https', port: 443 }], ...spec } });
const slice = (more: object, name = 'a'): object => ({
  metadata: { name, namespace: 'n', labels: { 'kubernetes.io/service-name': 's' } }, addressType: 'IPv4', ports: [{ name: 'https', port: 8443 }], endpoints: [{ addresses: ['10.1.0.1'] }], ...more,
});

test.each<[string, object[], object[], string, string]>([
  ['no Service', [], [], 'ServiceNotFound', 'service/s in "n" is not present'],
  ['another port', [service({ ports: [{ port: 80 }] })], [], 'ServicePortError', 'service/s in "n" is not listening on port 443'],
  ['no slices', [service({})], [], 'EndpointsNotFound', 'cannot find endpointslices for service/s in "n"'],
  ['no address', [service({})], [slice({ endpoints: [] })], 'MissingEndpoints', 'endpointslices for service/s in "n" have no addresses with port name "https"'],
  ['none that is ready', [service({})], [slice({ endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: false } }] })], 'MissingEndpoints', 'endpointslices for service/s in "n" have no addresses with port name "https"'],
  ['another port name', [service({})], [slice({ ports: [{ name: 'http', port: 80 }] })], 'MissingEndpoints', 'endpointslices for service/s in "n" have no addresses with port name "https"'],
])('%s', async (_what, allServices, slices, reason, message) => {
  const reader = new FakeReader().set(services, ...(allServices as never[])).set(endpointslices, ...(slices as never[]));
  const apiService = { metadata: { name: 'v1.x.io' }, spec: { group: 'x.io', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1, service: { name: 's', namespace: 'n', port: 443 } } };
  const remote = new Remote(apiService as never, { reader, random, pki: { frontProxyClient: { certPem: '', keyPem: '' } } });
  expect(await checkAvailability(remote, reader, systemClock)).toEqual({ status: 'False', reason, message });
});

test('an endpoint is ready, of the named port, and of the Service\'s first family where there is one', () => {
  const six = slice({ addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }] }, 'b');
  const at = (spec: object, ...slices: object[]): unknown => resolveEndpoint(new FakeReader().set(services, service(spec) as never).set(endpointslices, ...(slices as never[])), random, { namespace: 'n', name: 's', port: 443 });
  expect(at({ ipFamilies: ['IPv4', 'IPv6'] }, six, slice({}))).toEqual({ host: '10.1.0.1', port: 8443 });
  expect(at({ ipFamilies: ['IPv4'] }, six)).toEqual({ host: 'fd00::1', port: 8443 });
  expect(at({ type: 'ExternalName', externalName: 'x.io' })).toEqual({ host: 'x.io', port: 443 });
  expect(() => at({})).toThrow('no endpoints available for service "s"');
  expect(() => at({ ports: [{ port: 80 }] })).toThrow('no service port 443 found for service "s"');
});
