/** Watches the store itself, change by change, and says what must never be: the invariants that hold at every step. */
import { createHash } from 'node:crypto';
import type { ApiCall } from '../../api/request.ts';
import type { Change } from '../../apiserver/storage/store.ts';
import { milliValue, parseQuantity, value as valueOf } from '../../api/quantity.ts';
import { NODE_ROOM, podFacts, Recent, share, type PodFacts, type Raw } from './picture.ts';
import { UNHEARD_MS, type Rule, type Scene } from './rules/rule.ts';
import type { SimulationTime } from './time.ts';

interface Owner {
  readonly key: string;
  readonly kind: string;
  readonly owner: string | undefined;
  readonly replicas: Recent;
  readonly surge: Recent;
  readonly maxUnavailable: Recent;
  /** By the status of a set. */
  readonly available: Recent;
  /** Creations whose answer was lost: each may have to be undone later. */
  readonly surplus: Recent;
}

export class Auditor {
  readonly violations: string[] = [];
  readonly #time: SimulationTime;
  readonly #pods = new Map<string, PodFacts>();
  readonly #owners = new Map<string, Owner>();
  readonly #quotas = new Map<string, { readonly namespace: string; readonly pods: Recent; readonly milliCpu: Recent }>();
  /** What was written last, by key. */
  readonly #last = new Map<string, Raw>();
  readonly #uids = new Map<number, string>();
  readonly #hash = createHash('sha256');
  readonly #tail: string[] = [];
  readonly #onLine: ((line: string) => void) | undefined;
  changes = 0;
  /** When something was last written that is no heartbeat. */
  lastWork = 0;
  /** Until then two may lead at once, and too many pods may be made. */
  #relaxedUntil = 0;
  #shiftedAt = -Infinity;
  readonly #rules: readonly Rule[];

  constructor(time: SimulationTime, { rules = [], onLine }: { readonly rules?: readonly ((scene: Scene) => Rule)[]; readonly onLine?: ((line: string) => void) | undefined } = {}) {
    this.#time = time;
    this.#onLine = onLine;
    const scene: Scene = {
      monotonic: () => time.monotonic(),
      wall: () => time.now(),
      steadyMs: () => time.monotonic() - this.#shiftedAt,
      isRelaxed: () => time.monotonic() < this.#relaxedUntil,
      say: (violation) => this.#violation(violation),
    };
    this.#rules = rules.map((rule) => rule(scene));
  }

  /** Of everything that happened so far, in its order. */
  get hash(): string {
    return this.#hash.copy().digest('hex');
  }

  get tail(): readonly string[] {
    return this.#tail;
  }

  note(line: string): void {
    const text = `${(this.#time.elapsedMs / 1000).toFixed(3)} ${line}`;
    this.#hash.update(text);
    this.#tail.push(text);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    this.#onLine?.(text);
  }

  relax(): void {
    this.#relaxedUntil = this.#time.monotonic() + RELAX_MS;
  }

  /** The clock on the wall jumps. */
  shifted(): void {
    this.#shiftedAt = this.#time.monotonic();
  }

