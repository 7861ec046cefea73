/** Why a pod fits nowhere, in the words that events and conditions show, and what could be done about it. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Random } from '../std/random.ts';
import { type Case, refusalsAt } from './case.ts';
import { standsFor } from './devices/extended.ts';
import type { Claim } from './devices/devices.ts';
import type { Impossible, Refusal } from './refusal.ts';
import { NEVER, chosen, ineligible, preempt } from './preempt.ts';
import type { Candidate, Preemption } from './candidate.ts';
import type { Profile } from './profile.ts';
import type { Snapshot } from './snapshot.ts';

export interface Unschedulable {
  /** One line: `0/5 nodes are available: 2 Insufficient cpu, …` */
  readonly message: string;
  /** Names of the filters that refused it: which changes in the cluster may help. */
  readonly plugins: ReadonlySet<string>;
  /** Pods of one kind are refused alike by the nodes themselves; absent where no node was asked. */
  readonly kind?: string;
  /** Pods to evict so that it will fit. */
  readonly preemption?: Preemption;
  /** Where others have a say in who is evicted: what they are to be asked, and the message should they leave nothing. */
  readonly proposal?: { readonly candidates: readonly Candidate[]; readonly refused: (why: string) => string; readonly failed: (error: string) => string };
  /** Nothing could be decided: it is tried again, however the cluster changes. */
  readonly failed?: boolean;
  /** An allocation of devices that is of no use: to be given up. */
  readonly useless?: Claim;
  /** What its status should say of the node that is being cleared for it; '' for none, undefined for no change. */
  readonly nominated?: string;
}

/** Refused before any node was asked. Upstream's text tells how far the plugins after it came. */
export function explainImpossible(snapshot: Snapshot, { impossible, plugin }: Impossible, { spec }: Stored<Pod>, { preempts, deallocates }: Profile): Unschedulable {
  const total = snapshot.nodeCount;
  if (total === 0) return NO_NODES;
  const available = `0/${total} nodes are available:`;
  const plugins = new Set([plugin]);
  // Those who look after claims of devices fail where they had not come to their first look.
  if (deallocates && plugin !== 'DynamicResources') return { plugins, message: `${available} ${impossible}. not found` };
  const claims = deallocates ? ['no new claims to deallocate'] : [];
  const isNever = spec.preemptionPolicy === 'Never';
  const preemption = preempts ? [`preemption: ${isNever ? NEVER : `${available} ${total} Preemption is not helpful for scheduling.`}`] : [];
  // Nothing is cleared for it any more, unless somebody was asked who has no say in that.
  const isWithdrawn = preempts ? !isNever : !deallocates;
  return { plugins, ...(isWithdrawn && { nominated: '' }), message: [`${available} ${impossible}.`, [...claims, ...preemption].join(', ')].filter(Boolean).join(' ') };
}

export function explain(snapshot: Snapshot, known: Case, moment: { readonly now: number; readonly random: Random }): Unschedulable {
  const total = snapshot.nodeCount;
  if (total === 0) return NO_NODES;
  const { reasons, helpful } = survey(snapshot, known);
  const plugins = new Set([...reasons.keys()].map(({ plugin }) => plugin));
  const available = `0/${total} nodes are available:`;
  const listed = histogram([...reasons].flatMap(([{ reason }, count]) => (reason === '' ? [] : [[reason, count] as const])));
  const why = listed ? `${available} ${listed}.` : available;
  // What fails says nothing of the plugins before it.
  const failed = (error: string): string => `${why} preemption: ${error}`;
  const { profile } = known.memo.ask;
  const kind = known.memo.key;
  // What the plugins that could still have helped say, one after the other.
  const useless = !profile.deallocates ? undefined : known.devices?.useless(snapshot.facts.filter((node) => node !== undefined));
  const more = useless && { useless };
  const claims = profile.deallocates ? [useless ? `${standsFor(useless) === undefined ? 'deallocation' : 'deletion'} of ResourceClaim completed` : known.devices ? 'still not schedulable' : 'no new claims to deallocate'] : [];
  const text = (...preemption: string[]): string => [why, [...claims, ...preemption].join(', ')].filter(Boolean).join(' ');
  // Where nobody is asked at all what was nominated before is withdrawn.
  if (!profile.preempts) return { message: text(), plugins, kind, ...more, ...(!profile.deallocates && { nominated: '' }) };
  const refused = ineligible(snapshot, known, helpful);
  if (refused) return { message: text(`preemption: ${refused}`), plugins, kind, ...more };
  const attempt = preempt(snapshot, known, helpful, moment);
  const { candidates, errors } = attempt;
  if (candidates.length > 0 && known.asked?.choosesVictims) return { message: why, plugins, kind, proposal: { candidates, refused: (said) => text(`preemption: ${said}`), failed }, ...more };
  const preemption = chosen(snapshot, candidates);
  if (preemption) return { message: why, plugins, kind, preemption, nominated: preemption.node, ...more };
  if (errors.length > 0) return { message: failed(errors.length > 1 ? `[${errors.join(', ')}]` : (errors[0] as string)), plugins, kind, ...more };
  const helpless = histogram([...attempt.reasons, ['Preemption is not helpful for scheduling', total - helpful.length]]);
  return { message: text(`preemption: ${available} ${helpless}.`), plugins, kind, nominated: '', ...more };
}

/** How often each reason was given, and the rows where evictions might help. Most nodes say the same as the one before. */
function survey(snapshot: Snapshot, known: Case): { readonly reasons: ReadonlyMap<Refusal, number>; readonly helpful: readonly number[] } {
  const reasons = new Map<Refusal, number>();
  const helpful: number[] = [];
  let latest: readonly Refusal[] = [];
  let isHelpful = true;
  let times = 0;
  const count = (): void => {
    for (const refusal of latest) reasons.set(refusal, (reasons.get(refusal) ?? 0) + times);
  };
  for (let row = 0; row < snapshot.rows; row++) {
    if (!snapshot.facts[row]) continue;
    const refusals = refusalsAt(snapshot, known, row);
    if (refusals !== latest) {
      count();
      [latest, times] = [refusals, 0];
      isHelpful = !refusals.some(({ lasting }) => lasting);
    }
    times++;
    if (isHelpful) helpful.push(row);
  }
  count();
  return { reasons, helpful };
}

/** What comes of a proposal: `left` is what the others agree to. */
export function concluded(snapshot: Snapshot, { proposal, ...unschedulable }: Unschedulable, left: readonly Candidate[]): Unschedulable {
  const preemption = chosen(snapshot, left);
  if (preemption) return { ...unschedulable, preemption, nominated: preemption.node };
  return { ...unschedulable, message: proposal?.refused('no candidate node for preemption') ?? unschedulable.message };
}

const NO_NODES: Unschedulable = { message: 'no nodes available to schedule pods', plugins: new Set(), nominated: '' };

/** `1 Too many pods, 2 Insufficient cpu`, in the order of the text. */
function histogram(counts: readonly (readonly [string, number])[]): string {
  const sums = new Map<string, number>();
  for (const [reason, count] of counts) if (count > 0) sums.set(reason, (sums.get(reason) ?? 0) + count);
  return [...sums].map(([reason, count]) => `${count} ${reason}`).sort().join(', ');
}
