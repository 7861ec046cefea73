/** Finds devices of a node for claims: all requests of all claims together, or nothing. Follows the allocator of dynamic-resource-allocation v0.36. */
import { compareQuantities, parseQuantity, subtractQuantities } from '../../api/quantity.ts';
import { tolerates } from '../../api/tolerates.ts';
import type { AllocationResult, DeviceAllocationConfiguration, DeviceAttribute, DeviceClass, DeviceRequest, DeviceRequestAllocationResult, DeviceSubRequest, DeviceToleration, ExactDeviceRequest, ResourceClaim } from '../../api/types/resource.v1.ts';
import type { NodeSelector, NodeSelectorRequirement } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { type Amounts, takenOf, textsOf } from './capacity.ts';
import type { Pool, PooledDevice } from './pools.ts';
import { qualified, selects } from './selectors.ts';

type Claim = Stored<ResourceClaim>;
type Class = Stored<DeviceClass>;
type Asked = DeepReadonly<ExactDeviceRequest | DeviceSubRequest>;

/** A claim gets so many devices at most. */
const RESULTS_LIMIT = 32;
/** Combinations tried for one node before it is given up: what is left after so many is not worth the wait. */
const TRIES_LIMIT = 100_000;

export interface World {
  /** The name of the node. */
  readonly node: string;
  readonly pools: readonly Pool[];
  readonly classes: ReadonlyMap<string, Class>;
  /** Devices that others have, each alone: `driver/pool/device`. */
  readonly taken: (id: string) => boolean;
  /** What others have of devices that several share: a list for each of them. */
  readonly shares: (id: string) => readonly Amounts[];
}

/** One way to meet a request: itself, or one of those of which the first available is taken. */
interface Option {
  /** `request` or `request/subrequest`. */
  readonly name: string;
  readonly asked: Asked;
  readonly class: Class;
  readonly isAdmin: boolean;
  /** All the devices that it wants; undefined: any `count` of them. */
  readonly all: readonly PooledDevice[] | undefined;
  readonly count: number;
}

interface Given {
  readonly option: Option;
  readonly device: PooledDevice;
  /** What it takes of a device that several share. */
  readonly share: Amounts | undefined;
}

const NOT_SHARED: readonly Amounts[] = [];

export interface Allocated {
  readonly result: AllocationResult;
  /** Higher the sooner those were free that were asked for first. */
  readonly score: number;
}

/** Shares have ids of chance, which are drawn when the allocation is written. */
const UNNAMED_SHARE = '';

/** So many subrequests a request has at most: the first counts so much. */
const FIRST_COUNTS = 8;

/** What each claim would get; undefined where the node has not got it. Throws where a claim or an expression makes no sense. */
export function allocate(claims: readonly Claim[], world: World): Allocated[] | undefined {
  const search = new Search(claims, world);
  if (!search.run()) return undefined;
  return claims.map((claim, i) => {
    const given = search.given[i] as readonly Given[];
    return { result: resultOf(claim, given, world.node), score: scoreOf(claim, given) };
  });
}

function scoreOf({ spec }: Claim, given: readonly Given[]): number {
  let score = 0;
  for (const { name, firstAvailable = [] } of spec.devices.requests) {
    const index = firstAvailable.findIndex((one) => given.some(({ option }) => option.name === `${name}/${one.name}`));
    if (index >= 0) score += FIRST_COUNTS - index;
  }
  return score;
}

class Search {
  readonly given: Given[][];
  readonly #claims: readonly Claim[];
  readonly #world: World;
  /** By claim and request. */
  readonly #options: readonly (readonly (readonly Option[])[])[];
  readonly #choices: readonly PooledDevice[];
  readonly #mine = new Set<string>();
  readonly #myShares = new Map<string, readonly Amounts[]>();
  #tries = 0;

