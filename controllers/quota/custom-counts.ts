/** How many custom objects there are: for quotas on resources that come and go with definitions. */
import { customresourcedefinitions, resourcequotas } from '../../api/resources.ts';
import type { ResourceQuota } from '../../api/types/core.v1.ts';
import type { Informer } from '../../client/client.ts';
import type { ControllerTools } from '../controller.ts';
import { customResource, resourceText, type AnyRef } from '../served.ts';

interface Followed {
  readonly informer: Informer<unknown>;
  readonly end: () => void;
}

export class CustomCounts {
  readonly #tools: ControllerTools;
  readonly #quotas: Informer<ResourceQuota>;
  /** By `boats.example.com`: one for each definition that is served. */
  readonly #followed = new Map<string, Followed>();

  constructor(tools: ControllerTools) {
    this.#tools = tools;
    this.#quotas = tools.informer(resourcequotas);
  }

  /** Undefined while nobody knows. */
  count(resource: string, namespace: string): number | undefined {
    const cache = this.#followed.get(resource)?.informer.cache;
    return cache?.synced ? cache.list(namespace).length : undefined;
  }

  /** Tells which quotas to count anew; until the function it returns is called. */
  follow = (add: (key: string) => void): (() => void) => {
    const definitions = this.#tools.informer(customresourcedefinitions);
    const end = definitions.subscribe(({ type, object }) => {
      const text = resourceText({ group: object.spec.group, resource: object.spec.names.plural });
      const resource = type === 'deleted' ? undefined : customResource(object);
      if (!resource?.namespaced) this.#drop(text);
      else if (!this.#followed.has(text)) this.#take(text, resource, add);
    });
    return () => {
      end();
      for (const text of this.#followed.keys()) this.#drop(text);
    };
  };

  #take(text: string, resource: AnyRef, add: (key: string) => void): void {
    const informer = this.#tools.informer(resource, { metadataOnly: true });
    const end = informer.subscribe(({ type, object }) => {
      // What is made is counted by admission.
      if (type === 'deleted') this.#concerned(text, add, object.metadata.namespace);
    });
    this.#followed.set(text, { informer: informer as Informer<unknown>, end });
    void informer.synced().then(() => this.#concerned(text, add));
  }

  #concerned(text: string, add: (key: string) => void, namespace?: string): void {
    for (const { metadata, spec } of this.#quotas.cache.list(namespace)) {
      if (spec?.hard?.[`count/${text}`] !== undefined) add(`${metadata.namespace}/${metadata.name}`);
    }
  }

  #drop(text: string): void {
    const followed = this.#followed.get(text);
    followed?.end();
    this.#followed.delete(text);
  }
}
