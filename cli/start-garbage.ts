/** Starting leaves much garbage in a young heap that grew for it; collected once, that memory goes back to the machine. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../std/clock.ts';

/** The node is Ready by then, and the first clients have not come yet. */
const AFTER_START_MS = 5_000;
/** While there is much to do, such as loading what is stored, garbage waits; in the end it is the engine's business alone. */
const LOOK_MS = 1_000;
const LOOKS_LIMIT = 120;
const QUIET_SHARE = 0.1;

export interface GarbageOptions {
  /** Processor time of this thread so far. */
  readonly usedMs?: () => number;
  readonly collect?: () => void;
}

export function collectStartGarbage(clock: Clock, { usedMs = threadMs, collect = collectAll }: GarbageOptions = {}): void {
  let looks = 0;
  const look = (before: number): void => {
    const used = usedMs();
    if (used - before < LOOK_MS * QUIET_SHARE) return collect();
    if (++looks < LOOKS_LIMIT) clock.after(LOOK_MS, () => look(used));
  };
  clock.after(AFTER_START_MS - LOOK_MS, () => {
    const used = usedMs();
    clock.after(LOOK_MS, () => look(used));
  });
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function collectAll(): void {
  setFlagsFromString('--expose-gc');
  const run = runInNewContext('gc') as (options: object) => void;
  setFlagsFromString('--no-expose-gc');
  // Of the thorough kind: the space for young objects, which grew with the start, is given back as well.
  run({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
