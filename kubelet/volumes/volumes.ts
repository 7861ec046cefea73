/** The volumes of this node's pods: made before their containers, kept current, and taken away after them. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client, Stored } from '../../client/client.ts';
import type { ConfigMap, Secret, Volume } from '../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { PodFacts } from '../environment/field-ref.ts';
import { expand } from '../expand.ts';
import { ConfigError } from '../environment/environment.ts';
import type { PodObject, Spec } from '../pod.ts';
import type { Mount } from '../runtime/model.ts';
import { writePayload } from './atomic-write.ts';
import { prepareClaim } from './claims.ts';
import { mountsBelow, prepareEmptyDir, unmount } from './empty-dir.ts';
import { prepareHostPath } from './host-path.ts';
import { volumePayload } from './payload.ts';
import { pluginName } from './plugin-name.ts';
import { type Bind, bindSubPath } from './sub-path.ts';
import type { Tokens } from './tokens.ts';

export interface VolumesOptions {
  /** Where each pod has a directory under its uid. */
  readonly directory: string;
  readonly client: Client;
  readonly tokens: Tokens;
  readonly configMap: (namespace: string, name: string) => Stored<ConfigMap> | undefined;
  readonly secret: (namespace: string, name: string) => Stored<Secret> | undefined;
  readonly log?: { warn(fields: object, message: string): void };
  /** Default: the mount command. */
  readonly bind?: Bind;
  /** Told of each volume whose making begins, not of those that are renewed; what it returns, how that ended. */
  readonly onMount?: ((plugin: string) => (failed: boolean) => void) | undefined;
}

/** A volume that is not there yet; its message goes into an event. */
export class VolumeNotReady extends Error {
  override readonly name = 'VolumeNotReady';
}

const PAYLOAD_PLUGINS: Readonly<Record<string, string>> = { configMap: 'configmap', secret: 'secret', downwardAPI: 'downward-api', projected: 'projected' };

const NO_PATHS: ReadonlyMap<string, string> = new Map();

export class Volumes {
  readonly #options: VolumesOptions;
  /** By pod uid and volume name: the path on the host. */
  readonly #paths = new Map<string, ReadonlyMap<string, string>>();

  constructor(options: VolumesOptions) {
    this.#options = options;
  }

  /** Makes what is missing and renews what has changed; may be called again and again. */
  async prepare(pod: PodObject, facts: PodFacts): Promise<void> {
    const paths = new Map<string, string>();
    const before = this.paths(pod.metadata.uid);
    for (const volume of pod.spec.volumes ?? []) {
      const ended = before.has(volume.name) ? undefined : this.#options.onMount?.(pluginName(volume));
      try {
        paths.set(volume.name, await this.#prepareOne(pod, volume, facts));
        ended?.(false);
      } catch (error) {
        ended?.(true);
        throw new VolumeNotReady(`MountVolume.SetUp failed for volume ${JSON.stringify(volume.name)} : ${(error as Error).message}`, { cause: error });
      }
    }
    this.#paths.set(pod.metadata.uid, paths);
  }

  /** The mounts that a container asks for. */
  async mounts(pod: PodObject, spec: Spec, environment: ReadonlyMap<string, string>): Promise<Mount[]> {
    const paths = this.#paths.get(pod.metadata.uid);
    const mounts: Mount[] = [];
    for (const [at, { name, mountPath, readOnly = false, subPath, subPathExpr, mountPropagation }] of (spec.volumeMounts ?? []).entries()) {
      const base = paths?.get(name);
      if (base === undefined) throw new ConfigError(`cannot find volume ${JSON.stringify(name)} to mount into container ${JSON.stringify(spec.name)}`);
      const below = subPathExpr === undefined ? subPath : expand(subPathExpr, (variable) => environment.get(variable));
      const hostPath = below ? await this.#subPath({ pod, spec, name, base, below, at }) : base;
      const containerPath = mountPath.startsWith('/') ? mountPath : `/${mountPath}`;
      mounts.push({ hostPath, containerPath, readOnly, ...(mountPropagation && { propagation: mountPropagation as NonNullable<Mount['propagation']> }) });
    }
    return mounts;
  }

  async #subPath({ pod, spec, name, base, below, at }: { readonly pod: PodObject; readonly spec: Spec; readonly name: string; readonly base: string; readonly below: string; readonly at: number }): Promise<string> {
    if (below.startsWith('/')) throw new ConfigError(`error SubPath \`${below}\` must not be an absolute path`);
    if (below.split('/').includes('..')) throw new ConfigError(`unable to provision SubPath \`${below}\`: must not contain '..'`);
    const target = join(this.#options.directory, pod.metadata.uid, 'volume-subpaths', name, spec.name, String(at));
    return bindSubPath({ volume: base, below, target }, this.#options.bind).catch((error: unknown) => {
      // The reason tells of the host's files: not for who only sees the pod.
      this.#options.log?.warn({ pod: pod.metadata.name, namespace: pod.metadata.namespace, container: spec.name, volume: name, error: String(error) }, 'a path inside a volume cannot be mounted');
      throw new ConfigError(`failed to prepare subPath for volumeMount ${JSON.stringify(name)} of container ${JSON.stringify(spec.name)}`, { cause: error });
    });
  }

  /** Where the volumes of a pod are, as far as they were made. */
  paths(uid: string): ReadonlyMap<string, string> {
    return this.#paths.get(uid) ?? NO_PATHS;
  }

  /** Takes everything of a pod away, mounts first. */
  async remove(uid: string): Promise<void> {
    this.#paths.delete(uid);
    this.#options.tokens.forget(uid);
    const directory = join(this.#options.directory, uid);
    for (const point of await mountsBelow(directory)) await unmount(point);
    // A mount that could not be taken away must not be emptied.
    if ((await mountsBelow(directory)).length === 0) await rm(directory, { recursive: true, force: true });
  }

  /** The pods that have a directory here. */
  async present(): Promise<readonly string[]> {
    return readdir(this.#options.directory).catch(() => []);
  }

  async #prepareOne(pod: PodObject, volume: DeepReadonly<Volume>, facts: PodFacts): Promise<string> {
    const { uid, namespace } = pod.metadata;
    const gid = pod.spec.securityContext?.fsGroup;
    const own = (plugin: string): string => join(this.#options.directory, uid, 'volumes', `kubernetes.io~${plugin}`, volume.name);
    if (volume.emptyDir) {
      await prepareEmptyDir(own('empty-dir'), volume.emptyDir, gid);
      return own('empty-dir');
    }
    if (volume.hostPath) {
      await prepareHostPath(volume.hostPath.path, volume.hostPath.type);
      return volume.hostPath.path;
    }
    if (volume.persistentVolumeClaim) return prepareClaim(this.#options.client, namespace, volume.persistentVolumeClaim.claimName);
    if (volume.ephemeral) return prepareClaim(this.#options.client, namespace, `${pod.metadata.name}-${volume.name}`);
    const { tokens, configMap, secret } = this.#options;
    const payload = await volumePayload(volume, {
      pod,
      facts,
      configMap: (name) => configMap(namespace, name),
      secret: (name) => secret(namespace, name),
      token: (request) => tokens.get(pod, request),
    });
    const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
    if (!payload) throw new Error(`volumes of type ${kind} are not supported`);
    const path = own(PAYLOAD_PLUGINS[kind] ?? kind);
    await writePayload(path, payload, gid === undefined ? {} : { gid });
    return path;
  }
}
