/** CronJobs: one run for each scheduled time, never before it nor after its deadline, and beside no other where that is forbidden. */
import type { Raw } from '../picture.ts';
import { Held, UNHEARD_MS, hasCondition, isDeleting, keyOf, type Rule, type Scene, type Write } from './rule.ts';

const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

interface Cron {
  readonly key: string;
  readonly policy: string;
  readonly deadlineMs: number;
  /** Scheduled times that had their run. */
  readonly ran: Set<number>;
  /** Jobs that have not finished, by uid. */
  readonly running: Map<string, Raw>;
}

export function cronJobRule(scene: Scene): Rule {
  const crons = new Map<string, Cron>();
  const held = new Held();

  const cronSet = (raw: Raw): void => {
    const { uid } = raw.metadata;
    const { concurrencyPolicy = 'Allow', startingDeadlineSeconds, suspend = false } = raw.spec as { concurrencyPolicy?: string; startingDeadlineSeconds?: number; suspend?: boolean };
    if (!crons.has(uid)) crons.set(uid, { key: keyOf(raw), policy: concurrencyPolicy, deadlineMs: (startingDeadlineSeconds ?? Infinity) * 1000, ran: new Set(), running: new Map() });
    held.set(`${uid} is idle`, suspend || isDeleting(raw), scene.monotonic());
  };

  const jobMade = (cron: Cron, cronUid: string, job: Raw): void => {
    const at = scene.monotonic();
    const scheduled = Date.parse(job.metadata.annotations?.[SCHEDULED] ?? '');
    const text = `CronJob ${cron.key} made ${job.metadata.name}`;
    if (cron.ran.has(scheduled)) scene.say(`${text} though that time had its run`);
    cron.ran.add(scheduled);
    if (scene.steadyMs() > UNHEARD_MS && scheduled > scene.wall()) scene.say(`${text} before its time`);
    if (scene.steadyMs() > UNHEARD_MS && scheduled + cron.deadlineMs + UNHEARD_MS < scene.wall()) scene.say(`${text} after its deadline`);
    if (scene.isRelaxed()) return;
    if (held.isKnown(`${cronUid} is idle`, at)) scene.say(`${text} though it is suspended or being deleted`);
    for (const [uid, other] of cron.running) {
      if (!held.isKnown(`${uid} runs`, at)) continue;
      if (cron.policy === 'Forbid') scene.say(`${text} while ${other.metadata.name} was running`);
      if (cron.policy === 'Replace' && !isDeleting(other)) scene.say(`${text} without ending ${other.metadata.name}`);
    }
  };

  const jobSet = ({ now, before }: Write): void => {
    const job = (now ?? before) as Raw;
    const owner = job.metadata.ownerReferences?.find(({ kind }) => kind === 'CronJob')?.uid;
    const cron = owner === undefined ? undefined : crons.get(owner);
    if (!cron || owner === undefined) return;
    if (now && !before) jobMade(cron, owner, now);
    const { uid } = job.metadata;
    const runs = now !== undefined && !hasCondition(now, 'Complete') && !hasCondition(now, 'Failed');
    held.set(`${uid} runs`, runs, scene.monotonic());
    if (runs) cron.running.set(uid, now);
    else cron.running.delete(uid);
  };

  return {
    changed(write) {
      const raw = (write.now ?? write.before) as Raw;
      if (raw.kind === 'Job') jobSet(write);
      else if (raw.kind === 'CronJob' && write.now) cronSet(write.now);
      else if (raw.kind === 'CronJob') crons.delete(raw.metadata.uid);
    },
  };
}
