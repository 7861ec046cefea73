/** Keeps the FlowSchemas and priority levels that every cluster has: made again when somebody deletes them, brought back where they say so. */
import { bootstrapObjects, ensureBootstrap } from '../auth/bootstrap.ts';
import type { Core } from '../core.ts';
import { every } from '../../std/clock.ts';

const PERIOD_MS = 60_000;

export function keepFlowObjects({ reader, writer, clock, log }: Core): { close(): void } {
  const objects = bootstrapObjects().filter(({ kind }) => kind === 'FlowSchema' || kind === 'PriorityLevelConfiguration');
  const timer = every(clock, PERIOD_MS, async () => void (await ensureBootstrap(reader, writer, objects)), (error) => log.error('FlowSchemas and priority levels', error));
  return { close: () => timer.cancel() };
}
