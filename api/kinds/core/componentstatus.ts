/** ComponentStatuses: read-only, and of another time. */
import type { ComponentStatus } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { NAME, text } from '../shared/columns.ts';

const healthy = (object: ComponentStatus): { status: string; message?: string; error?: string } | undefined =>
  object.conditions?.find((condition) => condition.type === 'Healthy');

export const componentstatus = rulesFor<ComponentStatus>({
  versions: { v1: { deprecated: { warning: 'v1 ComponentStatus is deprecated in v1.19+' } } },
  columns: [
    NAME,
    text('Status', (object) => {
      const condition = healthy(object);
      if (!condition) return 'Unknown';
      return condition.status === 'True' ? 'Healthy' : 'Unhealthy';
    }),
    text('Message', (object) => healthy(object)?.message ?? ''),
    text('Error', (object) => healthy(object)?.error ?? ''),
  ],
});
