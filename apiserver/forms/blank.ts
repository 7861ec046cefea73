/** What a bookmark holds besides its metadata: an object of its kind in which nothing stands, with all that the type always has. */
import { normalize } from '../../api/codec/json.ts';
import type { ApiObject, Metadata } from '../../api/kind.ts';
import type { Resource } from '../registry/resource.ts';

/** `metadata`: of the bookmark itself. */
export function bookmarkObject(resource: Resource, metadata: Metadata): object {
  const { blank, annotations } = blankOf(resource);
  const all = annotations || metadata.annotations ? { ...metadata, annotations: { ...annotations, ...metadata.annotations } } : metadata;
  return { ...blank, metadata: all };
}

interface Blank {
  readonly blank: object;
  readonly annotations: Metadata['annotations'];
}

const known = new WeakMap<Resource, Blank>();

function blankOf(resource: Resource): Blank {
  const before = known.get(resource);
  if (before) return before;
  const { kind, version, isHub, hubApiVersion } = resource;
  const apiVersion = isHub ? hubApiVersion : resource.apiVersion;
  const bare = { kind: kind.kind, apiVersion, metadata: {}, ...kind.blank };
  const object = 'type' in version.schema ? (normalize(version.schema, bare).object as ApiObject) : bare;
  const found = { blank: object, annotations: (object.metadata as Metadata).annotations };
  known.set(resource, found);
  return found;
}
