import type { Service, ServiceSpec } from '../api/types/core.v1.ts';
import type { Endpoint, EndpointSlice } from '../api/types/discovery.v1.ts';
import type { Stored } from '../client/client.ts';
import { compile } from './compile.ts';

const node = { name: 'n1', zone: 'z1', podCidrs: ['10.244.0.0/16'] };
const metadata = (name: string, labels: Record<string, string> = {}) => ({ name, namespace: 'd', uid: name, resourceVersion: '1', creationTimestamp: '', labels });

function service(spec: Partial<ServiceSpec>, labels: Record<string, string> = {}): Stored<Service> {
  const base = { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1'], type: 'ClusterIP' as const, ports: [{ name: 'http', port: 80, protocol: 'TCP' as const }] };
  return { metadata: metadata('web', labels), spec: { ...base, ...spec } };
}

function slice(...endpoints: (Partial<Endpoint> & { ip: string })[]): Stored<EndpointSlice> {
  return {
    metadata: metadata('web-1', { 'kubernetes.io/service-name': 'web' }),
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: endpoints.map(({ ip, ...rest }) => ({ addresses: [ip], conditions: { ready: true }, ...rest })),
  };
}

const ips = (backends: readonly { ip: string }[]): string[] => backends.map(({ ip }) => ip);

describe('compile() sends traffic to', () => {
  const ending = { conditions: { ready: false, serving: true, terminating: true } };
  const unready = { conditions: { ready: false, serving: false } };
  const rows: [string, Stored<Service>, Stored<EndpointSlice>, string[], string[]][] = [
    ['all ready backends', service({}), slice({ ip: '10.244.0.2' }, { ip: '10.244.0.3', ...unready }, { ip: '10.244.0.1' }), ['10.244.0.1', '10.244.0.2'], ['10.244.0.1', '10.244.0.2']],
    ['ending backends when none is ready', service({}), slice({ ip: '1.1.1.1', ...ending }, { ip: '1.1.1.2', ...unready }), ['1.1.1.1'], ['1.1.1.1']],
    ['ready backends rather than ending ones', service({}), slice({ ip: '1.1.1.1', ...ending }, { ip: '1.1.1.2' }), ['1.1.1.2'], ['1.1.1.2']],
    ['backends here for internal Local', service({ internalTrafficPolicy: 'Local' }), slice({ ip: '1.1.1.1', nodeName: 'n1' }, { ip: '1.1.1.2', nodeName: 'n2' }), ['1.1.1.1'], ['1.1.1.1', '1.1.1.2']],
    ['backends here for external Local', service({ externalTrafficPolicy: 'Local' }), slice({ ip: '1.1.1.1', nodeName: 'n1' }, { ip: '1.1.1.2', nodeName: 'n2' }), ['1.1.1.1', '1.1.1.2'], ['1.1.1.1']],
    ['our zone when all have hints', service({}), slice({ ip: '1.1.1.1', hints: { forZones: [{ name: 'z1' }] } }, { ip: '1.1.1.2', hints: { forZones: [{ name: 'z2' }] } }), ['1.1.1.1'], ['1.1.1.1']],
    ['all when a hint is missing', service({}), slice({ ip: '1.1.1.1', hints: { forZones: [{ name: 'z1' }] } }, { ip: '1.1.1.2' }), ['1.1.1.1', '1.1.1.2'], ['1.1.1.1', '1.1.1.2']],
  ];
  test.each(rows)('%s', (_, one, endpoints, internal, outside) => {
    const [rule] = compile([one], [endpoints], node).ports;
    expect(ips(rule?.internal ?? [])).toEqual(internal);
    expect(ips(rule?.outside ?? [])).toEqual(outside);
    expect(rule?.internal[0]?.port).toBe(8080);
  });
});

test('compile() leaves out headless Services, names, and those of another proxy', () => {
  const others = [
    service({ clusterIP: 'None', clusterIPs: ['None'] }),
    service({ type: 'ExternalName', externalName: 'a.b' }),
    service({}, { 'service.kubernetes.io/service-proxy-name': 'other' }),
    service({}, { 'service.kubernetes.io/headless': '' }),
  ];
  expect(compile(others, [slice({ ip: '1.1.1.1' })], node).ports).toEqual([]);
});

test('compile() makes one rule per port and address family, and matches ports by name and protocol', () => {
  const dual = service({
    clusterIPs: ['10.96.1.1', 'fd00::1'],
    ports: [
      { name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
    sessionAffinity: 'ClientIP',
  });
  const { ports } = compile([dual], [slice({ ip: '1.1.1.1' })], node);
  expect(ports.map(({ id, family, nodePort, internal, affinitySeconds }) => [id, family, nodePort, internal.length, affinitySeconds])).toEqual([
    ['d/web:http/tcp/80', 'ipv4', 30080, 1, 10800],
    ['d/web:dns/udp/53', 'ipv4', undefined, 0, 10800],
    ['d/web:http/tcp/80', 'ipv6', 30080, 0, 10800],
    ['d/web:dns/udp/53', 'ipv6', undefined, 0, 10800],
  ]);
});
