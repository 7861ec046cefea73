import { nodes } from '../api/resources.ts';
import type { Node } from '../api/types/core.v1.ts';
import type { WatchSpec } from './controller.ts';
import { item, reconciled, shown, viewOf } from './fake-view.ts';
import { nodeTtlController } from './node-ttl.ts';

const ANNOTATION = 'node.alpha.kubernetes.io/ttl';
const many = (count: number) => Array.from({ length: count }, (_, i) => item(nodes, { metadata: { name: `n${i}`, annotations: { [ANNOTATION]: '0' } }, spec: {} }));

test('the node that makes a cluster large changes what all are told, until it is clearly small again', () => {
  const controller = nodeTtlController();
  const [spec] = controller.watches as unknown as readonly WatchSpec<Node>[];
  const keys = (count: number): number => {
    const all = many(count);
    return [...(spec?.keys(all[0]?.object as never, viewOf(controller, all)) ?? [])].length;
  };
  expect([keys(100), keys(101), keys(102), keys(95), keys(89), keys(90)]).toEqual([1, 101, 1, 1, 89, 1]);
  keys(101);
  expect(shown(reconciled(controller, 'n0', many(95)).actions)).toEqual([`patch nodes n0 {"metadata":{"annotations":{"${ANNOTATION}":"15"}}}`]);
});
