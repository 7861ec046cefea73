/** Informers that several controllers share: one per resource and selection, with the indexes of all who asked. */
import type { ResourceRef } from '../api/resources.ts';
import type { Client, Informer, InformerOptions } from '../client/client.ts';
import { openInformer, type InformerTools } from '../client/informer.ts';

export class SharedInformers {
  readonly #client: Client;
  readonly #tools: InformerTools;
  readonly #informers = new Map<string, Informer<never>>();
  readonly #whole: ReadonlySet<string>;

  /**
   * Of `whole` somebody follows all there is of every object. Who wants the metadata alone is given the same: the garbage
   * collector must not know before a controller that an owner is gone, or it takes away what the controller makes anew, for as
   * long as the other watch is late.
   */
  constructor(client: Client, tools: InformerTools, whole: readonly ResourceRef<unknown>[] = []) {
    this.#client = client;
    this.#tools = tools;
    this.#whole = new Set(whole.map(nameOf));
  }

  of<T>(resource: ResourceRef<T>, options: InformerOptions<T> = {}): Informer<T> {
    const { indexes = {}, ...asked } = options;
    const selection = asked.metadataOnly && Object.keys(asked).length === 1 && this.#whole.has(nameOf(resource)) ? {} : asked;
    const key = JSON.stringify([resource.group, resource.version, resource.resource, Object.entries(selection).sort()]);
    let informer = this.#informers.get(key) as Informer<T> | undefined;
    if (!informer) {
      const opened = openInformer(this.#client, resource, selection, this.#tools);
      // Whoever asks again after it was stopped gets a new one.
      const stop = (): void => {
        opened.stop();
        this.#informers.delete(key);
      };
      informer = { ...opened, stop };
      this.#informers.set(key, informer as unknown as Informer<never>);
    }
    informer.addIndexes(indexes);
    return informer;
  }

  stop(): void {
    for (const informer of this.#informers.values()) informer.stop();
  }
}

function nameOf({ group, version, resource }: ResourceRef<unknown>): string {
  return [group, version, resource].join('/');
}
