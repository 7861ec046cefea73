/** An API server of this thread, wired as its flags say. It is not started yet. */
import { pluginsOff } from '../apiserver/admission/switches.ts';
import { type ApiServer, type ApiServerOptions, createApiServer } from '../apiserver/server.ts';
import type { Clock } from '../std/clock.ts';
import { accessOptions, followAccess } from './access.ts';
import { type ApiServerFlags, SERVICE_CIDR } from './flags.ts';
import type { Log } from './log.ts';
import { stopLimitMs } from './serving-options.ts';
import type { Stopper } from './stopper.ts';

export interface ServerParts extends Pick<ApiServerOptions, 'store' | 'pki' | 'random'> {
  readonly flags: ApiServerFlags;
  readonly clock: Clock;
  readonly log: Log;
  readonly stopper: Stopper;
}

/** `more`: what flags mean for this thread only. */
export async function openServer({ flags, stopper, log, ...parts }: ServerParts, more: Partial<ApiServerOptions>): Promise<ApiServer> {
  const server = createApiServer({
    ...parts,
    log: { info: (message) => log.info({}, message), error: (message, error) => log.error({ error: error instanceof Error ? error.stack : error }, message) },
    serviceRange: flags.serviceClusterIpRange ?? SERVICE_CIDR,
    ownComponents: ownComponents(flags),
    disabledAdmission: pluginsOff({ enable: flags.enableAdmissionPlugins ?? [], disable: flags.disableAdmissionPlugins ?? [] }),
    ...more,
    ...(await accessOptions(flags)),
  });
  stopper.add('API server', () => server.close(), stopLimitMs(flags));
  const following = followAccess(server, flags, { clock: parts.clock, log });
  stopper.add('configuration', () => following.close());
  return server;
}

/** A server by itself has none beside it in its process. */
function ownComponents({ components = [] }: ApiServerFlags): NonNullable<ApiServerOptions['ownComponents']> {
  return [...(components.includes('controllers') ? (['controller-manager'] as const) : []), ...(components.includes('scheduler') ? (['scheduler'] as const) : [])];
}
