/**
 * Follows CustomResourceDefinitions: gives them their names, serves their kinds as rows of the registry, and clears what a
 * deleted one leaves. Every API server does all of it; who loses a race for a write hears of the winner's by the cache.
 */
import { createHash } from 'node:crypto';
import { deepCopy, deepEqual, type DeepReadonly } from '../../std/deep.ts';
import { backoff } from '../../std/backoff.ts';
import { sleep } from '../../std/clock.ts';
import { CLEANUP_FINALIZER, isTrue, setCondition, type Condition } from '../../api/kinds/apiextensions/definition-conditions.ts';
import type { ApiObject, Kind } from '../../api/kind.ts';
import { readDescriptions } from '../../api/openapi/descriptions.ts';
import { customresourcedefinitions } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import { compileCustomKind, versionForms } from '../../api/structural/custom-kind.ts';
import type { Timed } from '../../api/structural/custom-strategy.ts';
import type { CustomResourceDefinition } from '../../api/types/apiextensions.v1.ts';
import type { Stored } from '../auth/reader.ts';
import type { Core } from '../core.ts';
import type { ConversionViews } from './conversion-views.ts';
import type { Convertible } from './conversion-review.ts';
import { conversionWebhook, type ConversionDependencies } from './conversion-webhook.ts';
import { clearInstances } from './instances.ts';
import { settleNames, takenNames } from './naming.ts';

type Definition = Stored<CustomResourceDefinition>;

interface Served {
  readonly kind: Kind;
  /** What the row was made of. */
  readonly from: unknown;
  terminating: boolean;
}

export interface Conversion extends ConversionDependencies {
  readonly views: ConversionViews;
}

const RETRY = { baseMs: 100, limitMs: 5_000 };
/** Attempts to write names and conditions, while others wait; the next change of the definition starts anew. */
const NAMING_ATTEMPTS = 5;
/** Attempts to clear what a definition leaves: a store may be out of reach for long, and nothing else would start anew. */
const CLEARING_ATTEMPTS = 1_000;

/** What discovery no longer tells of a kind whose definition goes. */
const WRITES: ReadonlySet<string> = new Set(['create', 'update', 'patch']);

export class Definitions {
  readonly #core: Core;
  readonly #served = new Map<string, Served>();
  /** One definition at a time is given its names: two could want the same. */
  #naming: Promise<void> = Promise.resolve();
  readonly #clearing = new Set<string>();
  readonly #stop = new AbortController();
  #following: { close(): void } | undefined;

  readonly #conversion: Conversion;
  readonly #timed: Timed | undefined;

  constructor(core: Core, conversion: Conversion, timed?: Timed) {
    this.#core = core;
    this.#timed = timed;
    this.#conversion = conversion;
  }

