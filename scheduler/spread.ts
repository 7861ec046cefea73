/** Topology spread: which nodes would hold too many, and how the others score. Follows the framework's PodTopologySpread. */
import { type Selector, matchesLabels, selectLabels } from '../api/selectors.ts';
import type { Pod, TopologySpreadConstraint } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { DeepReadonly } from '../std/deep.ts';
import type { Demand } from './demand.ts';
import { FINE, type Obstacle } from './filters.ts';
import type { Refusal } from './refusal.ts';
import type { Memo } from './memo.ts';
import { Scratch } from './scratch.ts';
import type { Snapshot } from './snapshot.ts';
import { type Labels, type Selection, compiled, textOf, withinOf } from './terms.ts';
import { type Domains, HOSTNAME } from './topology.ts';

const MAX = 100;
const UNEVEN: readonly Refusal[] = [{ plugin: 'PodTopologySpread', reason: "node(s) didn't match pod topology spread constraints", lasting: false }];
const NO_KEY: readonly Refusal[] = [{ plugin: 'PodTopologySpread', reason: "node(s) didn't match pod topology spread constraints (missing required label)", lasting: true }];

/** A pod to be placed, with what is known of its kind. */
export interface Asking {
  readonly pod: Stored<Pod>;
  readonly demand: Demand;
  readonly memo: Memo;
}

interface Constraint {
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selection: Selection;
  readonly selectsItself: boolean;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
  readonly domains: Domains;
}

export function spreadObstacle(snapshot: Snapshot, asking: Asking): Obstacle | undefined {
  const constraints = constraintsOf(snapshot, asking, 'DoNotSchedule');
  if (constraints.length === 0) return undefined;
  const states = constraints.map((constraint) => ({ constraint, ...stateOf(snapshot, asking, constraint, constraints) }));
  return (row) => {
    for (const { constraint, counts, least } of states) {
      const domain = constraint.domains.of[row] as number;
      if (domain < 0) return NO_KEY;
      if (Math.max(0, counts[domain] as number) + (constraint.selectsItself ? 1 : 0) - least > constraint.maxSkew) return UNEVEN;
    }
    return FINE;
  };
}

/** Selected pods by domain (-1: no node that counts is there), and the fewest of any domain. */
function stateOf(snapshot: Snapshot, { memo }: Asking, constraint: Constraint, all: readonly Constraint[]): { counts: Int32Array; least: number } {
  const { domains } = constraint;
  const pods = snapshot.counts(constraint.selection);
  const counts = new Int32Array(domains.size).fill(-1);
  for (let row = 0; row < snapshot.rows; row++) {
    if (!counted(memo, row, constraint) || !all.every((one) => (one.domains.of[row] as number) >= 0)) continue;
    const domain = domains.of[row] as number;
    counts[domain] = Math.max(0, counts[domain] as number) + (pods[row] as number);
  }
  let least = Infinity;
  let present = 0;
  for (const count of counts) {
    if (count < 0) continue;
    present++;
    if (count < least) least = count;
  }
  return { counts, least: present < constraint.minDomains ? 0 : least };
}

function counted(memo: Memo, row: number, { honorAffinity, honorTaints }: Constraint): boolean {
  return (!honorAffinity || memo.wants(row)) && (!honorTaints || memo.tolerates(row));
}

const scratch = { sums: new Scratch(Float64Array), ignored: new Scratch(Uint8Array), byDomain: new Scratch(Int32Array), seen: new Scratch(Uint8Array) };

/** From 0 to 100 for each row of `rows`, until the next decision; undefined where nothing is to be spread. */
export function spreadScores(snapshot: Snapshot, rows: Int32Array, count: number, asking: Asking): Float64Array | undefined {
  const constraints = constraintsOf(snapshot, asking, 'ScheduleAnyway');
  if (constraints.length === 0) return undefined;
  // Nodes that lack a key of the constraints come last; the system's own make do with the keys that are there.
  const own = (asking.pod.spec.topologySpreadConstraints?.length ?? 0) > 0 || !asking.memo.ask.profile.spreadIsSystem;
  const ignored = scratch.ignored.zeros(count);
  let kept = count;
  if (own) {
    for (let i = 0; i < count; i++) {
      if (constraints.every(({ domains }) => (domains.of[rows[i] as number] as number) >= 0)) continue;
      ignored[i] = 1;
      kept--;
    }
  }
  const sums = scratch.sums.zeros(count);
  for (const constraint of constraints) addScores(sums, { snapshot, asking, constraint, constraints: own ? constraints : [], rows, ignored, kept });
  return normalized(sums, ignored);
}

interface Scoring {
  readonly snapshot: Snapshot;
  readonly asking: Asking;
  readonly constraint: Constraint;
  /** Only nodes with the keys of all these count. */
  readonly constraints: readonly Constraint[];
  readonly rows: Int32Array;
  readonly ignored: Uint8Array;
  readonly kept: number;
}

