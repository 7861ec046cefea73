/** The files of a pod on the node: volumes, logs, hosts file, termination messages. A simulated node has none. */
import { chmod, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PodFacts } from './environment/field-ref.ts';
import { hostsFile, podHostname } from './hosts-file.ts';
import { type PodObject, type Spec, isHostNetwork } from './pod.ts';
import type { Mount } from './runtime/model.ts';
import type { Volumes } from './volumes/volumes.ts';

export interface PodFiles {
  /** Where the runtime writes the logs of the pod's containers. */
  logDirectory(pod: { readonly namespace: string; readonly name: string; readonly uid: string }): string;
  /** Makes the volumes and keeps them current. */
  prepare(pod: PodObject, facts: PodFacts): Promise<void>;
  mounts(request: MountRequest): Promise<ContainerFiles>;
  /** Where the volumes of a pod are, by their names. */
  volumePaths(uid: string): ReadonlyMap<string, string>;
  /** What a container that is no more has left: its logs and its last message. */
  removeRun(run: { readonly pod: PodObject; readonly container: string; readonly restartCount: number }): Promise<void>;
  /** Volumes are taken away; logs are kept as long as the pod is. */
  removeVolumes(uid: string): Promise<void>;
  remove(pod: { readonly namespace: string; readonly name: string; readonly uid: string }): Promise<void>;
  /** Takes away what belongs to no pod among these. */
  removeOrphans(uids: ReadonlySet<string>): Promise<void>;
}

export interface MountRequest {
  readonly pod: PodObject;
  readonly spec: Spec;
  readonly restartCount: number;
  readonly facts: PodFacts;
  readonly environment: ReadonlyMap<string, string>;
}

export interface ContainerFiles {
  readonly mounts: readonly Mount[];
  readonly terminationMessageFile?: string;
}

export interface PodFilesOptions {
  readonly directory: string;
  readonly volumes: Volumes;
  readonly clusterDomain: string;
}

const NO_PATHS: ReadonlyMap<string, string> = new Map();

export const NO_FILES: PodFiles = {
  logDirectory: () => '',
  volumePaths: () => NO_PATHS,
  prepare: () => Promise.resolve(),
  mounts: () => Promise.resolve({ mounts: [] }),
  removeRun: () => Promise.resolve(),
  removeVolumes: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  removeOrphans: () => Promise.resolve(),
};

export function openPodFiles({ directory, volumes, clusterDomain }: PodFilesOptions): PodFiles {
  const podDirectory = (uid: string): string => join(directory, 'pods', uid);
  const logs = join(directory, 'logs');
  const logDirectory: PodFiles['logDirectory'] = ({ namespace, name, uid }) => join(logs, `${namespace}_${name}_${uid}`);
  return {
    logDirectory,
    volumePaths: (uid) => volumes.paths(uid),
    async prepare(pod, facts) {
      const { namespace, name, uid } = pod.metadata;
      await mkdir(podDirectory(uid), { recursive: true, mode: 0o750 });
      await mkdir(logDirectory({ namespace, name, uid }), { recursive: true });
      await volumes.prepare(pod, facts);
    },
    async mounts({ pod, spec, restartCount, facts, environment }) {
      const { uid } = pod.metadata;
      const mounts = await volumes.mounts(pod, spec, environment);
      const has = (path: string): boolean => mounts.some(({ containerPath }) => containerPath === path);
      if (!has('/etc/hosts')) {
        const path = join(podDirectory(uid), 'etc-hosts');
        const hostFile = isHostNetwork(pod) ? await readFile('/etc/hosts', 'utf8').catch(() => '') : undefined;
        await writeFile(path, hostsFile({ pod, ips: facts.podIps, hostname: podHostname(pod, clusterDomain), clusterDomain, ...(hostFile !== undefined && { hostFile }) }));
        mounts.push({ hostPath: path, containerPath: '/etc/hosts', readOnly: false });
      }
      const directory = join(podDirectory(uid), 'containers', spec.name);
      const terminationMessageFile = join(directory, String(restartCount));
      await mkdir(directory, { recursive: true });
      await writeFile(terminationMessageFile, '');
      // Whoever the container runs as may leave a message, whatever the umask of this process.
      await chmod(terminationMessageFile, 0o666);
      const containerPath = spec.terminationMessagePath || '/dev/termination-log';
      if (has(containerPath)) return { mounts };
      return { mounts: [...mounts, { hostPath: terminationMessageFile, containerPath, readOnly: false }], terminationMessageFile };
    },
    async removeRun({ pod, container, restartCount }) {
      const directory = join(logDirectory(pod.metadata), container);
      const own = `${restartCount}.log`;
      const names = await readdir(directory).catch(() => []);
      // Rotated pieces have the time after the name.
      for (const name of names.filter((name) => name === own || name.startsWith(`${own}.`))) await rm(join(directory, name), { force: true });
      await rm(join(podDirectory(pod.metadata.uid), 'containers', container, String(restartCount)), { force: true });
    },
    removeVolumes: (uid) => volumes.remove(uid),
    async remove(pod) {
      await volumes.remove(pod.uid);
      await rm(logDirectory(pod), { recursive: true, force: true });
    },
    async removeOrphans(uids) {
      for (const uid of await volumes.present()) if (!uids.has(uid)) await volumes.remove(uid);
      for (const entry of await readdir(logs).catch(() => [])) {
        const uid = entry.split('_').at(-1) ?? '';
        if (!uids.has(uid)) await rm(join(logs, entry), { recursive: true, force: true });
      }
    },
  };
}