  constructor(claims: readonly Claim[], world: World) {
    this.#claims = claims;
    this.#world = world;
    this.given = claims.map(() => []);
    this.#choices = world.pools.flatMap(({ isIncomplete, isInvalid, devices }) => (isIncomplete || isInvalid ? [] : devices));
    this.#options = claims.map((claim) => claim.spec.devices.requests.map((request) => this.#optionsOf(claim, request)));
  }

  run(): boolean {
    return this.#meet(0, 0);
  }

  #optionsOf(claim: Claim, request: DeepReadonly<DeviceRequest>): Option[] {
    const { name, exactly, firstAvailable = [] } = request;
    if (exactly) return [this.#optionOf(claim, name, exactly, exactly.adminAccess ?? false)];
    return firstAvailable.map((one) => this.#optionOf(claim, `${name}/${one.name}`, one, false));
  }

  #optionOf(claim: Claim, name: string, asked: Asked, isAdmin: boolean): Option {
    const about = `claim ${claim.metadata.namespace}/${claim.metadata.name}, request ${name.split('/').at(-1) as string}`;
    const found = this.#world.classes.get(asked.deviceClassName);
    if (!found) throw new Error(`${about}: could not retrieve device class ${asked.deviceClassName}: deviceclass.resource.k8s.io "${asked.deviceClassName}" not found`);
    const option = { name, asked, class: found, isAdmin, all: undefined, count: asked.count ?? 1 };
    if (asked.allocationMode !== 'All') return option;
    const all: PooledDevice[] = [];
    for (const pool of this.#world.pools) {
      if (pool.isIncomplete || pool.isInvalid) throw new NotHere(`${about}: asks for all devices, but resource pool ${pool.id} is currently ${pool.isIncomplete ? 'being updated' : 'invalid'}`);
      for (const device of pool.devices) if (isWanted(claim, option, device) && this.#takes(option, device)) all.push(device);
    }
    return { ...option, all, count: all.length };
  }

  /** Meets the request and all after it. */
  #meet(claim: number, request: number): boolean {
    if (claim >= this.#claims.length) return true;
    const options = this.#options[claim]?.[request];
    if (!options) return this.#meet(claim + 1, 0);
    return options.some((option) => {
      if (option.all?.length === 0 || (this.given[claim] as Given[]).length + option.count > RESULTS_LIMIT) return false;
      return this.#give({ claim, request, option, number: 0, from: 0 });
    });
  }

  #give(at: { readonly claim: number; readonly request: number; readonly option: Option; readonly number: number; /** Where to look on for a further device of the same request. */ readonly from: number }): boolean {
    const { claim, request, option, number, from } = at;
    if (number >= option.count) return this.#meet(claim, request + 1);
    const choices = option.all ?? this.#choices;
    for (let i = option.all ? number : from; i < (option.all ? number + 1 : choices.length); i++) {
      const device = choices[i] as PooledDevice;
      if (++this.#tries > TRIES_LIMIT) return false;
      if (!this.#isFree(claim, option, device) || (!option.all && !isWanted(this.#claims[claim] as Claim, option, device))) continue;
      if (taintsKeepOut(option, device) || !this.#fitsConstraints(claim, option, device)) continue;
      const takes = this.#takes(option, device);
      if (!takes) continue;
      const takeBack = this.#take(claim, option, device, takes);
      if (this.#give({ ...at, number: number + 1, from: i + 1 })) return true;
      takeBack();
    }
    return false;
  }

  /** Returns how to undo it. */
  #take(claim: number, option: Option, device: PooledDevice, takes: Amounts): () => void {
    const mine = this.given[claim] as Given[];
    const { id } = device;
    if (device.device.allowMultipleAllocations) {
      const before = this.#myShares.get(id);
      mine.push({ option, device, share: takes });
      this.#myShares.set(id, [...(before ?? NOT_SHARED), takes]);
      return () => {
        mine.pop();
        if (before) this.#myShares.set(id, before);
        else this.#myShares.delete(id);
      };
    }
    mine.push({ option, device, share: undefined });
    const isNew = !option.isAdmin && !this.#mine.has(id);
    if (isNew) this.#mine.add(id);
    return () => {
      mine.pop();
      if (isNew) this.#mine.delete(id);
    };
  }

  #takes({ asked }: Option, { id, device }: PooledDevice): Amounts | undefined {
    return takenOf(device, asked.capacity, [...this.#world.shares(id), ...(this.#myShares.get(id) ?? NOT_SHARED)]);
  }

  #isShared(id: string): boolean {
    return this.#myShares.has(id) || this.#world.shares(id).length > 0;
  }

  #isFree(claim: number, { isAdmin }: Option, device: PooledDevice): boolean {
    const isShareable = device.device.allowMultipleAllocations === true;
    if (isAdmin) return isShareable || !(this.given[claim] as Given[]).some((one) => one.device.id === device.id);
    if (isShareable && this.#isShared(device.id)) return true;
    return !this.#mine.has(device.id) && !this.#world.taken(device.id) && this.#countersLeft(device);
  }

  /** Whether what the device takes of its pool's shared counters is there. */
  #countersLeft({ device, driver, pool }: PooledDevice): boolean {
    const home = this.#world.pools.find(({ id }) => id === `${driver}/${pool}`);
    return (device.consumesCounters ?? []).every(({ counterSet, counters }) =>
      Object.entries(counters).every(([name, { value }]) => {
        let left = parseQuantity(home?.counters.get(counterSet)?.counters[name]?.value ?? '0');
        for (const other of home?.everywhere ?? []) {
          if (!this.#mine.has(other.id) && !this.#world.taken(other.id) && !this.#isShared(other.id)) continue;
          const used = other.device.consumesCounters?.find((one) => one.counterSet === counterSet)?.counters[name];
          const amount = used && parseQuantity(used.value);
          if (left && amount) left = subtractQuantities(left, amount);
        }
        const wanted = parseQuantity(value);
        return left !== undefined && wanted !== undefined && compareQuantities(left, wanted) >= 0;
      }),
    );
  }

  #fitsConstraints(claim: number, option: Option, device: PooledDevice): boolean {
    const others = this.given[claim] as Given[];
    return (this.#claims[claim]?.spec.devices.constraints ?? []).every(({ requests = [], matchAttribute, distinctAttribute }) => {
      const concerns = (name: string): boolean => requests.length === 0 || requests.includes(name) || requests.includes(name.split('/')[0] as string);
      if (!concerns(option.name)) return true;
      const name = matchAttribute ?? distinctAttribute ?? '';
      const own = attribute(device, name);
      if (own === undefined) return false;
      const same = (other: Given): boolean => attribute(other.device, name) === own;
      const concerned = others.filter((other) => concerns(other.option.name));
      if (matchAttribute) return concerned.every(same);
      // Upstream remembers one device of each request: the last.
      return ![...new Map(concerned.map((other) => [other.option.name.split('/')[0], other])).values()].some(same);
    });
  }
}

/** The node cannot have it, and that is not the claim's fault. */
export class NotHere extends Error {}

/** Type and value as one text. */
function attribute({ device, driver }: PooledDevice, name: string): string | undefined {
  const [domain, id] = qualified(name, driver);
  const found: DeepReadonly<DeviceAttribute> | undefined = device.attributes?.[name] ?? (domain === driver ? device.attributes?.[id] : undefined);
  if (!found) return undefined;
  for (const kind of ['string', 'int', 'bool', 'version'] as const) if (found[kind] !== undefined) return `${kind} ${String(found[kind])}`;
  return undefined;
}

function isWanted({ metadata }: Claim, option: Option, { device, driver }: PooledDevice): boolean {
  const ask = (who: string, expression: string | undefined, i: number): boolean => {
    try {
      return expression === undefined || selects(expression, driver, device);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`${who}: selector #${i}: ${message.startsWith('CEL compile error') ? message : `CEL runtime error: ${message}`}`, { cause: error });
    }
  };
  const classes = (option.class.spec.selectors ?? []).every(({ cel }, i) => ask(`class ${option.class.metadata.name}`, cel?.expression, i));
  return classes && (option.asked.selectors ?? []).every(({ cel }, i) => ask(`claim ${metadata.namespace}/${metadata.name}`, cel?.expression, i));
}

