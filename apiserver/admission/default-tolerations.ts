/** DefaultTolerationSeconds: a pod stays five minutes on a node that is not ready or out of reach, unless it says otherwise. */
import type { Pod, Toleration } from '../../api/types/core.v1.ts';
import type { AdmissionPlugin } from './admission.ts';
import { isAbout } from './refuse.ts';

const KEYS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const SECONDS = 300;

export const defaultTolerations: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: (request) => isAbout(request, 'pods') && (request.operation === 'CREATE' || request.operation === 'UPDATE'),
  mutate(request) {
    const { spec } = request.object as unknown as Pod;
    if (!spec) return;
    const own = spec.tolerations ?? [];
    let all: Toleration[] | undefined;
    for (const key of KEYS) if (!tolerates(own, key)) (all ??= [...own]).push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS });
    if (all) spec.tolerations = all;
  },
};

function tolerates(tolerations: readonly Toleration[], taint: string): boolean {
  for (const { key, effect } of tolerations) if ((!key || key === taint) && (!effect || effect === 'NoExecute')) return true;
  return false;
}
