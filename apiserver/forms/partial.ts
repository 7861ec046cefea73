/** Objects as PartialObjectMetadata: kind, apiVersion and metadata, whatever they are. */
import type { DeepReadonly } from '../../std/deep.ts';
import type { ApiObject, Metadata } from '../../api/kind.ts';

export interface PartialObjectMetadata {
  readonly kind: 'PartialObjectMetadata';
  readonly apiVersion: string;
  readonly metadata: DeepReadonly<Metadata>;
}

type Described = DeepReadonly<Pick<ApiObject, 'metadata'> & Partial<Pick<ApiObject, 'kind'>>>;

export function partialMetadata(object: Described, version: string): PartialObjectMetadata {
  const written = WRITTEN_AS_ANNOTATION[object.kind ?? ''];
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: written ? withoutAnnotation(object.metadata, written) : object.metadata };
}

/** What is an annotation in the served version only, and a field of its own to upstream, whose metadata is that of no version. */
const WRITTEN_AS_ANNOTATION: Readonly<Record<string, string>> = { DaemonSet: 'deprecated.daemonset.template.generation' };

function withoutAnnotation(metadata: DeepReadonly<Metadata>, name: string): DeepReadonly<Metadata> {
  const { annotations, ...rest } = metadata;
  const { [name]: _, ...others } = annotations ?? {};
  return Object.keys(others).length > 0 ? { ...metadata, annotations: others } : rest;
}

/** An empty list has null items, as upstream's. */
export function partialMetadataList(items: readonly Described[], metadata: object, version: string): object {
  return {
    kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}`, metadata,
    items: items.length === 0 ? null : items.map((object) => partialMetadata(object, version)),
  };
}