function taintsKeepOut({ asked }: Option, { device }: PooledDevice): boolean {
  return (device.taints ?? []).some((taint) => taint.effect !== 'None' && !(asked.tolerations ?? []).some((toleration) => tolerates(toleration, taint)));
}

function resultOf(claim: Claim, given: readonly Given[], node: string): AllocationResult {
  const results = given.map(({ option, device, share }): DeviceRequestAllocationResult => ({
    request: option.name,
    driver: device.driver,
    pool: device.pool,
    device: device.device.name,
    ...(option.isAdmin && { adminAccess: true }),
    ...(option.asked.tolerations?.length && { tolerations: option.asked.tolerations as DeviceToleration[] }),
    ...(device.device.bindingConditions?.length && { bindingConditions: [...device.device.bindingConditions] }),
    ...(device.device.bindingFailureConditions?.length && { bindingFailureConditions: [...device.device.bindingFailureConditions] }),
    ...(share && { shareID: UNNAMED_SHARE, ...(share.size > 0 && { consumedCapacity: textsOf(share) }) }),
  }));
  const chosen = [...new Map(given.map(({ option }) => [option.name, option])).values()];
  const config = [...ofClasses(chosen), ...ofClaim(claim, chosen)];
  const nodeSelector = selectorOf(given, node);
  return { devices: { results, ...(config.length > 0 && { config }) }, ...(nodeSelector && { nodeSelector }) };
}

