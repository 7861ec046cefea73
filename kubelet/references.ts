/** The config maps and secrets that this node's pods name, each watched by itself, as long as some pod names it. */
import { configmaps, secrets } from '../api/resources.ts';
import type { ConfigMap, Secret } from '../api/types/core.v1.ts';
import { openInformer } from '../client/informer.ts';
import type { Client, Informer, Stored } from '../client/client.ts';
import { sleep, type Clock } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import type { PodObject } from './pod.ts';

export interface References {
  /** From now on the pod's objects are kept at hand; a later call replaces what an earlier one named. */
  hold(pod: PodObject): void;
  release(uid: string): void;
  /** Resolves when all that the pod names is known, be it known to be absent; rejects when that takes too long. */
  known(uid: string): Promise<void>;
  configMap(namespace: string, name: string): Stored<ConfigMap> | undefined;
  secret(namespace: string, name: string): Stored<Secret> | undefined;
}

export interface ReferencesOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: { warn(fields: object, message: string): void };
  /** An object that these pods name has changed. */
  readonly onChange: (podUids: readonly string[]) => void;
}

/** Simulated containers need nothing: thousands of nodes would watch the same objects. */
export const NO_REFERENCES: References = { hold: () => undefined, release: () => undefined, known: () => Promise.resolve(), configMap: () => undefined, secret: () => undefined };

const KNOWN_TIMEOUT_MS = 10_000;

interface Entry {
  readonly informer: Informer<ConfigMap> | Informer<Secret>;
  readonly users: Set<string>;
}

export function openReferences({ client, clock, random, log, onChange }: ReferencesOptions): References {
  const entries = new Map<string, Entry>();
  const named = new Map<string, ReadonlySet<string>>();
  const open = (key: string): Entry => {
    const [kind, namespace = '', name = ''] = key.split('/');
    const selection = { namespace, fieldSelector: `metadata.name=${name}` };
    const tools = { clock, random, log };
    const informer: Entry['informer'] = kind === 'secret' ? openInformer(client, secrets, selection, tools) : openInformer(client, configmaps, selection, tools);
    const entry: Entry = { informer, users: new Set() };
    (informer as Informer<unknown>).subscribe(() => onChange([...entry.users]));
    return entry;
  };
  const drop = (key: string, uid: string): void => {
    const entry = entries.get(key);
    if (!entry?.users.delete(uid) || entry.users.size > 0) return;
    entry.informer.stop();
    entries.delete(key);
  };
  const find = (key: string): unknown => {
    const [, namespace = '', name = ''] = key.split('/');
    return entries.get(key)?.informer.cache.get({ namespace, name });
  };
  return {
    hold(pod) {
      const { uid } = pod.metadata;
      const wanted = new Set(podReferences(pod));
      const before = named.get(uid);
      for (const key of before ?? []) if (!wanted.has(key)) drop(key, uid);
      for (const key of wanted) {
        let entry = entries.get(key);
        if (!entry) entries.set(key, (entry = open(key)));
        entry.users.add(uid);
      }
      named.set(uid, wanted);
    },
    release(uid) {
      for (const key of named.get(uid) ?? []) drop(key, uid);
      named.delete(uid);
    },
    async known(uid) {
      const waiting = Promise.all([...(named.get(uid) ?? [])].map((key) => entries.get(key)?.informer.synced()));
      const aborted = new AbortController();
      const late = sleep(clock, KNOWN_TIMEOUT_MS, aborted.signal).then(() => {
        if (!aborted.signal.aborted) throw new Error('failed to sync configmap and secret cache: timed out waiting for the condition');
      });
      try {
        await Promise.race([waiting, late]);
      } finally {
        aborted.abort();
      }
    },
    configMap: (namespace, name) => find(`configmap/${namespace}/${name}`) as Stored<ConfigMap> | undefined,
    secret: (namespace, name) => find(`secret/${namespace}/${name}`) as Stored<Secret> | undefined,
  };
}

/** `kind/namespace/name` of each object that the pod names. */
export function podReferences(pod: PodObject): readonly string[] {
  const { namespace } = pod.metadata;
  const found = new Set<string>();
  const add = (kind: 'configmap' | 'secret', name: string | undefined): void => {
    if (name) found.add(`${kind}/${namespace}/${name}`);
  };
  for (const volume of pod.spec.volumes ?? []) {
    add('configmap', volume.configMap?.name);
    add('secret', volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      add('configmap', source.configMap?.name);
      add('secret', source.secret?.name);
    }
  }
  for (const spec of [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])]) {
    for (const { configMapRef, secretRef } of spec.envFrom ?? []) {
      add('configmap', configMapRef?.name);
      add('secret', secretRef?.name);
    }
    for (const { valueFrom } of spec.env ?? []) {
      add('configmap', valueFrom?.configMapKeyRef?.name);
      add('secret', valueFrom?.secretKeyRef?.name);
    }
  }
  for (const { name } of pod.spec.imagePullSecrets ?? []) add('secret', name);
  return [...found];
}
