/** One simulation: a seed, a time, and whether everything that must hold held. The same seed gives the same history, byte for byte. */
import { pods as podsResource } from '../../api/resources.ts';
import type { Client } from '../../client/client.ts';
import { openClient } from '../../client/open-client.ts';
import { sharedPki } from '../../cluster/credentials.ts';
import type { Door } from '../../api/request.ts';
import { seededRandom } from '../../std/random.ts';
import { Auditor, CLOCKWORK } from './auditor.ts';
import { unconverged } from './converged.ts';
import { habitsOf, rulesFor } from './habits/habits.ts';
import { Nemesis } from './nemesis.ts';
import { Users } from './users.ts';
import type { Hearing } from './weather.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** How long things go wrong; some minutes of calm follow. */
  readonly minutes: number;
  /** Hears each line of the history. */
  readonly onLine?: (line: string) => void;
  /** Also the words of the components, which are no part of the history. */
  readonly verbose?: boolean;
}

export interface Outcome {
  readonly seed: number;
  /** Of the whole history. */
  readonly hash: string;
  /** Writes that the store took. */
  readonly changes: number;
  /** What must not be and was, or must be at the end and was not. */
  readonly problems: readonly string[];
  /** The last lines of the history. */
  readonly tail: readonly string[];
}

/** Back-offs of a fault that lasted are as long as the fault. */
const CALM_MINUTES = 15;
/** So long before the end nobody may have anything left to do. */
const QUIET_MS = 50_000;

export async function simulate({ seed, minutes, onLine, verbose = false }: SimulationOptions): Promise<Outcome> {
  const say = (fields: object, message: string): void => {
    if (verbose) onLine?.(`    ${message} ${JSON.stringify(fields)}`);
  };
  let auditor: Auditor | undefined;
  const hearing: Hearing = {
    acknowledged: (call, answer) => auditor?.acknowledged(call, answer),
    lost: (call) => auditor?.lost(call),
    refused: (call) => auditor?.refused(call),
  };
  const world = new World({ seed, hearing, log: { info() {}, warn: say, error: say } }, await sharedPki());
  const { time } = world;
  const audit = (auditor = new Auditor(time, { rules: rulesFor(world.hooks), onLine }));
  world.truth.watch('/registry/', 0, { changes: (batch) => batch.forEach((change) => audit.change(change)), progress() {}, ended() {} });
  await world.start();
  const door: Door = world.userDoor();
  const client = openClient(door, { userAgent: 'user' });
  const note = (line: string): void => audit.note(line);
  const habits = habitsOf(seed);
  note(`the users' habits: ${habits.join() || 'none'}`);
  const users = new Users({ client, clock: time, random: seededRandom(seed ^ 0xa11), note, habits });
  const nemesis = new Nemesis({ world, client, random: seededRandom(seed ^ 0xbad), note, relax: () => audit.relax(), shifted: () => audit.shifted(), hasHooks: habits.includes('asking'), hasScalers: habits.includes('autoscaling') });
  void users.begin();
  void nemesis.run();
  for (let minute = 0; minute < minutes && audit.violations.length === 0; minute++) await time.run(60_000);
  void users.stop();
  void nemesis.end();
  const problems = audit.violations.length > 0 ? [] : await calm(audit, world, () => unconverged(client, world, users.counter), client);
  problems.unshift(...audit.violations);
  const { hash, changes, tail } = audit;
  await world.stop();
  return { seed, hash, changes, problems, tail: [...tail] };
}

/** Waits until all is well; what is not, when that takes too long. */
async function calm(audit: Auditor, { time }: World, look: () => Promise<string[]>, client: Client): Promise<string[]> {
  let problems: string[] = [];
  for (let minute = 0; minute < CALM_MINUTES && audit.violations.length === 0; minute++) {
    await time.run(60_000);
    const looking = look();
    await time.settle();
    problems = await looking;
    const coming = hasComingAndGoing(client);
    await time.settle();
    if (audit.lastWork > time.monotonic() - QUIET_MS && !(await coming)) problems.push('somebody goes on writing though nothing happens any more');
    if (problems.length === 0) return [];
  }
  return problems;
}

/** Containers that end again and again are written about for ever, and so is who waits for room that others take and leave. */
async function hasComingAndGoing(client: Client): Promise<boolean> {
  const { items } = await client.list(podsResource);
  if (items.some(({ metadata }) => metadata.name.startsWith(CLOCKWORK)) && items.some(({ spec }) => spec.nodeName === undefined)) return true;
  return items.some(({ metadata, status }) => metadata.annotations?.['coracle.dev/hollow-run'] !== undefined && !metadata.name.startsWith(CLOCKWORK) && status?.phase === 'Running');
}
