/** What upstream calls the plugin that makes a volume. Pure. */
import type { Volume } from '../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';

/** Claims of this node are paths of it, whatever their PersistentVolume calls them. */
const PLUGINS = {
  emptyDir: 'empty-dir', hostPath: 'host-path', configMap: 'configmap', secret: 'secret', downwardAPI: 'downward-api', projected: 'projected', persistentVolumeClaim: 'local-volume', ephemeral: 'local-volume',
} as const;

export function pluginName(volume: DeepReadonly<Volume>): string {
  const kind = (Object.keys(PLUGINS) as (keyof typeof PLUGINS)[]).find((one) => volume[one] !== undefined);
  return `kubernetes.io/${kind ? PLUGINS[kind] : 'unknown'}`;
}
