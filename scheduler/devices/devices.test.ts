import type { Device, DeviceClaim, DeviceClass, ResourceClaim, ResourceClaimStatus, ResourceSlice, ResourceSliceSpec } from '../../api/types/resource.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { Decision } from '../decide.ts';
import { demandOf } from '../demand.ts';
import { cluster, decided, node, pod } from '../fixtures.ts';
import type { Snapshot } from '../snapshot.ts';

const meta = (name: string, more: object = {}): Stored<object>['metadata'] => ({ name, namespace: 'd', uid: name, resourceVersion: '1', creationTimestamp: '', ...more });
const DRIVER = 'gpu.example.com';

function slice(name: string, devices: Device[], spec: Partial<ResourceSliceSpec> = {}): Stored<ResourceSlice> {
  return { metadata: meta(name), spec: { driver: DRIVER, pool: { name, generation: 1, resourceSliceCount: 1 }, nodeName: name, devices, ...spec } } as Stored<ResourceSlice>;
}

const gpu = (name: string, model = 'a', memory = '16Gi', more: Partial<Device> = {}): Device => ({ name, attributes: { model: { string: model }, driverVersion: { version: '2.1.0' }, numa: { int: 0 } }, capacity: { memory: { value: memory } }, ...more });

function claim(name: string, devices: Partial<DeviceClaim>, status?: ResourceClaimStatus): Stored<ResourceClaim> {
  return { metadata: meta(name), spec: { devices: { requests: [], ...devices } }, ...(status && { status }) } as Stored<ResourceClaim>;
}

const wants = (more: object = {}, name = 'r'): DeviceClaim['requests'][number] => ({ name, exactly: { deviceClassName: 'gpu', ...more } });
const cel = (expression: string): { selectors: { cel: { expression: string } }[] } => ({ selectors: [{ cel: { expression } }] });
const gpuClass: Stored<DeviceClass> = { metadata: meta('gpu'), spec: { ...cel(`device.driver == '${DRIVER}'`), config: [{ opaque: { driver: DRIVER, parameters: { sharing: 'none' } } }] } } as unknown as Stored<DeviceClass>;

interface World {
  readonly slices: Stored<ResourceSlice>[];
  readonly claims: Stored<ResourceClaim>[];
}

function world({ slices, claims }: World): Snapshot {
  const snapshot = cluster(node('n1'), node('n2'));
  for (const one of slices) snapshot.devices.setSlice(one);
  for (const one of claims) snapshot.devices.setClaim(one);
  snapshot.devices.setClass(gpuClass);
  return snapshot;
}

const using = (...claims: string[]): object => ({ resourceClaims: claims.map((name) => ({ name, resourceClaimName: name })) });
const devicesOf = (decision: Decision | undefined): string =>
  decision && 'node' in decision ? `${decision.node}: ${(decision.devices?.claims ?? []).flatMap(({ allocation }) => allocation?.devices?.results ?? []).map(({ request, device }) => `${request}=${device}`).join(' ')}` : (/available: (.*?)\. (?:no new claims|still not)/.exec(decision?.unschedulable.message ?? '')?.[1] ?? decision?.unschedulable.message ?? '');

const one = [slice('n1', [gpu('g0'), gpu('g1', 'b', '80Gi')])];