function addScores(sums: Float64Array, { snapshot, asking, constraint, constraints, rows, ignored, kept }: Scoring): void {
  const { domains, maxSkew, selection } = constraint;
  // No node has the key.
  if (domains.size === 0) return;
  const pods = snapshot.counts(selection);
  const { of } = domains;
  const perHost = domains.key === HOSTNAME;
  const byDomain = scratch.byDomain.zeros(perHost ? 0 : domains.size);
  const seen = scratch.seen.zeros(perHost ? 0 : domains.size);
  let size = perHost ? kept : 0;
  if (!perHost) {
    let lacking = false;
    for (let i = 0; i < sums.length; i++) {
      if (ignored[i]) continue;
      const domain = of[rows[i] as number] as number;
      if (domain < 0) lacking = true;
      else if (!seen[domain]) {
        seen[domain] = 1;
        size++;
      }
    }
    // Nodes without the key are one domain more when the domains are counted, though they get no score from it.
    if (lacking) size++;
    for (let row = 0; row < snapshot.rows; row++) {
      const domain = of[row] as number;
      if (domain < 0 || pods[row] === 0 || !counted(asking.memo, row, constraint) || !constraints.every((one) => (one.domains.of[row] as number) >= 0)) continue;
      byDomain[domain] = (byDomain[domain] as number) + (pods[row] as number);
    }
  }
  const weight = Math.log(size + 2);
  for (let i = 0; i < sums.length; i++) {
    const row = rows[i] as number;
    const domain = of[row] as number;
    if (ignored[i] || domain < 0) continue;
    const there = perHost ? (pods[row] as number) : (byDomain[domain] as number);
    sums[i] = (sums[i] as number) + there * weight + (maxSkew - 1);
  }
}

/** The fewer pods, the better; nodes that are ignored get nothing. */
function normalized(sums: Float64Array, ignored: Uint8Array): Float64Array {
  let least = Infinity;
  let most = 0;
  for (let i = 0; i < sums.length; i++) {
    if (ignored[i]) continue;
    const sum = (sums[i] = Math.round(sums[i] as number));
    if (sum < least) least = sum;
    if (sum > most) most = sum;
  }
  for (let i = 0; i < sums.length; i++) sums[i] = ignored[i] ? 0 : most === 0 ? MAX : Math.trunc((MAX * (most + least - (sums[i] as number))) / most);
  return sums;
}

/** The pod's own constraints, or the profile's for what belongs together. */
function constraintsOf(snapshot: Snapshot, asking: Asking, when: string): Constraint[] {
  const { metadata, spec } = asking.pod;
  if (!spec.topologySpreadConstraints?.length) return defaults(snapshot, asking, when);
  return spec.topologySpreadConstraints
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when)
    .map((constraint) => {
      const selector = selectorOf(constraint, metadata.labels ?? {});
      return {
        maxSkew: constraint.maxSkew,
        minDomains: constraint.minDomains ?? 1,
        selection: selected(metadata.namespace, selector),
        selectsItself: matchesLabels(selector, metadata.labels),
        honorAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
        honorTaints: constraint.nodeTaintsPolicy === 'Honor',
        domains: snapshot.domains(constraint.topologyKey),
      };
    });
}

function defaults(snapshot: Snapshot, { pod, memo }: Asking, when: string): Constraint[] {
  const wanted = memo.ask.profile.spread.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when);
  const selector = wanted.length > 0 ? snapshot.defaultSelectors.of(pod) : undefined;
  if (!selector) return [];
  const selection = selected(pod.metadata.namespace, selector);
  return wanted.map(({ maxSkew, topologyKey }) => ({
    maxSkew,
    minDomains: 1,
    selection,
    selectsItself: matchesLabels(selector, pod.metadata.labels),
    honorAffinity: true,
    honorTaints: false,
    domains: snapshot.domains(topologyKey),
  }));
}

function selectorOf({ labelSelector, matchLabelKeys = [] }: DeepReadonly<TopologySpreadConstraint>, labels: Labels): Selector {
  const selector = compiled(labelSelector);
  const shared = Object.fromEntries(matchLabelKeys.filter((key) => Object.hasOwn(labels, key)).map((key) => [key, labels[key] as string]));
  return { ...selector, requirements: [...selector.requirements, ...selectLabels(shared).requirements] };
}

/** Pods that are ending do not count, and an empty selector counts none. */
function selected(namespace: string, selector: Selector): Selection {
  const empty = selector.requirements.length === 0;
  return {
    signature: `spread|${namespace}|${empty ? '' : textOf(selector)}`,
    looksAtNamespaces: false,
    within: empty ? undefined : withinOf(namespace, selector),
    matches: (pod) => !empty && !pod.terminating && pod.namespace === namespace && matchesLabels(selector, pod.labels),
  };
}
