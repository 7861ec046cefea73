/** Disruption budgets, as far as preemption looks at them. */
import { type Selector, matchesLabels } from '../api/selectors.ts';
import type { PodDisruptionBudget } from '../api/types/policy.v1.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { compiled } from './terms.ts';

interface Budget {
  readonly namespace: string;
  readonly selector: Selector;
  readonly allowed: number;
  /** Pods whose disruption is counted already. */
  readonly disrupted: ReadonlySet<string>;
}

const NONE: ReadonlySet<Stored<Pod>> = new Set();

export class Budgets {
  readonly #budgets = new Map<string, Budget>();
  /** Moves with every change. */
  version = 0;

  set({ metadata, spec, status }: Stored<PodDisruptionBudget>): void {
    this.version++;
    this.#budgets.set(metadata.uid, {
      namespace: metadata.namespace,
      selector: compiled(spec?.selector),
      allowed: status?.disruptionsAllowed ?? 0,
      disrupted: new Set(Object.keys(status?.disruptedPods ?? {})),
    });
  }

  remove(uid: string): void {
    this.version++;
    this.#budgets.delete(uid);
  }

  /** Which of the pods, were they to go one after the other, would break a budget. */
  broken(pods: readonly Stored<Pod>[]): ReadonlySet<Stored<Pod>> {
    if (this.#budgets.size === 0) return NONE;
    const left = new Map([...this.#budgets.values()].map((budget) => [budget, budget.allowed]));
    const out = new Set<Stored<Pod>>();
    for (const pod of pods) {
      const { labels = {}, namespace, name } = pod.metadata;
      for (const [budget, allowed] of left) {
        const { selector, disrupted } = budget;
        const covers = budget.namespace === namespace && selector.requirements.length > 0 && matchesLabels(selector, labels) && !disrupted.has(name);
        if (!covers) continue;
        left.set(budget, allowed - 1);
        if (allowed < 1) out.add(pod);
      }
    }
    return out;
  }
}
