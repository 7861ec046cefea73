import { persistentvolumeclaims, pods, volumeattributesclasses } from '../api/resources.ts';
import type { Pod } from '../api/types/core.v1.ts';
import { item, reconciled, type Item } from './fake-view.ts';
import { attributesClassProtectionController, claimProtectionController } from './volume-protection.ts';

const claim = (finalizers: string[], deleting: boolean) => item(persistentvolumeclaims, { metadata: { name: 'c', finalizers, ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }) }, spec: {} });
const user = (nodeName?: string) => item(pods, { metadata: { name: 'p' }, spec: { containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }], ...(nodeName && { nodeName }) } });
const finalizers = (...items: Item[]) => reconciled(claimProtectionController, 'a/c', items).actions.flatMap((action) => (action.do === 'update' ? [(action.object as Pod).metadata.finalizers] : []));

test('a claim in use keeps its finalizer while it is deleted; one that is not loses it', () => {
  expect(finalizers(claim([], false))).toEqual([['kubernetes.io/pvc-protection']]);
  expect(finalizers(claim(['kubernetes.io/pvc-protection'], true), user('n'))).toEqual([]);
  expect(finalizers(claim(['kubernetes.io/pvc-protection', 'x'], true), user())).toEqual([['x']]);
});

test('before a claim is let go the server itself is asked for pods that use it', () => {
  const [asked, ...rest] = reconciled(claimProtectionController, 'a/c', [claim(['kubernetes.io/pvc-protection'], true)]).actions;
  if (asked?.do !== 'confirm') throw new Error(`asks first: ${asked?.do}`);
  expect(rest.map((action) => action.do)).toEqual(['update']);
  const other = { ...user('n').object, spec: { containers: [], nodeName: 'n' } };
  expect([[], [user('n').object], [user().object], [other]].map((objects) => asked.holds(objects as never))).toEqual([true, false, true, true]);
});

test('a class of attributes stays while a claim has it or asks for it', () => {
  const gold = item(volumeattributesclasses, { metadata: { name: 'gold', namespace: '', finalizers: ['kubernetes.io/vac-protection'], deletionTimestamp: '2026-01-01T00:00:00Z' }, driverName: 'x' });
  const user = (spec: object, status: object) => item(persistentvolumeclaims, { metadata: { name: 'c' }, spec, status } as never);
  const count = (...items: Item[]) => reconciled(attributesClassProtectionController, 'gold', [gold, ...items]).actions.length;
  expect([count(), count(user({ volumeAttributesClassName: 'gold' }, {})), count(user({ volumeAttributesClassName: 'silver' }, { currentVolumeAttributesClassName: 'gold' })), count(user({}, {}))]).toEqual([1, 0, 0, 1]);
});
