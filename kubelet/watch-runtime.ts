/** Follows the runtime: its events wake pods, and now and then everything is looked at, for what was missed. */
import { backoff } from '../std/backoff.ts';
import { sleep } from '../std/clock.ts';
import type { KubeletContext } from './context.ts';

export interface WatchOptions {
  readonly context: KubeletContext;
  /** The runtime has something new of this pod. */
  readonly onChange: (uid: string) => void;
  readonly signal: AbortSignal;
}

/** Events miss little; the machine is not kept busy for it. */
export const RELIST_MS = 30_000;
/** Without events the runtime is asked as often as upstream does. */
const RELIST_WITHOUT_EVENTS_MS = 1000;
const RECONNECT = { baseMs: 200, limitMs: 5000 };

/** Resolves when everything has been looked at once. */
export async function watchRuntime({ context, onChange, signal }: WatchOptions): Promise<void> {
  const { observation, clock, log, runtime } = context;
  let isListening = false;
  const lookAtAll = async (): Promise<readonly string[]> => {
    const since = clock.monotonic();
    const changed = await observation.relist();
    context.series?.relisted((clock.monotonic() - since) / 1000);
    return changed;
  };
  const relist = async (): Promise<void> => {
    for (const uid of await lookAtAll()) onChange(uid);
  };
  const listen = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted; ) {
      try {
        isListening = true;
        for await (const { sandboxId } of runtime.events(signal)) {
          failures = 0;
          const uid = observation.uidOf(sandboxId);
          if (uid) onChange(uid);
          if (signal.aborted) return;
        }
      } catch (error) {
        log.warn({ error: String(error) }, "the runtime's events are not to be had");
      }
      isListening = false;
      await sleep(clock, backoff(failures++, RECONNECT), signal);
      if (!signal.aborted) await relist().catch(() => undefined);
    }
  };
  const look = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(clock, isListening ? RELIST_MS : RELIST_WITHOUT_EVENTS_MS, signal);
      if (!signal.aborted) await relist().catch((error: unknown) => log.warn({ error: String(error) }, 'the runtime could not be looked at'));
    }
  };
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await lookAtAll();
      break;
    } catch (error) {
      log.warn({ error: String(error) }, 'the runtime could not be looked at');
      await sleep(clock, backoff(failures, RECONNECT), signal);
    }
  }
  void listen();
  // A simulated runtime tells of everything.
  if (!context.isSimulated) void look();
}
