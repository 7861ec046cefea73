/** Objects as PartialObjectMetadata: kind, apiVersion and metadata, whatever they are. */
import type { DeepReadonly } from '../../std/deep.ts';
import type { ApiObject, Metadata } from '../../api/kind.ts';

export interface PartialObjectMetadata {
  readonly kind: 'PartialObjectMetadata';
  readonly apiVersion: string;
  readonly metadata: DeepReadonly<Metadata>;
}

export function partialMetadata(object: Pick<DeepReadonly<ApiObject>, 'metadata'>, version: string): PartialObjectMetadata {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

/** An empty list has null items, as upstream's. */
export function partialMetadataList(items: readonly Pick<DeepReadonly<ApiObject>, 'metadata'>[], metadata: object, version: string): object {
  return {
    kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}`, metadata,
    items: items.length === 0 ? null : items.map((object) => partialMetadata(object, version)),
  };
}
