/** An API server in memory, for tests: objects with versions, watches with initial events, conflicts. It decides nothing else. */
import type { ApiCall, Door, WatchEvent } from '../api/request.ts';
import { ApiError, alreadyExists, badRequest, conflict, notFound } from '../api/status.ts';
import { parseFieldSelector, matchesFields, matchesLabels, parseLabelSelector } from '../api/selectors.ts';
import { deepCopy, deepEqual, deepFreeze } from '../std/deep.ts';

export interface FakeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
  } & Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

interface Logged {
  readonly revision: number;
  readonly resource: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: FakeObject;
  readonly previous?: FakeObject;
}

export interface FakeDoorOptions {
  /** As an older server: `sendInitialEvents` is refused. */
  readonly listOnly?: boolean;
  readonly now?: () => number;
  /** Sees each call first, and may refuse it by throwing. */
  readonly before?: (call: ApiCall) => void | Promise<void>;
}

export class FakeDoor implements Door {
  readonly calls: ApiCall[] = [];
  readonly #options: FakeDoorOptions;
  readonly #objects = new Map<string, FakeObject>();
  readonly #log: Logged[] = [];
  readonly #streams = new Set<{ wake: () => void; end: boolean }>();
  #revision = 100;
  #compacted = 0;
  #made = 0;

  constructor(options: FakeDoorOptions = {}) {
    this.#options = options;
  }

  /** Ends all watches, as a server that restarts does. */
  disconnect(): void {
    for (const stream of this.#streams) {
      stream.end = true;
      stream.wake();
    }
  }

  /** Forgets the past: watches from before get 410. */
  compact(): void {
    this.#compacted = this.#revision;
  }

  get watchers(): number {
    return this.#streams.size;
  }

