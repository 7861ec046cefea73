/** PodTopologyLabels: a pod learns the zone and the region of its node, through its Binding or where it is created bound. */
import { nodes } from '../../api/resources.ts';
import type { Reader } from '../auth/reader.ts';
import type { AdmissionPlugin } from './admission.ts';
import { isAbout } from './refuse.ts';

const LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

export function podTopologyLabels(reader: Reader): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    handles: (request) => request.operation === 'CREATE' && isAbout(request, 'pods', '', 'binding'),
    mutate({ object }) {
      const target = object?.['target'] as { kind?: string; name?: string } | undefined;
      const spec = object?.['spec'] as { nodeName?: string } | undefined;
      const name = target ? (target.kind === 'Node' ? target.name : undefined) : spec?.nodeName;
      const labels = name ? reader.get(nodes, '', name)?.metadata.labels : undefined;
      if (!labels || !object) return;
      for (const key of LABELS) if (labels[key] !== undefined) (object.metadata.labels ??= {})[key] = labels[key];
    },
  };
}
