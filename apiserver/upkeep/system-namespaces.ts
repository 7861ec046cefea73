/** Keeps the namespaces that every cluster has: made again when somebody has deleted one that may be deleted. */
import { bootstrapObjects, ensureBootstrap } from '../auth/bootstrap.ts';
import type { Core } from '../core.ts';
import { every } from '../../std/clock.ts';

const PERIOD_MS = 60_000;

export function keepSystemNamespaces({ reader, writer, clock, log }: Pick<Core, 'reader' | 'writer' | 'clock' | 'log'>): { close(): void } {
  const objects = bootstrapObjects().filter(({ kind }) => kind === 'Namespace');
  const timer = every(clock, PERIOD_MS, async () => void (await ensureBootstrap(reader, writer, objects)), (error) => log.error('namespaces of the system', error));
  return { close: () => timer.cancel() };
}
