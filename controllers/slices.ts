/** Brings EndpointSlices to what they should hold with as few writes as possible. */
import { endpointslices } from '../api/resources.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../api/types/discovery.v1.ts';
import type { OwnerReference } from '../api/types/meta.v1.ts';
import type { Stored } from '../client/client.ts';
import { deepEqual } from '../std/deep.ts';
import type { Random } from '../std/random.ts';
import { create, remove, update } from './actions.ts';
import type { Action } from './controller.ts';
import { canonical } from './deployment/template.ts';
import { TRIGGER_TIME } from './endpoints-of.ts';
import { generatedName } from './generated-name.ts';
import { isDeleting } from './owners.ts';

export const SERVICE_NAME = 'kubernetes.io/service-name';
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';

export type StoredSlice = Stored<EndpointSlice>;

/** Endpoints that share their ports, and so their slices. */
export interface SliceGroup {
  readonly addressType: EndpointSlice['addressType'];
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface SliceOwner {
  readonly service: string;
  readonly namespace: string;
  readonly owner: OwnerReference;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Annotations are just these; otherwise others may be there as well. */
  readonly annotated?: 'exactly';
  readonly random: Random;
  readonly limit: number;
  /** An address type for which an empty slice stands where there would be none. */
  readonly placeholders: readonly EndpointSlice['addressType'][];
}

export function reconcileSlices(existing: readonly StoredSlice[], groups: readonly SliceGroup[], owner: SliceOwner): Action[] {
  const types = new Set([...existing.map(({ addressType }) => addressType), ...groups.map(({ addressType }) => addressType), ...owner.placeholders]);
  const work = [...types].map((type) => planType(existing.filter(({ addressType, metadata }) => addressType === type && !isDeleting({ metadata })), groups.filter(({ addressType }) => addressType === type), owner, type));
  // What is new first: an address must never be missing in between.
  return [...work.flatMap(({ creates }) => creates), ...work.flatMap(({ updates }) => updates), ...work.flatMap(({ deletes }) => deletes)];
}

interface Draft {
  readonly slice: StoredSlice | undefined;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Endpoint[];
  changed: boolean;
}

interface Work {
  readonly creates: Action[];
  readonly updates: Action[];
  readonly deletes: Action[];
}

function planType(existing: readonly StoredSlice[], groups: readonly SliceGroup[], owner: SliceOwner, type: EndpointSlice['addressType']): Work {
  const left = new Set(existing);
  const drafts: Draft[] = [];
  for (const { ports, endpoints } of groups) {
    const own = existing.filter((slice) => canonical(slice.ports ?? []) === canonical(ports));
    for (const slice of own) left.delete(slice);
    drafts.push(...fill(own, ports, endpoints, owner));
  }
  const kept = drafts.filter(({ endpoints }) => endpoints.length > 0);
  const spare = [...left, ...drafts.flatMap(({ slice, endpoints }) => (slice && endpoints.length === 0 ? [slice] : []))];
  if (kept.length === 0 && owner.placeholders.includes(type)) kept.push({ slice: undefined, ports: [], endpoints: [], changed: true });
  const work: Work = { creates: [], updates: [], deletes: [] };
  for (const draft of kept) {
    const slice = draft.slice ?? takeSpare(spare, draft);
    if (!slice) work.creates.push(create(endpointslices, newSlice(draft, owner, type)));
    else if (draft.changed || !isLabelled(slice, owner)) {
      const next = changedSlice(slice, draft, owner);
      if (next) work.updates.push(update(endpointslices, next));
    }
  }
  work.deletes.push(...spare.map((slice) => remove(endpointslices, slice)));
  return work;
}

/** A slice that would be deleted serves for a new one. An empty one is best for a placeholder. */
function takeSpare(spare: StoredSlice[], { endpoints }: Draft): StoredSlice | undefined {
  const at = endpoints.length === 0 ? Math.max(0, spare.findIndex((slice) => (slice.endpoints ?? []).length === 0)) : 0;
  return spare.splice(at, 1)[0];
}

/** Keeps endpoints where they are, and puts new ones where a slice changes anyway. */
function fill(slices: readonly StoredSlice[], ports: readonly EndpointPort[], endpoints: readonly Endpoint[], { limit }: SliceOwner): Draft[] {
  const wanted = new Map(endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const drafts = slices.map((slice): Draft => {
    const draft: Draft = { slice, ports, endpoints: [], changed: false };
    for (const endpoint of slice.endpoints ?? []) {
      const key = identity(endpoint as Endpoint);
      const next = wanted.get(key);
      if (next) draft.endpoints.push(next);
      if (!next || !sameEndpoint(endpoint as Endpoint, next)) draft.changed = true;
      wanted.delete(key);
    }
    return draft;
  });
  const rest = [...wanted.values()];
  const place = (draft: Draft): void => {
    const taken = rest.splice(0, Math.max(0, limit - draft.endpoints.length));
    if (taken.length === 0) return;
    draft.endpoints.push(...taken);
    draft.changed = true;
  };
  for (const draft of drafts.filter(({ changed }) => changed)) place(draft);
  // The rest goes where it fits as a whole, into the fullest such slice, or into new ones.
  const room = drafts.filter(({ endpoints: present }) => present.length + (rest.length % limit) <= limit).sort((a, b) => b.endpoints.length - a.endpoints.length)[0];
  while (rest.length >= limit) drafts.push({ slice: undefined, ports, endpoints: rest.splice(0, limit), changed: true });
  if (rest.length > 0 && room) place(room);
  if (rest.length > 0) drafts.push({ slice: undefined, ports, endpoints: rest.splice(0), changed: true });
  return drafts;
}

function identity({ addresses, targetRef }: Endpoint): string {
  return `${targetRef?.uid ?? ''} ${addresses.join(' ')}`;
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return deepEqual({ ...a, targetRef: { ...a.targetRef, resourceVersion: undefined } }, { ...b, targetRef: { ...b.targetRef, resourceVersion: undefined } });
}

function isLabelled({ metadata }: StoredSlice, { labels, owner, annotations, annotated }: SliceOwner): boolean {
  if (annotated && !deepEqual(metadata.annotations ?? {}, annotations)) return false;
  return deepEqual(metadata.labels ?? {}, labels) && (metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.uid);
}

function newSlice({ ports, endpoints }: Draft, { service, namespace, owner, labels, annotations, random }: SliceOwner, addressType: EndpointSlice['addressType']): EndpointSlice {
  const generateName = `${service}-`;
  const metadata = { name: generatedName(generateName, random), generateName, namespace, labels: { ...labels }, ...(Object.keys(annotations).length > 0 && { annotations: { ...annotations } }), ownerReferences: [owner] };
  return { metadata, addressType, endpoints, ports: [...ports] };
}

/** Undefined where nothing but the note of the time would change. */
function changedSlice(slice: StoredSlice, { ports, endpoints }: Draft, sliceOwner: SliceOwner): EndpointSlice | undefined {
  const { labels, annotations, annotated, owner } = sliceOwner;
  const { [TRIGGER_TIME]: _, ...others } = slice.metadata.annotations ?? {};
  const kept = annotated ? {} : others;
  const metadata = { ...slice.metadata, labels: { ...labels }, annotations: { ...kept, ...annotations }, ownerReferences: [owner] };
  const same = endpoints.length === 0 && (slice.endpoints ?? []).length === 0 && (slice.ports ?? []).length === ports.length && isLabelled(slice, sliceOwner);
  return same ? undefined : ({ ...slice, metadata, endpoints, ports: [...ports] } as EndpointSlice);
}
