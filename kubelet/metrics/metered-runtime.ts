/** A runtime whose calls are counted, under the names that upstream gives them. */
import type { Clock } from '../../std/clock.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { KubeletSeries } from './series.ts';

const OPERATIONS: Partial<Record<keyof Runtime, string>> = {
  version: 'version', status: 'status', runSandbox: 'run_podsandbox', stopSandbox: 'stop_podsandbox', removeSandbox: 'remove_podsandbox', listSandboxes: 'list_podsandbox',
  sandbox: 'podsandbox_status', sandboxDetails: 'podsandbox_status', createContainer: 'create_container', startContainer: 'start_container', stopContainer: 'stop_container',
  removeContainer: 'remove_container', listContainers: 'list_containers', container: 'container_status', containerDetails: 'container_status', updateResources: 'update_container',
  reopenLog: 'reopen_container_log', pullImage: 'pull_image', image: 'image_status', listImages: 'list_images', removeImage: 'remove_image', imageFilesystem: 'image_fs_info',
  execSync: 'exec_sync', exec: 'exec', attach: 'attach', portForward: 'port_forward', stats: 'list_container_stats',
};

type Call = (...args: unknown[]) => Promise<unknown>;

export function meteredRuntime(runtime: Runtime, series: KubeletSeries, clock: Clock): Runtime {
  const metered = (call: Call, operation: string): Call => async (...args) => {
    const since = clock.monotonic();
    const counted = (failed: boolean): void => series.runtimeOperation(operation, (clock.monotonic() - since) / 1000, failed);
    try {
      const answer = await call.apply(runtime, args);
      counted(false);
      return answer;
    } catch (error) {
      counted(true);
      throw error;
    }
  };
  const made = new Map<PropertyKey, unknown>();
  return new Proxy(runtime, {
    get(target, name) {
      let found = made.get(name);
      if (found === undefined) {
        const value: unknown = Reflect.get(target, name, target);
        const operation = OPERATIONS[name as keyof Runtime];
        found = typeof value !== 'function' ? value : operation ? metered(value as Call, operation) : value.bind(target);
        if (typeof value === 'function') made.set(name, found);
      }
      return found;
    },
  });
}
