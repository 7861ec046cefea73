import { pod } from './fixtures.ts';
import { demandOf } from './demand.ts';
import { type Hints, type HintsOf, capacityHints, claimHints, classHints, csiNodeHints, detachedHints, deviceClaimHints, deviceHints, driverHints, volumeHints } from './object-hints.ts';
import { DEFAULT_PROFILE } from './profile.ts';

const withClaim = pod({ name: 'with', volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] });
const withDriver = pod({ name: 'inline', volumes: [{ name: 'v', csi: { driver: 'd.example' } }] });
const withDevice = pod({ name: 'device', resourceClaims: [{ name: 'gpu', resourceClaimName: 'c' }] });
const withMadeDevice = pod({ name: 'made', resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 't' }], status: { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'c' }] } });
const plain = pod({ name: 'plain' });

/** `POD: FILTER, …` of all that are helped. */
function helped(hints: Hints): string[] {
  return [withClaim, withDriver, withDevice, withMadeDevice, plain].flatMap((waiting) => {
    const filters = [...hints].filter(([, hint]) => hint(demandOf(waiting), DEFAULT_PROFILE, waiting)).map(([filter]) => filter);
    return filters.length === 0 ? [] : [`${waiting.metadata.name}: ${filters.sort().join(', ')}`];
  });
}

function everybody(...filters: string[]): string[] {
  return ['with', 'inline', 'device', 'made', 'plain'].map((name) => `${name}: ${filters.join(', ')}`);
}

type Row = [string, Hints, string[]];

/** Two states of one object; only `changed` where it is new. */
function change<T>(hintsOf: HintsOf<T>, changed: object, before?: object): Hints {
  const whole = (part: object): never => ({ ...part, metadata: { name: 'c', namespace: 'd', ...(part as { metadata?: object }).metadata } }) as never;
  return hintsOf(whole(changed), before && whole(before));
}

const zone = { metadata: { labels: { 'topology.kubernetes.io/zone': 'a' } } };
const drivers = (count?: number): object => ({ spec: { drivers: [{ name: 'd.example', nodeID: 'n', ...(count !== undefined && { allocatable: { count } }) }] } });
const allocated = { status: { allocation: {} } };

test.each<Row>([
  ['a new claim', change(claimHints, {}), ['with: NodeVolumeLimits, VolumeBinding, VolumeRestrictions, VolumeZone']],
  ['a claim that changes', change(claimHints, {}, {}), ['with: VolumeBinding, VolumeZone']],
  ['a claim of another namespace', change(claimHints, { metadata: { namespace: 'far' } }), []],
  ['a new volume', change(volumeHints, {}), everybody('VolumeBinding', 'VolumeZone')],
  ['a volume that changes', change(volumeHints, zone, zone), everybody('VolumeBinding')],
  ['a volume that moves', change(volumeHints, zone, {}), everybody('VolumeBinding', 'VolumeZone')],
  ['a new class', change(classHints, {}), everybody('VolumeBinding')],
  ['a new class that waits', change(classHints, { volumeBindingMode: 'WaitForFirstConsumer' }), everybody('VolumeBinding', 'VolumeZone')],
  ['a class that is annotated', change(classHints, {}, {}), []],
  ['a class with other topologies', change(classHints, { allowedTopologies: [{}] }, {}), everybody('VolumeBinding')],
  ["a node's new driver list", change(csiNodeHints, drivers(3)), everybody('VolumeBinding')],
  ['a limit that is raised', change(csiNodeHints, drivers(3), drivers(2)), everybody('NodeVolumeLimits')],
  ['a limit that is lowered', change(csiNodeHints, drivers(1), drivers(2)), []],
  ['a driver that is new to a node', change(csiNodeHints, drivers(1), { spec: { drivers: [] } }), everybody('NodeVolumeLimits')],
  ['plugins that migrate', change(csiNodeHints, { ...drivers(), metadata: { annotations: { 'storage.alpha.kubernetes.io/migrated-plugins': 'x' } } }, drivers()), everybody('VolumeBinding')],
  ['a new driver', change(driverHints, { metadata: { name: 'd.example' }, spec: {} }), []],
  ['a driver whose capacity no longer counts', change(driverHints, { metadata: { name: 'd.example' }, spec: { storageCapacity: false } }, { spec: { storageCapacity: true } }), ['inline: VolumeBinding']],
  ['a driver whose capacity counts from now on', change(driverHints, { metadata: { name: 'd.example' }, spec: { storageCapacity: true } }, { spec: { storageCapacity: false } }), []],
  ['new capacity', change(capacityHints, {}), everybody('VolumeBinding')],
  ['more capacity', change(capacityHints, { capacity: '2Gi' }, { capacity: '1Gi' }), everybody('VolumeBinding')],
  ['less capacity', change(capacityHints, { capacity: '1Gi' }, { capacity: '2Gi' }), []],
  ['larger volumes, of less', change(capacityHints, { capacity: '1Gi', maximumVolumeSize: '1Gi' }, { capacity: '2Gi', maximumVolumeSize: '1Mi' }), everybody('VolumeBinding')],
  ['a volume taken off a node', detachedHints, ['with: NodeVolumeLimits']],
  ['a new claim of devices', change(deviceClaimHints, {}), ['device: DynamicResources', 'made: DynamicResources']],
  ['a claim of devices of another namespace', change(deviceClaimHints, { metadata: { namespace: 'far' } }), []],
  ['a claim that gives devices up', change(deviceClaimHints, { metadata: { namespace: 'far' } }, allocated), everybody('DynamicResources')],
  ['a claim that gets devices', change(deviceClaimHints, allocated, {}), ['device: DynamicResources', 'made: DynamicResources']],
  ['a claim with other labels', change(deviceClaimHints, { metadata: { labels: { a: 'b' } } }, {}), []],
  ['a slice or class of devices', change(deviceHints, {}, {}), everybody('DynamicResources')],
])('who is helped by %s', (_, hints, expected) => {
  expect(helped(hints)).toEqual(expected);
});