  /** Resolves when everything that was established before is served. */
  async start(): Promise<void> {
    const { registry, reader } = this.#core;
    await registry.hub(customresourcedefinitions.group, customresourcedefinitions.resource)?.cache.ready();
    this.#following ??= reader.onChange(customresourcedefinitions, (change) => {
      if (change.type === 'deleted') this.#forget(change.name, change.object.spec.group);
      else this.#take(change.object as Definition);
    });
    for (const definition of reader.list(customresourcedefinitions)) this.#serve(definition);
  }

  close(): void {
    this.#stop.abort();
    this.#following?.close();
  }

  #take(definition: Definition): void {
    const { name, deletionTimestamp, finalizers } = definition.metadata;
    this.#serve(definition);
    if (!deletionTimestamp) this.#settleLater(name);
    else if (finalizers?.includes(CLEANUP_FINALIZER)) void this.#clear(name);
  }

  #serve(definition: Definition): void {
    const { name } = definition.metadata;
    const known = this.#served.get(name);
    const terminating = isTrue(definition, 'Terminating');
    if (known && known.terminating !== terminating) {
      known.terminating = terminating;
      this.#core.registry.touched();
    }
    const names = definition.status?.acceptedNames;
    if (!isTrue(definition, 'Established') || !names?.plural) return this.#withdraw(name);
    const from = [definition.spec, names, definition.metadata.uid];
    if (known && deepEqual(known.from, from)) return;
    const state = { terminating };
    const kind = compileCustomKind(deepCopy(definition) as CustomResourceDefinition, {
      hash: (text) => createHash('sha256').update(text).digest().subarray(0, 8).toString('base64'), isTerminating: () => state.terminating, describe, ...(this.#timed && { timed: this.#timed }),
    });
    if (!kind || this.#isBuiltIn(kind)) return this.#withdraw(name);
    const row = { ...this.#view(kind, definition), listedVerbs: () => (state.terminating ? kind.verbs.filter((verb) => !WRITES.has(verb)) : kind.verbs) };
    const served: Served = Object.assign(state, { kind: row, from });
    this.#served.set(name, served);
    this.#core.registry.add(row);
  }

  /** The places of versions between which a webhook converts. */
  #view(kind: Kind, { spec }: Definition): Kind {
    const { versions, storagePath, group, hub } = kind;
    const { views } = this.#conversion;
    if (spec.conversion?.strategy !== 'Webhook') return kind;
    const convert = conversionWebhook(spec.conversion, this.#conversion);
    const forms = versionForms(spec as CustomResourceDefinition['spec']);
    for (const { version, place } of versions) {
      if (place !== undefined) views.set(place, { place: storagePath, apiVersion: `${group}/${version}`, storedVersion: `${group}/${hub}`, convert, ...forms });
    }
    const narrowed = async (object: ApiObject, desired: string): Promise<ApiObject> => {
      const [made] = (await convert([object as unknown as Convertible], desired)) as unknown as [ApiObject];
      forms.narrow(made);
      return made;
    };
    return {
      ...kind, convert: async (objects, desired) => (await convert(objects as unknown as Convertible[], desired)) as unknown as ApiObject[],
      throughStore: async (object, desired) => narrowed(await narrowed(object, `${group}/${hub}`), desired),
    };
  }

  /** What is built in is not replaced. */
  #isBuiltIn(kind: Kind): boolean {
    return this.#core.registry.kinds.some((row) => row.custom === undefined && row.group === kind.group && row.plural === kind.plural);
  }

  #withdraw(name: string): void {
    const known = this.#served.get(name);
    if (!known) return;
    this.#served.delete(name);
    this.#core.registry.remove(known.kind);
  }

  /** Its names are free for others. */
  #forget(name: string, group: string): void {
    this.#withdraw(name);
    for (const other of this.#core.reader.list(customresourcedefinitions)) if (other.spec.group === group) this.#settleLater(other.metadata.name);
  }

  #settleLater(name: string): void {
    this.#naming = this.#naming.then(() => this.#retried(name, NAMING_ATTEMPTS, () => this.#settle(name)));
  }

  async #settle(name: string): Promise<void> {
    const { reader, writer, registry, clock } = this.#core;
    const definition = reader.get(customresourcedefinitions, '', name);
    if (!definition || definition.metadata.deletionTimestamp) return;
    const others = reader.list(customresourcedefinitions).filter((other) => other.metadata.name !== name && other.spec.group === definition.spec.group);
    const next = deepCopy(definition) as CustomResourceDefinition;
    if (!settleNames(next, takenNames(others), clock.now())) return;
    const written = await writer.update(customresourcedefinitions, next, 'status').catch((error: unknown) => {
      // Somebody was faster: that comes as a change, which starts anew.
      if (isReason(error, 'Conflict')) return undefined;
      throw error;
    });
    if (!written) return;
    // The next one must see which names are taken.
    await registry.hub(customresourcedefinitions.group, customresourcedefinitions.resource)?.cache.waitFor(Number(written.metadata.resourceVersion), RETRY.limitMs);
    if (!deepEqual(definition.status?.acceptedNames, written.status?.acceptedNames)) for (const other of others) this.#settleLater(other.metadata.name);
  }

  async #clear(name: string): Promise<void> {
    if (this.#clearing.has(name)) return;
    this.#clearing.add(name);
    await this.#retried(name, CLEARING_ATTEMPTS, async () => {
      const definition = await this.#core.reader.getFresh(customresourcedefinitions, '', name);
      if (!definition?.metadata.finalizers?.includes(CLEANUP_FINALIZER) || !definition.metadata.deletionTimestamp) return;
      await this.#clearOnce(await this.#announced(definition));
    });
    this.#clearing.delete(name);
  }

  /** It may take long. */
  async #announced(definition: Definition): Promise<Definition> {
    const { writer, clock } = this.#core;
    const next = deepCopy(definition) as CustomResourceDefinition;
    setCondition(next, { type: 'Terminating', status: 'True', reason: 'InstanceDeletionInProgress', message: 'CustomResource deletion is in progress' }, clock.now());
    return (await writer.update(customresourcedefinitions, next, 'status')) as Definition;
  }

  async #clearOnce(definition: Definition): Promise<void> {
    const { writer, clock, reader } = this.#core;
    const condition = await this.#removed(definition);
    const fresh = await reader.getFresh(customresourcedefinitions, '', definition.metadata.name);
    if (fresh?.metadata.uid !== definition.metadata.uid) return;
    const next = deepCopy(fresh) as CustomResourceDefinition;
    setCondition(next, condition, clock.now());
    next.metadata.finalizers = (next.metadata.finalizers ?? []).filter((one) => one !== CLEANUP_FINALIZER);
    await writer.update(customresourcedefinitions, next, 'status');
  }

  async #removed(definition: DeepReadonly<CustomResourceDefinition>): Promise<Condition> {
    const condition = { type: 'Terminating', status: 'False' } as const;
    const { group, names } = definition.spec;
    if (!isTrue(definition, 'Established')) return { ...condition, reason: 'NeverEstablished', message: 'resource was never established' };
    const resource = this.#core.registry.hub(group, names.plural);
    if (resource && resource.kind.custom === undefined) {
      return { ...condition, reason: 'OverlappingBuiltInResource', message: 'instances overlap with built-in resources in storage' };
    }
    if (resource) await clearInstances(this.#core, resource, this.#stop.signal);
    return { ...condition, reason: 'InstanceDeletionCompleted', message: 'removed all instances' };
  }

  async #retried(name: string, limit: number, run: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#core;
    for (let attempt = 0; attempt < limit && !this.#stop.signal.aborted; attempt++) {
      try {
        return await run();
      } catch (error) {
        if (isReason(error, 'NotFound')) return;
        if (!isReason(error, 'Conflict')) log.error(`custom resource definition ${name}`, error);
      }
      await sleep(clock, backoff(attempt, RETRY), this.#stop.signal).catch(() => undefined);
    }
  }
}

let descriptions: ReturnType<typeof readDescriptions> | null = null;

function describe(type: string, field: string): string | undefined {
  if (descriptions === null) descriptions = readDescriptions();
  return descriptions?.(type, field);
}