  change({ key, revision, value, previous }: Change): void {
    this.changes++;
    const say = (about = ''): void => this.note(`${revision} ${key} ${value ? digestOf(value) : 'deleted'}${about}`);
    const isHeartbeat = HEARTBEATS.some((prefix) => key.startsWith(prefix));
    if (isHeartbeat && value) this.#uids.set(revision, UNKNOWN);
    if (isHeartbeat && !key.startsWith(NODES)) return say();
    const now = value && (JSON.parse(value.toString()) as Raw);
    const before = previous && (this.#last.get(key) ?? (JSON.parse(previous.toString()) as Raw));
    if (now) this.#last.set(key, now);
    else this.#last.delete(key);
    const raw = (now ?? before) as Raw;
    say(now && aboutOf(now));
    for (const rule of this.#rules) rule.changed({ now, before });
    if (isHeartbeat) return;
    if (!raw.metadata.name.startsWith(CLOCKWORK)) this.lastWork = this.#time.monotonic();
    this.#uids.set(revision, raw.metadata.uid);
    // A claim passes from a StatefulSet to the pod that takes it along, and back.
    if (now && before && raw.kind !== 'PersistentVolumeClaim') this.#sameOwner(before, now);
    switch (raw.kind) {
      case 'Pod':
        return now ? this.#podSet(now) : this.#podGone(raw);
      case 'ReplicaSet':
      case 'Deployment':
        return now ? this.#ownerSet(now) : void this.#owners.delete(raw.metadata.uid);
      case 'PodDisruptionBudget':
        return now && before ? this.#budgetSet(now, before) : undefined;
      case 'ResourceQuota':
        return now ? this.#quotaSet(now) : void this.#quotas.delete(raw.metadata.uid);
    }
  }

  /** The server said that this was written: then it was. */
  acknowledged(call: ApiCall, answer: unknown): void {
    const { metadata } = answer as { metadata?: { resourceVersion?: string; uid?: string } };
    if (call.query?.['dryRun'] || !metadata?.resourceVersion || !metadata.uid || call.verb === 'delete') return;
    const uid = this.#uids.get(Number(metadata.resourceVersion));
    if (uid !== UNKNOWN && uid !== metadata.uid) this.#violation(`acknowledged, but not written: ${call.verb} ${call.resource} ${call.namespace}/${call.name} at ${metadata.resourceVersion}`);
  }

  /** A pod may have been made that nobody knows of yet. */
  lost(call: ApiCall): void {
    for (const rule of this.#rules) rule.unsure?.(call);
    if (call.verb !== 'create' || call.resource !== 'pods' || call.subresource) return;
    const owner = (call.body as Raw).metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    const one = owner === undefined ? undefined : this.#owners.get(owner);
    if (one) this.#oneMore(one.surplus);
  }

  refused(call: ApiCall): void {
    for (const rule of this.#rules) rule.unsure?.(call);
  }

  #oneMore(surplus: Recent): void {
    const at = this.#time.monotonic();
    const more = surplus.max(at) + 1;
    surplus.set(more, at);
    surplus.set(0, at);
  }

  #violation(what: string): void {
    this.violations.push(`${(this.#time.elapsedMs / 1000).toFixed(3)} s: ${what}`);
    this.note(`VIOLATION ${what}`);
  }

  #sameOwner(before: Raw, now: Raw): void {
    const of = (raw: Raw): string | undefined => raw.metadata.ownerReferences?.filter(({ controller }) => controller).map(({ uid }) => uid).join();
    const [old, fresh] = [of(before), of(now)];
    if (fresh?.includes(',')) this.#violation(`${now.kind} ${now.metadata.name} has two controllers`);
    if (old && fresh && old !== fresh) this.#violation(`${now.kind} ${now.metadata.name} went from one controller to another`);
  }

  #podSet(raw: Raw): void {
    const facts = podFacts(raw);
    const known = this.#pods.get(facts.uid);
    if (known?.node !== undefined && known.node !== facts.node) this.#violation(`pod ${facts.key} moved from ${known.node} to ${facts.node}`);
    if (known?.isTerminal && !facts.isTerminal) this.#violation(`pod ${facts.key} rose from the dead`);
    this.#pods.set(facts.uid, facts);
    if (facts.node !== undefined && known?.node === undefined) this.#roomOn(facts.node);
    if (known) return;
    if (this.#time.monotonic() >= this.#relaxedUntil) this.#notTooMany(facts);
    this.#withinQuota(facts);
  }

  #podGone({ metadata: { uid } }: Raw): void {
    this.#pods.delete(uid);
  }

