/** A simulated node of a cluster in a test: its agent can crash and come back, its power can fail. */
import type { Taint } from '../api/types/core.v1.ts';
import type { AskNode } from '../apiserver/streaming/own-node.ts';
import { openClient } from '../client/open-client.ts';
import { HollowRuntime, type HollowState } from '../kubelet/runtime/hollow.ts';
import type { HollowRules } from '../kubelet/runtime/hollow-behaviour.ts';
import { startHollowNode } from '../kubelet/hollow-node.ts';
import type { Random } from '../std/random.ts';
import type { ClusterLog } from './api-part.ts';
import { Part, type OpenLine, type PartSwitch } from './part.ts';
import type { Clock } from '../std/clock.ts';

export interface NodeOptions {
  /** Default: `node-0`, `node-1`, … */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** What it has, `{ cpu: '4', memory: '8Gi', pods: '20' }`; otherwise 32 CPUs, 256 GiB and 110 pods. */
  readonly capacity?: Readonly<Record<string, string>>;
}

/** `crash()` ends the node agent alone: containers go on, and are found again by `start()`. */
export interface NodeSwitch extends PartSwitch {
  readonly name: string;
  /** The machine itself goes down, and everything on it. */
  powerOff(): void;
}

export interface NodePartOptions {
  readonly node: NodeOptions & { readonly name: string };
  readonly openLine: OpenLine;
  readonly time: Clock;
  readonly random: Random;
  readonly log: ClusterLog;
  readonly rules?: HollowRules;
  readonly saved?: HollowState;
  /** Told each time it has started. */
  readonly onSummary: (summary: () => Promise<unknown>, ask: AskNode) => void;
}

export const KUBELET_PORT = 10_250;

export class NodePart extends Part implements NodeSwitch {
  readonly node: NodePartOptions['node'];
  readonly #runtime: { current: HollowRuntime };
  readonly #options: NodePartOptions;

  constructor(options: NodePartOptions) {
    const { node, openLine, time, random, log, saved, rules, onSummary } = options;
    const runtime = { current: newRuntime(options, saved) };
    super(openLine, async (door) => {
      const client = openClient(door({ user: `system:node:${node.name}`, groups: ['system:nodes'], userAgent: 'kubelet' }), { userAgent: 'kubelet' });
      const { labels, taints, capacity } = node;
      const started = await startHollowNode({
        client,
        name: node.name,
        clock: time,
        random,
        log,
        address: '127.0.0.1',
        port: KUBELET_PORT,
        runtime: runtime.current,
        ...(rules && { rules }),
        ...(labels && { labels }),
        ...(taints && { taints }),
        ...(capacity && { capacity }),
      });
      onSummary(() => started.backend.summary(), async (request) => (await import('../kubelet/server/direct.ts')).askDirectly(started.backend, request));
      return started;
    });
    this.node = node;
    this.#runtime = runtime;
    this.#options = options;
  }

  get name(): string {
    return this.node.name;
  }

  powerOff(): void {
    this.crash();
    void this.#runtime.current.close();
    this.#runtime.current = newRuntime(this.#options);
  }

  save(): HollowState {
    return this.#runtime.current.save();
  }
}

function newRuntime({ time, random, rules, node }: NodePartOptions, saved?: HollowState): HollowRuntime {
  return new HollowRuntime({ clock: time, random, nodeName: node.name, ...(rules && { rules }), ...(saved && { saved }) });
}
