/** All habits, and the rule that goes with each: a world has some of them, drawn by lot. */
import { seededRandom } from '../../../std/random.ts';
import type { FakeHooks } from '../hooks.ts';
import { autoscalerRule } from '../rules/autoscalers.ts';
import { cronJobRule } from '../rules/cronjobs.ts';
import { deviceRule } from '../rules/devices.ts';
import { garbageRule } from '../rules/garbage.ts';
import { hookRule } from '../rules/hooks.ts';
import { indexRule } from '../rules/indexes.ts';
import { namespaceRule } from '../rules/namespaces.ts';
import { preemptionRule } from '../rules/preemption.ts';
import { rollbackRule } from '../rules/rollbacks.ts';
import type { Rule, Scene } from '../rules/rule.ts';
import { taintRule } from '../rules/taints.ts';
import { termRule } from '../rules/terms.ts';
import { volumeRule } from '../rules/volumes.ts';
import { workloadRule } from '../rules/workloads.ts';
import { asking } from './asking.ts';
import { autoscaling } from './autoscaling.ts';
import { byTheClock } from './by-the-clock.ts';
import { claiming } from './claiming.ts';
import { flooding } from './flooding.ts';
import { goingBack } from './going-back.ts';
import type { Habit, People } from './habit.ts';
import { indexing } from './indexing.ts';
import { keeping } from './keeping.ts';
import { owning } from './owning.ts';
import { pushing } from './pushing.ts';
import { rolling } from './rolling.ts';
import { spreading } from './spreading.ts';

export const HABITS = { 'by-the-clock': byTheClock, autoscaling, keeping, pushing, asking, owning, flooding, 'going-back': goingBack, spreading, indexing, claiming, rolling } as const satisfies Readonly<Record<string, (people: People) => Habit>>;
export type HabitName = keyof typeof HABITS;

const SHARE = 0.25;

export function habitsOf(seed: number): readonly HabitName[] {
  const random = seededRandom(seed ^ 0x4ab17);
  return (Object.keys(HABITS) as HabitName[]).filter(() => random.next() < SHARE);
}

/** What they ask of the world; all of them hold in every world, as far as they find something to look at. */
export function rulesFor(hooks: FakeHooks): readonly ((scene: Scene) => Rule)[] {
  return [cronJobRule, autoscalerRule, volumeRule, preemptionRule, garbageRule, namespaceRule, taintRule, rollbackRule, workloadRule, termRule, indexRule, deviceRule, (scene) => hookRule(scene, hooks)];
}
