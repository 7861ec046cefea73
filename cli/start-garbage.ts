/** Starting leaves much garbage in a young heap that grew for it; collected once, that memory goes back to the machine. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../std/clock.ts';

/** The node is Ready by then, and the first clients have not come yet. */
const AFTER_START_MS = 5000;

export function collectStartGarbage(clock: Clock): void {
  clock.after(AFTER_START_MS, () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options: object) => void;
    setFlagsFromString('--no-expose-gc');
    // Of the thorough kind: the space for young objects, which grew with the start, is given back as well.
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  });
}
