/** How large the owners of pods say they are where the kind is a custom one: asked of the scale subresource, anew for each look. */
import { customresourcedefinitions } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { CustomResourceDefinition } from '../../api/types/apiextensions.v1.ts';
import type { Informer } from '../../client/client.ts';
import type { ControllerTools, Key } from '../controller.ts';
import { customResource, resourceText } from '../served.ts';

export interface OwnerRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** The size; or why there is none to be had; or `absent`: there is no such owner. */
export type CustomScale = number | 'absent' | { readonly failed: string };
/** By the owners' uids; undefined: they are being asked, and the key comes again. */
export type CustomScalesOf = (key: Key, namespace: string, owners: readonly OwnerRef[]) => ReadonlyMap<string, CustomScale> | undefined;

type Tools = Pick<ControllerTools, 'client' | 'informer'>;

/** Holds one answer per key at most, until it is taken. */
export class CustomScales {
  readonly #client: Tools['client'];
  readonly #definitions: Informer<CustomResourceDefinition>;
  readonly #answers = new Map<Key, ReadonlyMap<string, CustomScale>>();
  readonly #asking = new Set<Key>();
  #add: (key: Key) => void = () => undefined;

  constructor({ client, informer }: Tools) {
    this.#client = client;
    this.#definitions = informer(customresourcedefinitions);
  }

  follow = (add: (key: Key) => void): (() => void) => {
    this.#add = add;
    return () => (this.#add = () => undefined);
  };

  take: CustomScalesOf = (key, namespace, owners) => {
    const answer = this.#answers.get(key);
    this.#answers.delete(key);
    if (answer && owners.every(({ uid }) => answer.has(uid))) return answer;
    if (!this.#asking.has(key)) void this.#ask(key, namespace, owners);
    return undefined;
  };

  async #ask(key: Key, namespace: string, owners: readonly OwnerRef[]): Promise<void> {
    this.#asking.add(key);
    const answers = await Promise.all(owners.map(async (owner) => [owner.uid, await this.#scaleOf(owner, namespace)] as const));
    this.#asking.delete(key);
    this.#answers.set(key, new Map(answers));
    this.#add(key);
  }

  async #scaleOf({ apiVersion, kind, name, uid }: OwnerRef, namespace: string): Promise<CustomScale> {
    await this.#definitions.synced();
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
    const definition = this.#definitions.cache.list().find(({ spec }) => spec.group === group && spec.names.kind === kind);
    const resource = definition && customResource(definition);
    if (!resource) return { failed: `no matches for kind "${kind}" in version "${apiVersion}"` };
    const version = definition.spec.versions.find((one) => one.name === resource.version);
    if (!version?.subresources?.scale) return { failed: `${resourceText(resource)} does not implement the scale subresource` };
    try {
      const scale = (await this.#client.call({ verb: 'get', group, version: resource.version, resource: resource.resource, namespace, name, subresource: 'scale' })) as { readonly metadata: { readonly uid: string }; readonly spec?: { readonly replicas?: number } };
      return scale.metadata.uid === uid ? (scale.spec?.replicas ?? 0) : 'absent';
    } catch (error) {
      if (isReason(error, 'NotFound')) return 'absent';
      return { failed: error instanceof Error ? error.message : String(error) };
    }
  }
}
