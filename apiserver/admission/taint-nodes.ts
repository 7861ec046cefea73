/** TaintNodesByCondition: a new node takes no pods until the node controller has seen it ready. */
import type { Node } from '../../api/types/core.v1.ts';
import type { AdmissionPlugin } from './admission.ts';
import { isAbout } from './refuse.ts';

const KEY = 'node.kubernetes.io/not-ready';

export const taintNodes: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: (request) => request.operation === 'CREATE' && isAbout(request, 'nodes'),
  mutate(request) {
    const node = request.object as unknown as Node;
    node.spec ??= {};
    const taints = node.spec.taints ?? [];
    if (!taints.some(({ key, effect }) => key === KEY && effect === 'NoSchedule')) node.spec.taints = [...taints, { key: KEY, effect: 'NoSchedule' }];
  },
};
