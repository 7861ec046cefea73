/** A Scale: how many replicas an object wants and has, and what selects them. */
import type { ApiObject } from '../../api/kind.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Expected } from '../registry/expected.ts';

const SCHEMA = { type: 'io.k8s.api.autoscaling.v1.Scale' };
export const SCALE: Expected = { apiVersion: 'autoscaling/v1', kind: 'Scale', schema: SCHEMA };

export interface Replicas {
  readonly wanted: number;
  readonly present: number;
  readonly selector: string;
}

export function scaleObject({ metadata }: DeepReadonly<ApiObject>, { wanted, present, selector }: Replicas): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    kind: 'Scale', apiVersion: 'autoscaling/v1',
    metadata: {
      ...(name !== undefined && { name }), ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }), ...(creationTimestamp !== undefined && { creationTimestamp }),
    },
    spec: wanted === 0 ? {} : { replicas: wanted },
    status: { replicas: present, ...(selector !== '' && { selector }) },
  };
}