describe('a pod gets devices', () => {
  const rows: [string, World, string][] = [
    ['where they are', { slices: one, claims: [claim('c', { requests: [wants()] })] }, 'n1: r=g0'],
    ['by an attribute', { slices: one, claims: [claim('c', { requests: [wants(cel(`device.attributes['${DRIVER}'].model == 'b'`))] })] }, 'n1: r=g1'],
    ['by a capacity', { slices: one, claims: [claim('c', { requests: [wants(cel(`device.capacity['${DRIVER}'].memory.compareTo(quantity('40Gi')) >= 0`))] })] }, 'n1: r=g1'],
    ['by a version', { slices: one, claims: [claim('c', { requests: [wants(cel(`device.attributes['${DRIVER}'].driverVersion.isGreaterThan(semver('2.0.0'))`))] })] }, 'n1: r=g0'],
    ['by a domain that is named once', { slices: one, claims: [claim('c', { requests: [wants(cel(`cel.bind(d, device.attributes['${DRIVER}'], d.model == 'b')`))] })] }, 'n1: r=g1'],
    ['whatever other domains say', { slices: one, claims: [claim('c', { requests: [wants(cel(`!('x' in device.attributes['other.example.com'])`))] })] }, 'n1: r=g0'],
    ['several of them', { slices: one, claims: [claim('c', { requests: [wants({ count: 2 })] })] }, 'n1: r=g0 r=g1'],
    ['all of them', { slices: one, claims: [claim('c', { requests: [wants({ allocationMode: 'All' })] })] }, 'n1: r=g0 r=g1'],
    ['not more than there are', { slices: one, claims: [claim('c', { requests: [wants({ count: 3 })] })] }, '2 cannot allocate all claims'],
    ['for two requests, going back where the first choice was wrong', { slices: one, claims: [claim('c', { requests: [wants(), wants(cel(`device.attributes['${DRIVER}'].model == 'a'`), 's')] })] }, 'n1: r=g1 s=g0'],
    ['that are alike', { slices: [slice('n1', [gpu('g0', 'a'), gpu('g1', 'b'), gpu('g2', 'b')])], claims: [claim('c', { requests: [wants({ count: 2 })], constraints: [{ matchAttribute: `${DRIVER}/model` }] })] }, 'n1: r=g1 r=g2'],
    ['that differ', { slices: [slice('n1', [gpu('g0', 'a'), gpu('g1', 'a'), gpu('g2', 'b')])], claims: [claim('c', { requests: [wants({ count: 2 })], constraints: [{ distinctAttribute: `${DRIVER}/model` }] })] }, 'n1: r=g0 r=g2'],
    ['the first that is to be had', { slices: one, claims: [claim('c', { requests: [{ name: 'r', firstAvailable: [{ name: 'big', deviceClassName: 'gpu', count: 4 }, { name: 'small', deviceClassName: 'gpu' }] }] })] }, 'n1: r/small=g0'],
    ['that nobody has', { slices: one, claims: [claim('c', { requests: [wants()] }), claim('other', {}, { allocation: { devices: { results: [{ request: 'x', driver: DRIVER, pool: 'n1', device: 'g0' }] } } })] }, 'n1: r=g1'],
    ['that somebody has, as an administrator', { slices: [slice('n1', [gpu('g0')])], claims: [claim('c', { requests: [wants({ adminAccess: true })] }), claim('other', {}, { allocation: { devices: { results: [{ request: 'x', driver: DRIVER, pool: 'n1', device: 'g0' }] } } })] }, 'n1: r=g0'],
    ['without taints', { slices: [slice('n1', [gpu('g0', 'a', '1Gi', { taints: [{ key: 'broken', effect: 'NoSchedule' }] }), gpu('g1')])], claims: [claim('c', { requests: [wants()] })] }, 'n1: r=g1'],
    ['with taints that it tolerates', { slices: [slice('n1', [gpu('g0', 'a', '1Gi', { taints: [{ key: 'broken', effect: 'NoSchedule' }] })])], claims: [claim('c', { requests: [wants({ tolerations: [{ key: 'broken', operator: 'Exists' }] })] })] }, 'n1: r=g0'],
    ['of the newest generation only', { slices: [slice('n1', [gpu('g0')]), slice('n1b', [gpu('g9')], { nodeName: 'n1', pool: { name: 'n1', generation: 2, resourceSliceCount: 1 } })], claims: [claim('c', { requests: [wants()] })] }, 'n1: r=g9'],
    ['of complete pools only', { slices: [slice('n1', [gpu('g0')], { pool: { name: 'n1', generation: 1, resourceSliceCount: 2 } })], claims: [claim('c', { requests: [wants()] })] }, '2 cannot allocate all claims'],
    [
      'as far as shared counters go',
      {
        slices: [
          slice('counters', [], { pool: { name: 'p', generation: 1, resourceSliceCount: 2 }, sharedCounters: [{ name: 'set', counters: { memory: { value: '10Gi' } } }] }),
          slice('n1', ['g0', 'g1'].map((name) => gpu(name, 'a', '1Gi', { consumesCounters: [{ counterSet: 'set', counters: { memory: { value: '6Gi' } } }] })), { pool: { name: 'p', generation: 1, resourceSliceCount: 2 } }),
        ],
        claims: [claim('c', { requests: [wants({ count: 2 })] })],
      },
      '2 cannot allocate all claims',
    ],
    ['where its claim has them already', { slices: one, claims: [claim('c', { requests: [wants()] }, { allocation: { nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }] } } })] }, 'n2: '],
    ['of classes that exist', { slices: one, claims: [claim('c', { requests: [wants({ deviceClassName: 'fpga' })] })] }, 'request r: device class fpga does not exist'],
    ['unless expressions fail', { slices: one, claims: [claim('c', { requests: [wants(cel(`device.attributes['${DRIVER}'].colour == 'red'`))] })] }, 'running "DynamicResources" filter plugin: claim d/c: selector #0: CEL runtime error: no such key: colour'],
  ];
  test.each(rows)('%s', (_, setting, expected) => {
    const [decision] = decided(world(setting), pod(using('c')));
    expect(devicesOf(decision)).toBe(expected);
  });
});

