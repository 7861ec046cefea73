/** Starts the controllers: each under its own identity, all on shared informers, behind one leader lease where asked. */
import type { Door } from '../api/request.ts';
import { openClient } from '../client/open-client.ts';
import { openRecorder, type Recorder } from '../client/events.ts';
import { type LeaderOptions, runAsLeader } from '../client/leader.ts';
import type { Clock } from '../std/clock.ts';
import type { Meter } from '../std/meter.ts';
import { uuid, type Random } from '../std/random.ts';
import { controllers, type ControllerOptions } from './all.ts';
import type { Controller, ControllerTools, FreeController, Log } from './controller.ts';
import { SharedInformers } from './informers.ts';
import { FIELD_MANAGER } from './perform.ts';
import { runController } from './run.ts';

export interface StartOptions extends ControllerOptions {
  /**
   * The door for `system:serviceaccount:kube-system:<account>`; without an account, for the controller manager itself
   * (`system:kube-controller-manager`), which may list and watch everything.
   */
  readonly door: (account?: string) => Door;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Counts what their queues do. */
  readonly meter?: Meter;
  /** Wait for the lease `kube-system/kube-controller-manager` first, and stop when it is lost. */
  readonly leaderElect?: boolean;
  readonly leadership?: NonNullable<LeaderOptions['observer']>;
}

export interface RunningControllers {
  /** Resolves when all have stopped, for whatever reason: `stop()`, or a lost lease. */
  readonly ended: Promise<void>;
  /** Of those that have been started, by name: why one has stopped, undefined while it runs. */
  readonly states: ReadonlyMap<string, string | undefined>;
  stop(): Promise<void>;
}

export function startControllers(options: StartOptions): RunningControllers {
  const stop = new AbortController();
  const chosen = choose(controllers(options), options.chosen ?? ['*']);
  const states = new Map<string, string | undefined>();
  const lead = (signal: AbortSignal): Promise<void> => runAll(chosen, options, { signal, states });
  const { clock, random, log, leaderElect, leadership } = options;
  const lease = { namespace: 'kube-system', name: 'kube-controller-manager' };
  const candidate = (): Parameters<typeof runAsLeader>[0] => ({ client: openClient(options.door(), { userAgent: FIELD_MANAGER }), clock, random, log, lease, identity: `coracle_${uuid(random)}`, ...(leadership && { observer: leadership }) });
  const ended = leaderElect ? runAsLeader(candidate(), lead, stop.signal) : lead(stop.signal);
  return {
    ended,
    states,
    stop() {
      stop.abort();
      return ended;
    },
  };
}

function choose(all: readonly (Controller | FreeController)[], chosen: readonly string[]): readonly (Controller | FreeController)[] {
  for (const text of chosen) {
    const name = text.replace(/^-/, '');
    if (name !== '*' && !all.some((controller) => controller.name === name)) throw new Error(`there is no controller ${name}`);
  }
  return all.filter(({ name, offByDefault }) => !chosen.includes(`-${name}`) && (chosen.includes(name) || (chosen.includes('*') && !offByDefault)));
}

async function runAll(chosen: readonly (Controller | FreeController)[], options: StartOptions, { signal, states }: { readonly signal: AbortSignal; readonly states: Map<string, string | undefined> }): Promise<void> {
  const { clock, random, log, door } = options;
  const whole = chosen.flatMap((controller) => ('watches' in controller ? controller.watches : [])).filter(({ selection }) => selection === undefined).map(({ resource }) => resource);
  const informers = new SharedInformers(openClient(door(), { userAgent: FIELD_MANAGER }), { clock, random, log }, whole);
  const recorders: Recorder[] = [];
  const toolsFor = ({ name, account = name, component = account }: Controller | FreeController): ControllerTools => {
    const client = openClient(door(account), { userAgent: FIELD_MANAGER });
    const recorder = openRecorder({ client, clock, component, log });
    recorders.push(recorder);
    const workers = options.workers?.[name];
    const batchMs = options.batchMs?.[name];
    return { client, clock, random, log, informer: (resource, selection) => informers.of(resource, selection), event: (action) => recorder.record(action), ...(workers && { workers }), ...(batchMs && { batchMs }), ...(options.meter && { meter: options.meter }) };
  };
  await Promise.all(chosen.map(async (controller) => {
    states.set(controller.name, undefined);
    try {
      await ('reconcile' in controller ? runController(controller, toolsFor(controller), signal) : controller.run(toolsFor(controller), signal));
    } catch (error) {
      states.set(controller.name, error instanceof Error ? error.message : String(error));
      log.error({ controller: controller.name, error: error instanceof Error ? error.stack : String(error) }, 'a controller has stopped');
    }
  }));
  informers.stop();
  for (const recorder of recorders) recorder.stop();
}
