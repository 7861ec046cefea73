/** What runs containers: our own containerd, kept alive, or a CRI runtime that is there already. */
import { join } from 'node:path';
import type { Containerd } from '../kubelet/runtime/containerd.ts';
import type { Runtime } from '../kubelet/runtime/runtime.ts';
import { type Clock, every } from '../std/clock.ts';
import type { Log } from './log.ts';
import type { Stopper } from './stopper.ts';

export interface OpenedRuntime {
  readonly runtime: Runtime;
  /** Sets the pod network up; absent where the runtime has one of its own. */
  readonly network?: (podCidrs: readonly string[]) => Promise<void>;
}

export interface OpenContainersOptions {
  readonly dataDir: string;
  readonly criSocket: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly stopper: Stopper;
}

/** How often it is looked whether containerd still lives. */
const WATCH_MS = 2_000;

export async function openContainers({ dataDir, criSocket, clock, log, stopper }: OpenContainersOptions): Promise<OpenedRuntime> {
  const { openCri } = await import('../kubelet/runtime/cri.ts');
  if (criSocket) {
    const runtime = await openCri({ socket: criSocket, clock });
    stopper.add('runtime', () => runtime.close());
    return { runtime };
  }
  const [{ startContainerd }, images, { writeCniConfig }] = await Promise.all([
    import('../kubelet/runtime/containerd.ts'),
    import('../kubelet/runtime/sandbox-image.ts'),
    import('../kubelet/cni.ts'),
  ]);
  const start = (): Promise<Containerd> => startContainerd({ directory: join(dataDir, 'containerd'), clock, log, plainRegistries: plainRegistries() });
  let containerd = await start();
  const runtime = await openCri({ socket: containerd.socket, clock });
  const importing = { socket: containerd.socket, snapshotter: containerd.snapshotter, runtime, clock };
  await images.ensureSandboxImage(importing);
  await images.importBusybox(importing);

  // Containers live on without containerd, but none can be started: it is started again, on the same socket.
  let stopping = false;
  const guard = every(clock, WATCH_MS, async () => {
    const alive = await runtime.version().then(() => true, () => false);
    if (!alive && !stopping) {
      log.error({}, 'containerd does not answer; starting it again');
      containerd = await start();
    }
  }, (error) => log.error({ error: String(error) }, 'containerd cannot be started'));
  stopper.add('runtime', async () => {
    stopping = true;
    guard.cancel();
    await runtime.close();
    await containerd.stop();
  });
  const { cniConfDir } = containerd;
  return { runtime, network: (podCidrs) => writeCniConfig(cniConfDir, { directory: join(dataDir, 'cni'), podCidrs }) };
}

/** Registries that speak plain HTTP, `host:port` by commas: for registries on one's own machine. */
function plainRegistries(): string[] {
  return (process.env.CORACLE_PLAIN_REGISTRIES ?? '').split(',').map((host) => host.trim()).filter(Boolean);
}
