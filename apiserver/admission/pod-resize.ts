/** PodResizeValidator: a bound pod cannot grow beyond what its node has. */
import { goQuote } from '../../api/go-quote.ts';
import { compareQuantities, milliValue, parseQuantity, value, zeroQuantity } from '../../api/quantity.ts';
import { nodes } from '../../api/resources.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import { ApiError } from '../../api/status.ts';
import { deepEqual } from '../../std/deep.ts';
import type { Reader } from '../auth/reader.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { podAmounts } from '../../api/quota/pod-amounts.ts';
import { isAbout, refused } from './refuse.ts';

export function podResize(reader: Reader): AdmissionPlugin {
  return {
    name: 'PodResizeValidator',
    handles: (request) => request.operation === 'UPDATE' && isAbout(request, 'pods', 'resize'),
    validate(request) {
      const { spec } = request.object as unknown as Pod;
      if (!spec?.nodeName || deepEqual(spec, request.old?.['spec'])) return;
      const node = reader.get(nodes, '', spec.nodeName);
      if (!node) throw refused(request, `node ${goQuote(spec.nodeName)} not found`);
      const os = node.metadata.labels?.['kubernetes.io/os'];
      if (os !== undefined && os !== 'linux') {
        throw because(request, 'UnsupportedPlatform', `pod resize is only supported on linux nodes, node ${goQuote(spec.nodeName)} is ${goQuote(os)}`);
      }
      const requests = podAmounts(spec, 'requests', { overhead: true });
      const short = (['cpu', 'memory'] as const).flatMap((name) => {
        const { [name]: wanted = zeroQuantity } = requests;
        const there = parseQuantity(node.status?.allocatable?.[name] ?? '0') ?? zeroQuantity;
        const shown = name === 'cpu' ? milliValue : value;
        return compareQuantities(wanted, there) > 0 ? [`${name}, requested: ${shown(wanted)}, allocatable: ${shown(there)}`] : [];
      });
      if (short.length > 0) throw because(request, 'NodeCapacity', `node didn't have enough allocatable resources: ${short.join('; ')}`);
    },
  };
}

function because(request: AdmissionRequest, reason: string, why: string): ApiError {
  const { code, reason: status = '', message = '', details } = refused(request, why).status;
  return new ApiError({ code, reason: status, message, details: { ...details, causes: [{ reason }] } });
}
