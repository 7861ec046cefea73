import { persistentvolumeclaims, pods } from '../api/resources.ts';
import type { Pod } from '../api/types/core.v1.ts';
import { item, reconciled, type Item } from './fake-view.ts';
import { claimProtectionController } from './volume-protection.ts';

const claim = (finalizers: string[], deleting: boolean) => item(persistentvolumeclaims, { metadata: { name: 'c', finalizers, ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }) }, spec: {} });
const user = (nodeName?: string) => item(pods, { metadata: { name: 'p' }, spec: { containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }], ...(nodeName && { nodeName }) } });
const finalizers = (...items: Item[]) => reconciled(claimProtectionController, 'a/c', items).actions.map((action) => (action.do === 'update' ? (action.object as Pod).metadata.finalizers : undefined));

test('a claim in use keeps its finalizer while it is deleted; one that is not loses it', () => {
  expect(finalizers(claim([], false))).toEqual([['kubernetes.io/pvc-protection']]);
  expect(finalizers(claim(['kubernetes.io/pvc-protection'], true), user('n'))).toEqual([]);
  expect(finalizers(claim(['kubernetes.io/pvc-protection', 'x'], true), user())).toEqual([['x']]);
});