  #roomOn(node: string): void {
    let [count, milliCpu, memory] = [0, 0, 0];
    for (const facts of this.#pods.values()) {
      if (facts.node !== node || facts.isTerminal) continue;
      count++;
      milliCpu += facts.milliCpu;
      memory += facts.memory;
    }
    if (count > NODE_ROOM.pods || milliCpu > NODE_ROOM.milliCpu || memory > NODE_ROOM.memory) this.#violation(`${node} is overcommitted: ${count} pods, ${milliCpu}m CPU, ${memory} bytes`);
  }

  #ownerSet({ kind, metadata, spec = {}, status = {} }: Raw): void {
    const at = this.#time.monotonic();
    const replicas = Number(spec['replicas'] ?? 1);
    const { surge, maxUnavailable } = kind === 'Deployment' ? bounds(spec, replicas) : { surge: 0, maxUnavailable: 0 };
    const available = Number(status['availableReplicas'] ?? 0);
    const known = this.#owners.get(metadata.uid);
    if (known) {
      const before = known.replicas.value;
      known.replicas.set(replicas, at);
      known.surge.set(surge, at);
      known.maxUnavailable.set(maxUnavailable, at);
      known.available.set(available, at);
      if (replicas !== before) this.#resized(metadata.uid, before, replicas);
      return;
    }
    const recent = (value: number): Recent => new Recent(value, UNHEARD_MS);
    const owner = metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    this.#owners.set(metadata.uid, { key: `${metadata.namespace}/${metadata.name}`, kind, owner, replicas: recent(replicas), surge: recent(surge), maxUnavailable: recent(maxUnavailable), available: recent(available), surplus: new Recent(0, SURPLUS_MS) });
    if (replicas > 0) this.#resized(metadata.uid, 0, replicas);
  }

  /** Never more pods than their set asks for. */
  #notTooMany({ owner }: PodFacts): void {
    const at = this.#time.monotonic();
    const one = owner === undefined ? undefined : this.#owners.get(owner);
    if (!one) return;
    const count = [...this.#pods.values()].filter((facts) => facts.owner === owner && !facts.isTerminal && !facts.isDeleting).length;
    const limit = one.replicas.max(at) + one.surplus.max(at);
    if (count > limit) this.#violation(`${one.kind} ${one.key} has ${count} pods, at most ${limit} are allowed`);
  }

  /** A set is made smaller or larger by its Deployment: what that amounts to, as far as anybody can know. */
  #resized(uid: string, from: number, to: number): void {
    const set = this.#owners.get(uid);
    const deployment = set?.owner === undefined ? undefined : this.#owners.get(set.owner);
    const at = this.#time.monotonic();
    if (!set || !deployment || at < this.#relaxedUntil) return;
    const sets = [...this.#owners.values()].filter(({ owner }) => owner === set.owner);
    if (to > from) {
      const sum = sets.reduce((total, { replicas }) => total + replicas.value, 0);
      const limit = deployment.replicas.max(at) + deployment.surge.max(at);
      if (sum > limit) this.#violation(`the sets of ${deployment.key} ask for ${sum} pods together, at most ${limit} are allowed`);
      return;
    }
    // A Deployment that is scaled in the middle of a roll-out takes from each set by its size, as upstream's, available or not.
    if (deployment.replicas.max(at) !== deployment.replicas.min(at)) return;
    // In whatever way it may have looked to who decided, as long as nothing available was taken or enough was left.
    const lost = Math.min(set.available.min(at), from) - Math.min(set.available.min(at), to);
    const left = sets.reduce((total, { available, replicas }) => total + Math.min(available.max(at), replicas.value), 0);
    const wanted = deployment.replicas.min(at) - deployment.maxUnavailable.max(at);
    if (lost > 0 && left < wanted) this.#violation(`${deployment.key} was left with ${left} available pods by our own hand, ${wanted} must be`);
  }

  #budgetSet({ metadata, status = {} }: Raw, before: Raw): void {
    const allowed = Number(status['disruptionsAllowed'] ?? 0);
    const was = Number(before.status?.['disruptionsAllowed'] ?? 0);
    const disrupted = (of: Raw['status']): number => Object.keys((of?.['disruptedPods'] as object | undefined) ?? {}).length;
    const isEviction = disrupted(status) > disrupted(before.status);
    if (isEviction && was < 1) this.#violation(`${metadata.namespace}/${metadata.name} let a pod be evicted though it allowed no disruption`);
    if (isEviction && allowed !== was - 1) this.#violation(`${metadata.namespace}/${metadata.name} allowed ${was} disruptions before an eviction and ${allowed} after`);
  }

  /** What binds is what the controller has taken note of, as upstream's. */
  #quotaSet({ metadata, status = {} }: Raw): void {
    const hard = (status['hard'] as Readonly<Record<string, string>> | undefined) ?? {};
    const amount = (name: string, of: (quantity: never) => number): number => (hard[name] === undefined ? Infinity : of(parseQuantity(hard[name]) as never));
    const at = this.#time.monotonic();
    const [pods, milliCpu] = [amount('pods', valueOf as never), amount('requests.cpu', milliValue as never)];
    const known = this.#quotas.get(metadata.uid);
    known?.pods.set(pods, at);
    known?.milliCpu.set(milliCpu, at);
    // A quota binds once its use has been counted; what stood before stays.
    if (!known) this.#quotas.set(metadata.uid, { namespace: metadata.namespace ?? '', pods: quotaLimit(pods, at), milliCpu: quotaLimit(milliCpu, at) });
  }

  #withinQuota({ namespace }: PodFacts): void {
    const at = this.#time.monotonic();
    for (const quota of this.#quotas.values()) {
      if (quota.namespace !== namespace) continue;
      const mine = [...this.#pods.values()].filter((facts) => facts.namespace === namespace && !facts.isTerminal && !facts.isDeleting);
      const milliCpu = mine.reduce((sum, facts) => sum + facts.milliCpu, 0);
      if (mine.length > quota.pods.max(at) || milliCpu > quota.milliCpu.max(at)) this.#violation(`${namespace} is over its quota: ${mine.length} pods, ${milliCpu}m CPU`);
    }
  }
}

