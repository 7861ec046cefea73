import { cells, createErrors, created, defaulted, kindOf, updateErrors } from '../testing.ts';

const pod = kindOf('Pod');
const container = { name: 'main', image: 'registry.example/tool:2' };

function ready(spec: object = {}): object {
  return { spec: { containers: [container], ...spec } };
}

describe('defaults', () => {
  test('a pod of one container', () => {
    expect(defaulted(pod, { spec: { containers: [{ name: 'main', image: 'tool' }] } })['spec']).toEqual({
      containers: [
        {
          name: 'main', image: 'tool', imagePullPolicy: 'Always',
          terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File',
        },
      ],
      dnsPolicy: 'ClusterFirst', enableServiceLinks: true, restartPolicy: 'Always', schedulerName: 'default-scheduler', securityContext: {},
      terminationGracePeriodSeconds: 30,
    });
  });

  test.each([
    ['tool', 'Always'],
    ['tool:latest', 'Always'],
    ['tool:3', 'IfNotPresent'],
    ['registry.example:5000/tool', 'Always'],
  ])('image %s is pulled %s', (image, policy) => {
    const spec = defaulted(pod, { spec: { containers: [{ name: 'main', image }] } })['spec'] as { containers: { imagePullPolicy: string }[] };
    expect(spec.containers[0]?.imagePullPolicy).toBe(policy);
  });

  test('limits become requests, host ports follow the container on the host network', () => {
    const given = { ...container, ports: [{ containerPort: 80 }], resources: { limits: { cpu: '2' }, requests: { memory: '1Mi' } } };
    expect(defaulted(pod, { spec: { hostNetwork: true, containers: [given] } })['spec']).toMatchObject({
      containers: [{ ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }], resources: { requests: { cpu: '2', memory: '1Mi' } } }],
    });
  });
});

test.each([
  [{}, 'BestEffort'],
  [{ requests: { cpu: '1' } }, 'Burstable'],
  [{ limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
])('with resources %j the class is %s', (resources, qosClass) => {
  const object = created(pod, { spec: { containers: [{ ...container, resources }] }, status: { phase: 'Running' } });
  expect(object['status']).toEqual({ phase: 'Pending', qosClass });
});

describe('what is refused', () => {
  test.each<[string, object, string[]]>([
    ['nothing', ready(), []],
    ['no containers', { spec: { containers: [] } }, ['spec.containers: Required value']],
    ['no pod at all', {}, ['spec.containers: Required value']],
    ['a restart policy', ready({ restartPolicy: 'Maybe' }), ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"']],
    ['a name twice', { spec: { containers: [container, container] } }, ['spec.containers[1].name: Duplicate value: "main"']],
    ['a mount without a volume', { spec: { containers: [{ ...container, volumeMounts: [{ name: 'v', mountPath: '/v' }] }] } }, ['spec.containers[0].volumeMounts[0].name: Not found: "v"']],
    ['a limit below its request', { spec: { containers: [{ ...container, resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }] } }, ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1']],
    ['a finalizer without a domain', { ...ready(), metadata: { finalizers: ['mine'] } }, ['metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified']],
  ])('%s', (_what, object, errors) => {
    expect(createErrors(pod, object)).toEqual(errors);
  });

  test('an update may change an image', () => {
    expect(updateErrors(pod, ready(), ready({ containers: [{ ...container, image: 'registry.example/tool:3' }] }))).toEqual([]);
  });

  test('an update may not change a command', () => {
    const [error] = updateErrors(pod, ready(), { spec: { containers: [{ ...container, command: ['sh'] }] } });
    expect(error).toMatch(/^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`/);
  });
});

test('columns', () => {
  const status = { phase: 'Running', podIPs: [{ ip: '192.0.2.7' }], containerStatuses: [{ ready: true, restartCount: 2, state: { running: {} } }] };
  const shown = cells(pod, { metadata: { creationTimestamp: '2026-01-02T03:00:05Z' }, ...ready({ nodeName: 'n1' }), status });
  expect(shown).toMatchObject({ Name: 'a', Ready: '1/1', Status: 'Running', Restarts: '2', Age: '4m', IP: '192.0.2.7', Node: 'n1' });
});

test('selectable fields', () => {
  const object = defaulted(pod, { ...ready({ nodeName: 'n1' }), status: { phase: 'Failed' } });
  const fields = Object.entries(pod.selectableFields ?? {}).map(([name, read]) => [name, read(object)]);
  expect(Object.fromEntries(fields)).toMatchObject({ 'spec.nodeName': 'n1', 'status.phase': 'Failed', 'spec.hostNetwork': 'false', 'spec.restartPolicy': 'Always' });
});