  objects(resource: string): FakeObject[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${resource}/`)).map(([, object]) => object);
  }

  async call(call: ApiCall): Promise<unknown> {
    this.calls.push(call);
    await this.#options.before?.(call);
    await Promise.resolve();
    call.signal?.throwIfAborted();
    switch (call.verb) {
      case 'get':
        return this.#existing(call);
      case 'list':
        return deepFreeze({ metadata: { resourceVersion: String(this.#revision) }, items: this.#selected(call) });
      case 'create':
        return call.subresource ? (call.body ?? {}) : this.#create(call);
      case 'update':
        return this.#update(call, call.body as FakeObject);
      case 'patch':
        return this.#patch(call);
      case 'delete':
        return this.#delete(call);
      case 'deletecollection':
        for (const object of this.#selected(call)) this.#delete({ ...call, name: object.metadata.name });
        return {};
      case 'watch':
        throw badRequest('watch() is for watches');
    }
  }

  async *watch(call: ApiCall): AsyncGenerator<WatchEvent> {
    this.calls.push(call);
    await this.#options.before?.(call);
    await Promise.resolve();
    const initial = call.query?.['sendInitialEvents'] === 'true';
    if (initial && this.#options.listOnly) throw new ApiError({ code: 422, reason: 'Invalid', message: 'sendInitialEvents: Forbidden' });
    let from = initial ? this.#revision : Number(call.query?.['resourceVersion'] ?? this.#revision);
    if (from < this.#compacted) throw new ApiError({ code: 410, reason: 'Expired', message: 'too old resource version' });
    if (initial) {
      for (const object of this.#selected(call)) yield { type: 'ADDED', object };
      yield this.#bookmark(from, { annotations: { 'k8s.io/initial-events-end': 'true' } });
    }
    const stream = { wake: (): void => undefined, end: false };
    this.#streams.add(stream);
    const abort = (): void => {
      stream.end = true;
      stream.wake();
    };
    call.signal?.addEventListener('abort', abort);
    try {
      while (!stream.end && !call.signal?.aborted) {
        for (const logged of this.#log.filter(({ revision }) => revision > from)) {
          from = logged.revision;
          const event = this.#seen(call, logged);
          if (event) yield event;
          if (stream.end) return;
        }
        if (this.#log.every(({ revision }) => revision <= from)) await new Promise<void>((resolve) => (stream.wake = resolve));
      }
    } finally {
      this.#streams.delete(stream);
      call.signal?.removeEventListener('abort', abort);
    }
  }

  #bookmark(revision: number, metadata: object): WatchEvent {
    return deepFreeze({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(revision), ...metadata } } }) as WatchEvent;
  }

  #seen(call: ApiCall, { resource, type, object, previous }: Logged): WatchEvent | undefined {
    if (resource !== resourceText(call)) return undefined;
    const [matches, matched] = [this.#matches(call, object), previous !== undefined && this.#matches(call, previous)];
    if (type === 'ADDED') return matches ? { type, object } : undefined;
    if (type === 'DELETED') return matches || matched ? { type, object } : undefined;
    if (matches) return { type: matched ? 'MODIFIED' : 'ADDED', object };
    return matched ? { type: 'DELETED', object } : undefined;
  }

  #selected(call: ApiCall): FakeObject[] {
    return this.objects(resourceText(call)).filter((object) => this.#matches(call, object));
  }

  #matches(call: ApiCall, object: FakeObject): boolean {
    if (call.namespace && object.metadata.namespace !== call.namespace) return false;
    const { labelSelector = '', fieldSelector = '' } = call.query ?? {};
    if (!matchesLabels(parseLabelSelector(labelSelector), object.metadata.labels)) return false;
    return matchesFields(parseFieldSelector(fieldSelector), (path) => String(path.split('.').reduce<unknown>((at, field) => (at as Record<string, unknown> | undefined)?.[field], object) ?? ''));
  }

  #existing(call: ApiCall): FakeObject {
    const found = this.#objects.get(keyOf(call));
    if (!found) throw notFound({ group: call.group, resource: call.resource, name: call.name ?? '' });
    return found;
  }

  #create(call: ApiCall): FakeObject {
    const body = call.body as FakeObject;
    const made = ++this.#made;
    const name = body.metadata.name ?? `${String(body.metadata['generateName'])}${made.toString(36).padStart(5, '0')}`;
    const key = keyOf({ ...call, name });
    if (this.#objects.has(key)) throw alreadyExists({ group: call.group, resource: call.resource, name });
    const creationTimestamp = body.metadata['creationTimestamp'] ?? timestamp(this.#options.now?.() ?? 0);
    const metadata = { ...body.metadata, name, ...(call.namespace && { namespace: call.namespace }), uid: body.metadata.uid ?? `uid-${made}`, creationTimestamp, generation: 1 };
    return this.#store(call, key, 'ADDED', { ...body, metadata } as FakeObject);
  }

  #update(call: ApiCall, body: FakeObject): FakeObject {
    const known = this.#existing(call);
    const { resourceVersion } = body.metadata;
    if (resourceVersion && resourceVersion !== known.metadata.resourceVersion) {
      throw conflict({ group: call.group, resource: call.resource, name: known.metadata.name }, 'the object has been modified; please apply your changes to the latest version and try again');
    }
    const next: Partial<FakeObject> = call.subresource === 'status' ? { ...known, status: body['status'] } : { ...body, status: known['status'] ?? body['status'] };
    // A pod that is bound is of the same generation as before.
    const moved = call.subresource !== 'binding' && !deepEqual(next['spec'], known['spec']);
    const generation = Number(known.metadata['generation'] ?? 1) + (moved ? 1 : 0);
    const { uid, creationTimestamp, deletionTimestamp } = known.metadata as FakeObject['metadata'] & { creationTimestamp: string };
    const metadata = { ...next.metadata, resourceVersion: known.metadata.resourceVersion, uid, creationTimestamp, generation, ...(deletionTimestamp && { deletionTimestamp }) };
    const object = { ...next, metadata } as FakeObject;
    if (deepEqual(object, known)) return known;
    if (deletionTimestamp && !object.metadata.finalizers?.length) return this.#remove(call, known);
    return this.#store(call, keyOf(call), 'MODIFIED', object);
  }

  #patch(call: ApiCall): FakeObject {
    const known = this.#objects.get(keyOf(call));
    if (!known && call.patchType === 'application/apply-patch+yaml') return this.#create(call);
    if (call.patchType === 'application/json-patch+json') throw badRequest('the fake server does not take JSON patches');
    const merged = merge(deepCopy(this.#existing(call)), call.body) as FakeObject;
    return this.#update(call, merged);
  }

  #delete(call: ApiCall): unknown {
    const known = this.#existing(call);
    const { preconditions, propagationPolicy } = (call.body ?? {}) as { preconditions?: { uid?: string; resourceVersion?: string }; propagationPolicy?: string };
    const wrong = (preconditions?.uid && preconditions.uid !== known.metadata.uid) || (preconditions?.resourceVersion && preconditions.resourceVersion !== known.metadata.resourceVersion);
    if (wrong) throw conflict({ group: call.group, resource: call.resource, name: known.metadata.name }, 'Precondition failed');
    const added = propagationPolicy === 'Foreground' ? ['foregroundDeletion'] : propagationPolicy === 'Orphan' ? ['orphan'] : [];
    const finalizers = [...(known.metadata.finalizers ?? []), ...added];
    if (finalizers.length === 0) return this.#remove(call, known);
    if (known.metadata.deletionTimestamp) return known;
    const metadata = { ...known.metadata, finalizers, deletionTimestamp: timestamp(this.#options.now?.() ?? 0) };
    return this.#store(call, keyOf(call), 'MODIFIED', { ...known, metadata });
  }

  #remove(call: ApiCall, known: FakeObject): FakeObject {
    this.#objects.delete(keyOf(call));
    return this.#append(call, 'DELETED', known, known);
  }

  #store(call: ApiCall, key: string, type: 'ADDED' | 'MODIFIED', object: FakeObject): FakeObject {
    const previous = this.#objects.get(key);
    const stored = this.#append(call, type, object, previous);
    this.#objects.set(key, stored);
    return stored;
  }

  #append(call: ApiCall, type: Logged['type'], object: FakeObject, previous?: FakeObject): FakeObject {
    const revision = ++this.#revision;
    const copy = deepFreeze(deepCopy({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } })) as unknown as FakeObject;
    this.#log.push({ revision, resource: resourceText(call), type, object: copy, ...(previous && { previous }) });
    for (const stream of this.#streams) stream.wake();
    return copy;
  }
}

function resourceText({ group, resource }: ApiCall): string {
  return group ? `${resource}.${group}` : resource;
}

function keyOf(call: ApiCall): string {
  return [resourceText(call), call.namespace ?? '', call.name ?? ''].join('/');
}

function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** JSON merge patch. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const out: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = merge(out[key], value);
  }
  return out;
}
