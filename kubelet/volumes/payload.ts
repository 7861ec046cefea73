/** What stands in volumes that are made of objects: config maps, secrets, the pod's own fields, tokens, and projections of these. */
import type { ConfigMap, Secret, Volume } from '../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { type PodFacts, fieldValue, resourceValue } from '../environment/field-ref.ts';
import type { PodObject } from '../pod.ts';
import type { Payload, PayloadFile } from './atomic-write.ts';

export interface PayloadInput {
  readonly pod: PodObject;
  readonly facts: PodFacts;
  readonly configMap: (name: string) => DeepReadonly<ConfigMap> | undefined;
  readonly secret: (name: string) => DeepReadonly<Secret> | undefined;
  readonly token: (request: TokenRequest) => Promise<string>;
}

export interface TokenRequest {
  readonly audience: string | undefined;
  readonly expirationSeconds: number;
}

type V = DeepReadonly<Volume>;
type Item = { readonly key: string; readonly path: string; readonly mode?: number };
type Selection = { readonly items?: readonly Item[]; readonly optional?: boolean; readonly mode: number };

const DEFAULT_MODE = 0o644;
const DEFAULT_TOKEN_SECONDS = 3600;

/** Undefined where the volume is made of something else. */
export async function volumePayload(volume: V, input: PayloadInput): Promise<Payload | undefined> {
  if (volume.configMap) {
    const { name = '', items, optional, defaultMode: mode = DEFAULT_MODE } = volume.configMap;
    return configMapFiles(input, name, { mode, ...(items && { items }), ...(optional !== undefined && { optional }) });
  }
  if (volume.secret) {
    const { secretName = '', items, optional, defaultMode: mode = DEFAULT_MODE } = volume.secret;
    return secretFiles(input, secretName, { mode, ...(items && { items }), ...(optional !== undefined && { optional }) });
  }
  if (volume.downwardAPI) return downwardFiles(input, volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode ?? DEFAULT_MODE);
  if (volume.projected) {
    const all = new Map<string, PayloadFile>();
    for (const source of volume.projected.sources ?? []) {
      for (const [path, file] of await projectedFiles(input, source, volume.projected.defaultMode ?? DEFAULT_MODE)) all.set(path, file);
    }
    return all;
  }
  return undefined;
}

type Projection = NonNullable<NonNullable<V['projected']>['sources']>[number];

async function projectedFiles(input: PayloadInput, source: Projection, mode: number): Promise<Payload> {
  const selection = ({ items, optional }: { readonly items?: readonly Item[]; readonly optional?: boolean }): Selection => ({ mode, ...(items && { items }), ...(optional !== undefined && { optional }) });
  if (source.configMap) return configMapFiles(input, source.configMap.name ?? '', selection(source.configMap));
  if (source.secret) return secretFiles(input, source.secret.name ?? '', selection(source.secret));
  if (source.downwardAPI) return downwardFiles(input, source.downwardAPI.items ?? [], mode);
  if (source.serviceAccountToken) {
    const { audience, expirationSeconds = DEFAULT_TOKEN_SECONDS, path } = source.serviceAccountToken;
    const content = Buffer.from(await input.token({ audience, expirationSeconds }));
    // Only who the pod runs as may read it.
    const runsAs = input.pod.spec.securityContext?.runAsUser !== undefined || input.pod.spec.securityContext?.fsGroup !== undefined;
    return new Map([[path, { content, mode: runsAs ? mode : mode & 0o644 }]]);
  }
  throw new Error(`projected volumes from ${Object.keys(source).join(', ')} are not supported`);
}

function configMapFiles({ configMap }: PayloadInput, name: string, selection: Selection): Payload {
  const found = configMap(name);
  if (!found && !selection.optional) throw new Error(`configmap "${name}" not found`);
  const entries: [string, Buffer][] = [
    ...Object.entries(found?.data ?? {}).map(([key, text]): [string, Buffer] => [key, Buffer.from(text)]),
    ...Object.entries(found?.binaryData ?? {}).map(([key, base64]): [string, Buffer] => [key, Buffer.from(base64, 'base64')]),
  ];
  return selected(new Map(entries), selection, 'configmap references non-existent config key: ');
}

function secretFiles({ secret }: PayloadInput, name: string, selection: Selection): Payload {
  const found = secret(name);
  if (!found && !selection.optional) throw new Error(`secret "${name}" not found`);
  const entries = Object.entries(found?.data ?? {}).map(([key, base64]): [string, Buffer] => [key, Buffer.from(base64, 'base64')]);
  return selected(new Map(entries), selection, 'references non-existent secret key: ');
}

function selected(data: ReadonlyMap<string, Buffer>, { items, optional, mode }: Selection, missing: string): Payload {
  if (!items?.length) return new Map([...data].map(([key, content]) => [key, { content, mode }]));
  const out = new Map<string, PayloadFile>();
  for (const item of items) {
    const content = data.get(item.key);
    if (!content && !optional) throw new Error(missing + item.key);
    if (content) out.set(item.path, { content, mode: item.mode ?? mode });
  }
  return out;
}

type DownwardItem = NonNullable<NonNullable<V['downwardAPI']>['items']>[number];

function downwardFiles({ pod, facts }: PayloadInput, items: readonly DownwardItem[], mode: number): Payload {
  return new Map(
    items.map((item) => {
      const { fieldRef, resourceFieldRef, path } = item;
      const value = fieldRef ? fieldValue(pod, fieldRef.fieldPath, facts) : resourceFieldRef ? resourceValue(pod, resourceFieldRef, '', facts) : undefined;
      if (value === undefined) throw new Error(`unsupported downward API item ${path}`);
      return [path, { content: Buffer.from(value), mode: item.mode ?? mode }];
    }),
  );
}