describe('devices that several claims share', () => {
  const shared = (name: string, more: Partial<Device> = {}): Device => gpu(name, 'a', '16Gi', { allowMultipleAllocations: true, ...more });
  const capacity = (memory: string): object => ({ capacity: { requests: { memory } } });
  const held = (memory: string): Stored<ResourceClaim> => claim('other', {}, { allocation: { devices: { results: [{ request: 'x', driver: DRIVER, pool: 'n1', device: 'g0', shareID: 's', consumedCapacity: { memory } }] } } });
  const rows: [string, Device[], Stored<ResourceClaim>[], string][] = [
    ['are given beside others', [shared('g0')], [held('8Gi'), claim('c', { requests: [wants(capacity('8Gi'))] })], 'n1: r=g0'],
    ['are full', [shared('g0')], [held('9Gi'), claim('c', { requests: [wants(capacity('8Gi'))] })], '2 cannot allocate all claims'],
    ['are given to several requests', [shared('g0')], [claim('c', { requests: [wants(capacity('8Gi')), wants(capacity('8Gi'), 's')] })], 'n1: r=g0 s=g0'],
    ['are given to one request once', [shared('g0'), shared('g1')], [claim('c', { requests: [wants({ count: 2, ...capacity('1Gi') })] })], 'n1: r=g0 r=g1'],
    ['are left out of all where they are full', [shared('g0'), shared('g1')], [held('9Gi'), claim('c', { requests: [wants({ allocationMode: 'All', ...capacity('8Gi') })] })], 'n1: r=g1'],
    ['are found by what they are', [gpu('g0'), shared('g1')], [claim('c', { requests: [wants(cel('device.allowMultipleAllocations'))] })], 'n1: r=g1'],
    ['of no sharing are chosen by what they have', [gpu('g0', 'a', '4Gi'), gpu('g1')], [claim('c', { requests: [wants(capacity('8Gi'))] })], 'n1: r=g1'],
  ];
  test.each(rows)('%s', (_, devices, claims, expected) => expect(devicesOf(decided(world({ slices: [slice('n1', devices)], claims }), pod(using('c')))[0])).toBe(expected));

  test('say who has how much', () => {
    const [decision] = decided(world({ slices: [slice('n1', [shared('g0')])], claims: [claim('c', { requests: [wants(capacity('3Gi'))] })] }), pod(using('c')));
    expect(decision && 'node' in decision && decision.devices?.claims[0]?.allocation?.devices?.results?.[0]).toMatchObject({ device: 'g0', consumedCapacity: { memory: '3Gi' }, shareID: '' });
  });

  test('are there again when an allocation goes', () => {
    const snapshot = world({ slices: [slice('n1', [shared('g0')])], claims: [held('16Gi'), claim('c', { requests: [wants(capacity('16Gi'))] })] });
    expect(devicesOf(decided(snapshot, pod(using('c')))[0])).toBe('2 cannot allocate all claims');
    snapshot.devices.setClaim(claim('other', {}));
    expect(devicesOf(decided(snapshot, pod(using('c')))[0])).toBe('n1: r=g0');
  });
});

describe('devices that are to be prepared', () => {
  const slow = gpu('g0', 'a', '16Gi', { bindingConditions: ['ready'], bindingFailureConditions: ['broken'] });
  const user = pod(using('c'));
  const given = (type: string): ResourceClaimStatus =>
    ({
      allocation: { devices: { results: [{ request: 'r', driver: DRIVER, pool: 'n1', device: 'g0', bindingConditions: ['ready'], bindingFailureConditions: ['broken'] }] } },
      reservedFor: [{ resource: 'pods', name: 'p', uid: user.metadata.uid }],
      devices: [{ driver: DRIVER, pool: 'n1', device: 'g0', conditions: [{ type, status: 'True', reason: 'R', message: 'm', lastTransitionTime: '' }] }],
    }) as unknown as ResourceClaimStatus;

  test('come after others, and the allocation says what for', () => {
    const slices = [slice('n1', [slow]), slice('x', [gpu('g1')], { nodeName: 'n1' })];
    const two = [claim('c', { requests: [wants()] }), claim('d', { requests: [wants()] })];
    const [decision] = decided(world({ slices, claims: two }), pod(using('c', 'd')));
    expect(devicesOf(decision)).toBe('n1: r=g1 r=g0');
    expect(decision && 'node' in decision && decision.devices?.claims[1]?.allocation?.devices?.results?.[0]).toMatchObject({ bindingConditions: ['ready'], bindingFailureConditions: ['broken'] });
  });

  test('are given up when they fail', () => {
    const [decision] = decided(world({ slices: [slice('n1', [slow])], claims: [claim('c', { requests: [wants()] }, given('broken'))] }), user);
    expect(decision).toMatchObject({ unschedulable: { useless: { metadata: { name: 'c' } } } });
  });

  test('are waited for on where they are', () => {
    const [decision] = decided(world({ slices: [slice('n1', [slow])], claims: [claim('c', { requests: [wants()] }, given('ready'))] }), user);
    expect(decision).toMatchObject({ devices: { claims: [{ allocation: undefined }] } });
  });
});

