/** Keeps this node known: registers it, renews its lease, and writes its status when it changes or every five minutes. */
import { leases, nodes } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import type { Node, NodeCondition } from '../api/types/core.v1.ts';
import type { Lease } from '../api/types/coordination.v1.ts';
import type { Client, Stored } from '../client/client.ts';
import { microTimeText, timeText } from '../client/time.ts';
import { trimmed } from '../client/trimmed.ts';
import { backoff } from '../std/backoff.ts';
import { every, sleep, type Clock, type Timer } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import { deepEqual } from '../std/deep.ts';
import type { Log } from './context.ts';
import { advertised, type NodeDescription, type NodeHealth, nodeObject, nodeStatus } from './node-object.ts';

export interface NodeAgentOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly node: NodeDescription;
  readonly health: () => Promise<NodeHealth>;
  /** How often it says that it lives, and looks whether its status has changed. */
  readonly heartbeatMs?: number;
  /** How often it looks what others have said of the node meanwhile; default: with each heartbeat. */
  readonly lookMs?: number;
  /** The node has become ready, or is so no more. */
  readonly onReady: (isReady: boolean) => void;
  readonly signal: AbortSignal;
}

const LEASE_SECONDS = 40;
const HEARTBEAT_MS = 10_000;
const LEASE_RETRY = { baseMs: 200, limitMs: 7000 };
const NOT_READY_LOOK_MS = 500;
const STATUS_WRITE_MS = 300_000;
const POD_CIDR_LOOK_MS = 100;
const REGISTER_RETRY = { baseMs: 200, limitMs: 7000 };
const NAMESPACE = 'kube-node-lease';