/** What a reader of the history wants to know of a pod. */
function aboutOf({ kind, metadata, spec = {}, status = {} }: Raw): string {
  if (kind !== 'Pod') return metadata.deletionTimestamp === undefined ? '' : ' going';
  const words = [spec['nodeName'], status['nominatedNodeName'] && `to ${String(status['nominatedNodeName'])}`, status['phase'], metadata.deletionTimestamp && 'going'];
  return ` ${words.filter(Boolean).join(' ')}`;
}

/** Certificates are drawn anew by each process and are no part of the history. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/g;

function digestOf(value: Buffer): string {
  return createHash('sha1').update(value.toString().replaceAll(CERTIFICATE, 'a certificate')).digest('hex').slice(0, 12);
}

/** Its first while it limits nothing. */
function quotaLimit(limit: number, at: number): Recent {
  const recent = new Recent(Infinity, UNHEARD_MS);
  recent.set(limit, at);
  return recent;
}

const UNKNOWN = 'some heartbeat';
const TAIL_LINES = 60;
const RELAX_MS = 45_000;
/** A surplus pod is found and taken away, or not needed any more, within this. */
const SURPLUS_MS = 180_000;
const NODES = '/registry/minions/';
const HEARTBEATS = ['/registry/leases/', '/registry/events/', NODES];
/** What is made by the clock goes on for ever: its name begins so. */
export const CLOCKWORK = 'tick-';

function bounds(spec: NonNullable<Raw['spec']>, replicas: number): { readonly surge: number; readonly maxUnavailable: number } {
  const { type, rollingUpdate } = (spec['strategy'] as { type?: string; rollingUpdate?: { maxSurge?: unknown; maxUnavailable?: unknown } } | undefined) ?? {};
  if (type === 'Recreate') return { surge: 0, maxUnavailable: replicas };
  const surge = share(rollingUpdate?.maxSurge, replicas, 'up');
  const down = share(rollingUpdate?.maxUnavailable, replicas, 'down');
  // Both may not be nothing, or nothing could ever be replaced.
  return { surge, maxUnavailable: surge === 0 && down === 0 ? 1 : down };
}
