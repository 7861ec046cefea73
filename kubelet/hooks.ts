/** What a container wants done right after it starts, and right before it is stopped. */
import { sleep, type Clock } from '../std/clock.ts';
import type { Spec } from './pod.ts';
import { probeExec } from './probes/exec.ts';
import { probeHttp } from './probes/http.ts';
import { portNumber } from './probes/target.ts';
import type { Runtime } from './runtime/runtime.ts';

type Handler = NonNullable<NonNullable<Spec['lifecycle']>['postStart']>;

export interface HookInput {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly handler: Handler;
  readonly spec: Spec;
  readonly containerId: string;
  readonly ip: string;
  readonly timeoutMs: number;
}

/** In a simulated container there is nothing to be run or called; but it can be waited. */
export function canRun(handler: Handler, { isSimulated }: { readonly isSimulated: boolean }): boolean {
  return !isSimulated || handler.sleep !== undefined;
}

/** Throws when the hook fails. */
export async function runHook({ runtime, clock, handler, spec, containerId, ip, timeoutMs }: HookInput): Promise<void> {
  if (handler.exec) {
    const command = handler.exec.command ?? [];
    const { result, output } = await probeExec(runtime, containerId, command, Math.ceil(timeoutMs / 1000));
    if (result !== 'success') throw new Error(`command '${command.join(' ')}' failed, message: ${JSON.stringify(output)}`);
    return;
  }
  if (handler.sleep) return sleep(clock, Math.min(handler.sleep.seconds * 1000, timeoutMs));
  if (handler.httpGet) {
    const { host, port, path = '/', scheme, httpHeaders = [] } = handler.httpGet;
    const outcome = await probeHttp({ scheme: scheme === 'HTTPS' ? 'https' : 'http', host: host || ip, port: portNumber(port, spec), path, headers: httpHeaders, timeoutMs });
    if (outcome.result === 'failure') throw new Error(outcome.output);
    return;
  }
  throw new Error(`lifecycle handlers of type ${Object.keys(handler).join(', ')} are not supported`);
}