export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #timers: Timer[] = [];
  #leaseTimer: Timer | undefined;
  #conditions: readonly NodeCondition[] = [];
  #written: { readonly at: number; readonly health: NodeHealth } | undefined;
  #lease: Stored<Lease> | undefined;
  #podCidrs: readonly string[] = [];
  #labels: Readonly<Record<string, string>>;
  #seenAt = -Infinity;

  constructor(options: NodeAgentOptions) {
    this.#options = options;
    this.#labels = nodeObject(options.node).metadata?.labels ?? {};
  }

  /** Those that users give it as well, as they were when it was last seen. */
  get labels(): Readonly<Record<string, string>> {
    return this.#labels;
  }

  async lookAgain(): Promise<void> {
    await this.#see();
  }

  /** The pod ranges that the node was given, as far as is known. */
  get podCidrs(): readonly string[] {
    return this.#podCidrs;
  }

  /** Waits for a controller to give the node its pod ranges, within reason. */
  async awaitPodCidrs(timeoutMs: number): Promise<readonly string[]> {
    const { client, clock, node, signal } = this.#options;
    const deadline = clock.monotonic() + timeoutMs;
    while (this.#podCidrs.length === 0 && clock.monotonic() < deadline && !signal.aborted) {
      await sleep(clock, POD_CIDR_LOOK_MS, signal);
      const known = await client.get(nodes, { name: node.name }).catch(() => undefined);
      this.#podCidrs = podCidrsOf(known?.spec);
    }
    return this.#podCidrs;
  }

  /** Resolves when the node is registered and its status written once. */
  async start(): Promise<void> {
    await this.#register();
    const { clock, log, signal, heartbeatMs = HEARTBEAT_MS } = this.#options;
    // Who stops may find the server gone already.
    const failed = (error: unknown): void => void (signal.aborted || log.warn({ error: String(error) }, 'the node could not be kept known'));
    await this.writeStatus().catch(failed);
    await this.#keepLease(failed, 0);
    this.#timers.push(every(clock, heartbeatMs, () => this.writeStatus(), failed));
    this.#awaitReadiness(failed);
  }

  /** What could not be renewed is tried again soon: the next heartbeat may be too late. */
  async #keepLease(failed: (error: unknown) => void, failures: number): Promise<void> {
    const { clock, signal, heartbeatMs = HEARTBEAT_MS } = this.#options;
    const hasFailed = await this.#renewLease().then(() => false, (error: unknown) => (failed(error), true));
    if (signal.aborted) return;
    this.#leaseTimer = clock.after(hasFailed ? backoff(failures, LEASE_RETRY) : heartbeatMs, () => void this.#keepLease(failed, hasFailed ? failures + 1 : 0));
  }

  /** A node that is not ready yet will be soon, and is waited for. */
  #awaitReadiness(failed: (error: unknown) => void): void {
    if (this.#isReady || this.#options.signal.aborted) return;
    const timer = this.#options.clock.after(NOT_READY_LOOK_MS, () => {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      void this.writeStatus().catch(failed).then(() => this.#awaitReadiness(failed));
    });
    this.#timers.push(timer);
  }

  get #isReady(): boolean {
    return this.#conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  }

  stop(): void {
    this.#leaseTimer?.cancel();
    for (const timer of this.#timers) timer.cancel();
  }

  async writeStatus(): Promise<void> {
    const { client, clock, node } = this.#options;
    const now = clock.now();
    const health = await this.#options.health();
    const isDue = !this.#written || now - this.#written.at >= STATUS_WRITE_MS || !deepEqual(this.#written.health, health);
    const looks = this.#written && (isDue || now - this.#seenAt >= (this.#options.lookMs ?? 0));
    const known = looks ? await this.#see().catch(() => undefined) : undefined;
    const others = advertised(node, known?.status ?? {});
    if (!isDue && Object.keys(others).length === 0) return;
    const own = nodeStatus(node, health, this.#conditions, timeText(now));
    const status = { ...own, allocatable: { ...own.allocatable, ...others } };
    const { spec } = await client.patch(nodes, { name: node.name }, { type: 'application/strategic-merge-patch+json', body: { status } }, { subresource: 'status' });
    this.#podCidrs = podCidrsOf(spec);
    const wasReady = this.#isReady;
    this.#conditions = status.conditions ?? [];
    this.#written = { at: now, health };
    if (this.#isReady === wasReady) return;
    this.#options.onReady(this.#isReady);
    if (wasReady) this.#awaitReadiness(() => undefined);
  }

  async #see(): Promise<Stored<Node>> {
    const { client, node } = this.#options;
    const known = await client.get(nodes, { name: node.name });
    this.#seenAt = this.#options.clock.now();
    this.#labels = known.metadata.labels ?? {};
    return known;
  }

  async #register(): Promise<void> {
    const { client, clock, random, log, node, signal } = this.#options;
    const object = nodeObject(node);
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const known = await client.create(nodes, object).catch(async (error: unknown) => {
          if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
          const present = await client.get(nodes, { name: node.name });
          const labels = { ...present.metadata.labels, ...object.metadata?.labels };
          if (deepEqual(labels, present.metadata.labels)) return present;
          return client.patch(nodes, { name: node.name }, { type: 'application/merge-patch+json', body: { metadata: { labels } } });
        });
        this.#conditions = (known.status?.conditions ?? []) as readonly NodeCondition[];
        this.#podCidrs = podCidrsOf(known.spec);
        this.#labels = known.metadata.labels ?? {};
        return;
      } catch (error) {
        log.warn({ node: node.name, error: String(error) }, 'the node could not be registered');
        await sleep(clock, backoff(attempt, REGISTER_RETRY, random), signal);
      }
    }
  }

  async #renewLease(): Promise<void> {
    const { client, clock, node } = this.#options;
    const key = { namespace: NAMESPACE, name: node.name };
    const renewTime = microTimeText(clock.now());
    try {
      if (this.#lease) {
        this.#lease = trimmed(await client.update(leases, { ...this.#lease, spec: { ...this.#lease.spec, renewTime } }));
        return;
      }
    } catch (error) {
      this.#lease = undefined;
      if (!(error instanceof ApiError) || (error.code !== 404 && error.code !== 409)) throw error;
    }
    const spec = { holderIdentity: node.name, leaseDurationSeconds: LEASE_SECONDS, renewTime };
    try {
      const present = await client.get(leases, key);
      this.#lease = trimmed(await client.update(leases, { ...present, spec: { ...present.spec, ...spec } }));
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 404) throw error;
      const { metadata } = await client.get(nodes, { name: node.name });
      const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: node.name, uid: metadata.uid }];
      this.#lease = trimmed(await client.create(leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...key, ownerReferences }, spec }));
    }
  }
}

function podCidrsOf(spec: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] } | undefined): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
}