/** A class's configuration once, with all the requests that use it. */
function ofClasses(options: readonly Option[]): DeviceAllocationConfiguration[] {
  const classes = new Map(options.map((option) => [option.class.metadata.name, option.class]));
  return [...classes.values()].flatMap(({ metadata, spec }) =>
    (spec.config ?? []).map((one) => ({ source: 'FromClass' as const, requests: options.filter((option) => option.class.metadata.name === metadata.name).map(({ name }) => name), ...(one as object) })),
  );
}

function ofClaim({ spec }: Claim, options: readonly Option[]): DeviceAllocationConfiguration[] {
  return (spec.devices.config ?? [])
    .filter(({ requests = [] }) => requests.length === 0 || options.some(({ name }) => requests.includes(name) || requests.includes(name.split('/')[0] as string)))
    .map((one) => ({ source: 'FromClaim' as const, ...(one as object) }));
}

/** Where the devices can be used: a node by its name, or all that the slices ask of nodes. */
function selectorOf(given: readonly Given[], node: string): NodeSelector | undefined {
  const fields: NodeSelectorRequirement[] = [];
  const expressions: NodeSelectorRequirement[] = [];
  const add = (to: NodeSelectorRequirement[], more: readonly DeepReadonly<NodeSelectorRequirement>[]): void => {
    for (const one of more) if (!to.some((known) => JSON.stringify(known) === JSON.stringify(one))) to.push(one as NodeSelectorRequirement);
  };
  for (const { device } of given) {
    const { nodeName, nodeSelector } = device.slice.spec.perDeviceNodeSelection ? device.device : device.slice.spec;
    if (nodeName || device.device.bindsToNode) return { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] };
    const [term] = nodeSelector?.nodeSelectorTerms ?? [];
    add(fields, term?.matchFields ?? []);
    add(expressions, term?.matchExpressions ?? []);
  }
  if (fields.length === 0 && expressions.length === 0) return undefined;
  return { nodeSelectorTerms: [{ ...(fields.length > 0 && { matchFields: fields }), ...(expressions.length > 0 && { matchExpressions: expressions }) }] };
}