test('a device is given once, also before the watch says so, and again when the binding failed', () => {
  const snapshot = world({ slices: [slice('n1', [gpu('g0')])], claims: [claim('c', { requests: [wants()] }), claim('d', { requests: [wants()] })] });
  const [first] = decided(snapshot, pod(using('c')));
  expect(devicesOf(first)).toBe('n1: r=g0');
  expect(devicesOf(decided(snapshot, pod(using('d')))[0])).toBe('2 cannot allocate all claims');
  expect(devicesOf(decided(snapshot, pod(using('c')))[0])).toBe('resource claim d/c is in the process of being allocated');
  if (first && 'node' in first && first.devices) snapshot.devices.forget(first.devices);
  expect(devicesOf(decided(snapshot, pod(using('d')))[0])).toBe('n1: r=g0');
});

test('what is given says by which configuration and on which nodes it can be used', () => {
  const own = { opaque: { driver: DRIVER, parameters: { mode: 'x' } } };
  const [decision] = decided(world({ slices: one, claims: [claim('c', { requests: [wants()], config: [own as never, { requests: ['other'], ...own } as never] })] }), pod(using('c')));
  expect(decision && 'node' in decision && decision.devices?.claims[0]?.allocation).toEqual({
    devices: {
      results: [{ request: 'r', driver: DRIVER, pool: 'n1', device: 'g0' }],
      config: [
        { source: 'FromClass', requests: ['r'], opaque: { driver: DRIVER, parameters: { sharing: 'none' } } },
        { source: 'FromClaim', ...own },
      ],
    },
    nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }] },
  });
});

test('an allocation that is of no use to the only one who could use it is given up', () => {
  const allocation: ResourceClaimStatus['allocation'] = { nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['gone'] }] }] } };
  const [decision] = decided(world({ slices: one, claims: [claim('c', { requests: [wants()] }, { allocation } as ResourceClaimStatus)] }), pod(using('c')));
  expect(decision).toMatchObject({ unschedulable: { useless: { metadata: { name: 'c' } } } });
  expect(decision && 'unschedulable' in decision && decision.unschedulable.message).toContain('2 resourceclaim not available on the node. deallocation of ResourceClaim completed, preemption:');
});

test('pods whose claims are not there yet are not looked at', () => {
  const { devices } = world({ slices: one, claims: [claim('c', { requests: [wants()] })] });
  expect(devices.absent(pod(using('c')))).toBeUndefined();
  expect(devices.absent(pod(using('x')))).toBe('resourceclaim.resource.k8s.io "x" not found');
  expect(devices.absent(pod({ name: 'p', resourceClaims: [{ name: 'c', resourceClaimTemplateName: 't' }] }))).toBe('pod "d/p": ResourceClaim not created yet');
});

test('room that is being cleared for a pod is given up when its claim comes to its end', () => {
  const ending = { ...claim('c', { requests: [wants()] }), metadata: meta('c', { deletionTimestamp: '2025-01-01T00:00:00Z' }) } as Stored<ResourceClaim>;
  const snapshot = world({ slices: one, claims: [ending] });
  const waiting = pod({ name: 'waiting', priority: 7, status: { nominatedNodeName: 'n1' }, ...using('c') });
  snapshot.nominations.set(waiting, demandOf(waiting), 'n1');
  const [decision] = decided(snapshot, waiting);
  expect(decision).toMatchObject({ unschedulable: { message: expect.stringContaining('resourceclaim "c" is being deleted'), nominated: '' } });
  expect(snapshot.nominations.of('waiting')).toBeUndefined();
});
