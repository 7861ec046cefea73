import { createErrors, created, defaulted, kindOf, updateErrors } from '../testing.ts';

const service = kindOf('Service');
const port = { port: 80 };

test('defaults', () => {
  expect(defaulted(service, { spec: { ports: [port] } })['spec']).toEqual({
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], sessionAffinity: 'None', type: 'ClusterIP', internalTrafficPolicy: 'Cluster',
  });
  expect(defaulted(service, { spec: { type: 'LoadBalancer', ports: [port] } })['spec']).toMatchObject({
    allocateLoadBalancerNodePorts: true, externalTrafficPolicy: 'Cluster',
  });
});

test.each<[string, object, string[]]>([
  ['two ports need names', { ports: [port, { port: 81 }] }, ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value']],
  ['a port out of range', { ports: [{ port: 70000 }] }, ['spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive', 'spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive']],
  ['an unknown type', { type: 'Free', ports: [port] }, ['spec.type: Unsupported value: "Free": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']],
  ['a name without a name', { type: 'ExternalName' }, ['spec.externalName: Required value']],
])('%s', (_what, spec, errors) => {
  expect(createErrors(service, { spec })).toEqual(errors);
});

test('a Service that becomes a name loses its addresses', () => {
  const old = created(service, { spec: { type: 'ClusterIP', clusterIP: '10.0.0.9', clusterIPs: ['10.0.0.9'], ports: [port] } });
  const object = created(service, { spec: { ...(old['spec'] as object), type: 'ExternalName', externalName: 'db.example.org' } });
  service.strategy.prepareForUpdate?.(object, old, { now: 0, dryRun: false, subresource: '', user: '' });
  expect(object['spec']).not.toHaveProperty('clusterIP');
  expect(object['spec']).not.toHaveProperty('internalTrafficPolicy');
});

test('a cluster IP stays', () => {
  const before = { spec: { clusterIP: '10.0.0.9', clusterIPs: ['10.0.0.9'], ports: [port] } };
  const after = { spec: { clusterIP: '10.0.0.8', clusterIPs: ['10.0.0.8'], ports: [port] } };
  expect(updateErrors(service, before, after)).toContain('spec.clusterIPs[0]: Invalid value: ["10.0.0.8"]: may not change once set');
});
