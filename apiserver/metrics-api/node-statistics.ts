/** Looks at nodes when somebody asks what they use, and remembers the last look, since a rate needs two. */
import { sleep, type Clock } from '../../std/clock.ts';
import type { AskNode } from '../streaming/own-node.ts';
import type { Summary } from './summary.ts';
import { usageOf, type NodeUsage, type Sample } from './usage.ts';

export interface NodeStatisticsOptions {
  readonly clock: Clock;
  /** Asks the node's own agent. */
  readonly fetch: (node: string) => Promise<Summary>;
  readonly onError?: (node: string, error: unknown) => void;
}

/** An answer is good for so long: clients' polling periods are longer. */
const FRESH_MS = 10_000;
/** Where no earlier look is known, the second one follows so soon. */
const APART_MS = 1_000;
/** A look that is older says nothing about now. */
const STALE_MS = 120_000;
/** Nodes that are asked at the same time. */
const MAX_PARALLEL = 64;

interface Known {
  readonly last: Sample;
  readonly usage: NodeUsage | undefined;
}

export class NodeStatistics {
  readonly #options: NodeStatisticsOptions;
  /** For each node that has been asked about; those that go are forgotten. */
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<NodeUsage | undefined>>();
  readonly #own = new Map<string, () => Promise<unknown>>();
  readonly #asked = new Map<string, AskNode>();
  readonly #listeners = new Set<() => void>();
  readonly #failing = new Set<string>();

  constructor(options: NodeStatisticsOptions) {
    this.#options = options;
  }

  /** A node of this very process, which is asked without a connection: for its use, and for all that its port would answer. */
  provide(node: string, summary: () => Promise<unknown>, ask?: AskNode): { close(): void } {
    this.#own.set(node, summary);
    if (ask) this.#asked.set(node, ask);
    for (const listener of this.#listeners) listener();
    return {
      close: () => {
        if (this.#own.get(node) !== summary) return;
        this.#own.delete(node);
        this.#asked.delete(node);
      },
    };
  }

  /** Undefined: the node is none of this process, or has a port. */
  asks(node: string): AskNode | undefined {
    return this.#asked.get(node);
  }

  /** The nodes of this process and how they are asked. */
  get own(): ReadonlyMap<string, () => Promise<unknown>> {
    return this.#own;
  }

  get hasOwn(): boolean {
    return this.#own.size > 0;
  }

  onProvided(listener: () => void): void {
    this.#listeners.add(listener);
  }

  forget(node: string): void {
    this.#known.delete(node);
    this.#failing.delete(node);
  }

  /** What these nodes use, by name; those that do not answer are left out. */
  async usage(nodes: readonly string[]): Promise<Map<string, NodeUsage>> {
    const found = new Map<string, NodeUsage>();
    for (let at = 0; at < nodes.length; at += MAX_PARALLEL) {
      const some = nodes.slice(at, at + MAX_PARALLEL);
      const usages = await Promise.all(some.map((node) => this.#usage(node)));
      usages.forEach((usage, i) => usage && found.set(some[i] ?? '', usage));
    }
    return found;
  }

  #usage(node: string): Promise<NodeUsage | undefined> {
    const known = this.#known.get(node);
    if (known?.usage && this.#options.clock.now() - known.last.at < FRESH_MS) return Promise.resolve(known.usage);
    let asking = this.#asking.get(node);
    if (!asking) {
      asking = this.#look(node).finally(() => this.#asking.delete(node));
      this.#asking.set(node, asking);
    }
    return asking;
  }

  async #look(node: string): Promise<NodeUsage | undefined> {
    const { clock, onError } = this.#options;
    try {
      const known = this.#known.get(node)?.last;
      let before = known && clock.now() - known.at <= STALE_MS ? known : undefined;
      // A node of this process may live on a clock that stands still until it is answered.
      if (!before && !this.#own.has(node)) {
        before = await this.#sample(node);
        await sleep(clock, APART_MS);
      }
      const last = await this.#sample(node);
      const usage = usageOf(before, last);
      this.#known.set(node, { last, usage });
      this.#failing.delete(node);
      return usage;
    } catch (error) {
      // Said once, until it answers again.
      if (!this.#failing.has(node)) onError?.(node, error);
      this.#failing.add(node);
      return undefined;
    }
  }

  async #sample(node: string): Promise<Sample> {
    const summary = (await (this.#own.get(node) ?? (() => this.#options.fetch(node)))()) as Summary;
    return { at: this.#options.clock.now(), summary };
  }
}
