/** `coracle up`: a whole cluster in one process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Door } from '../api/request.ts';
import { openClient } from '../client/open-client.ts';
import { systemClock } from '../std/clock.ts';
import { systemRandom } from '../std/random.ts';
import { type Api, openApi } from './api.ts';
import { controllerOptionsOf } from './controller-flags.ts';
import { ADMIN, kubeconfigFor, writePrivate } from './credentials.ts';
import { defaultDataDir, hold } from './data-dir.ts';
import { COMPONENTS, CLUSTER_DOMAIN, DNS_ADDRESS, POD_CIDR, type UpFlags } from './flags.ts';
import { controllerUser, userOf } from './identities.ts';
import { openLog } from './log.ts';
import { type RuntimeChoice, chooseRuntime, startNode } from './node.ts';
import { signingAuthority } from './signing-authority.ts';
import { collectStartGarbage } from './start-garbage.ts';
import { Stopper, untilSignal } from './stopper.ts';
import { takeTurns } from './take-turns.ts';
import type { Context } from './up-context.ts';

export async function up(flags: UpFlags): Promise<void> {
  const say = (line: string): void => console.log(line);
  const log = openLog();
  const stopper = new Stopper(systemClock);
  const signal = untilSignal();
  const components = new Set(flags.components ?? COMPONENTS);
  const dataDir = flags.dataDir ?? (flags.ephemeral ? mkdtempSync(join(tmpdir(), 'coracle-')) : defaultDataDir());
  const held = hold(dataDir);
  stopper.add('data directory', () => held.release());
  const stop = async (): Promise<void> => {
    await stopper.stop((name, error) => log.error({ part: name, error: String(error) }, 'cannot stop'));
    if (!flags.ephemeral) return;
    await (await import('./down.ts')).takeDown(dataDir);
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const runtime = components.has('kubelet') ? chooseRuntime(flags, say) : 'none';
    const api = await openApi({ flags: { ...flags, components: [...components] }, dataDir, clock: systemClock, random: systemRandom, log, stopper });
    const nodeName = (flags.nodeName ?? hostname()).toLowerCase();
    const context: Context = { flags, dataDir, nodeName, components, api, doors: doorsOf(api), clock: systemClock, random: systemRandom, log, stopper };
    const file = flags.kubeconfig ?? join(dataDir, 'kubeconfig');
    writePrivate(file, await kubeconfigFor(api.pki, ADMIN, api.url));
    await startComponents(context, runtime);
    say(`Coracle is up at ${api.url}. Its kubeconfig: ${file}`);
    say(`Try: kubectl --kubeconfig ${file} get nodes`);
    collectStartGarbage(systemClock);
  } catch (error) {
    await stop();
    throw error;
  }
  await signal;
  await stop();
  process.exit(0);
}

/** In one process everybody has a door of his own, with his own rights. */
function doorsOf({ server }: Api): (who: string) => Door {
  return (who) => server.door(who.startsWith('controller:') ? controllerUser(who.slice('controller:'.length)) : userOf(who), { userAgent: agentOf(who) });
}

/** What field managers are called. */
function agentOf(who: string): string {
  if (who.startsWith('controller:') || who === 'controllers') return 'kube-controller-manager';
  if (who.startsWith('kubelet:')) return 'kubelet';
  return who === 'scheduler' || who === 'proxy' ? `kube-${who}` : 'coracle';
}

async function startComponents(context: Context, runtime: RuntimeChoice): Promise<void> {
  const { components, doors, clock, random, log, stopper, api } = context;
  const parts: Promise<void>[] = [];
  if (components.has('controllers')) {
    parts.push(
      import('../controllers/start.ts').then(({ startControllers }) => {
        const options = controllerOptionsOf(context.flags);
        const authority = signingAuthority(context.flags, random, () => api.pki.ca);
        const controllers = startControllers({ door: (account) => takeTurns(doors(account ? `controller:${account}` : 'controllers')), clock, random, log, meter: api.server.meter, rootCa: api.pki.caPem, clusterCidr: POD_CIDR, localPath: { path: join(context.dataDir, 'local-path') }, ...options, signing: { ...options.signing, ...(authority && { authority }) } });
        stopper.add('controllers', () => controllers.stop());
      }),
    );
  }
  if (components.has('scheduler')) {
    parts.push(
      Promise.all([import('../scheduler/run.ts'), import('./scheduler-configuration.ts')]).then(([{ startScheduler }, { schedulerConfiguration }]) => {
        const client = openClient(doors('scheduler'), { userAgent: agentOf('scheduler') });
        const scheduler = startScheduler({ client, clock, random, log, meter: api.server.meter, configuration: schedulerConfiguration(context.flags.schedulerConfig) });
        stopper.add('scheduler', () => scheduler.stop());
      }),
    );
  }
  if (components.has('proxy') && runtime === 'cri') parts.push(startServiceProxy(context));
  await Promise.all(parts);
  await startNode(context, runtime);
}

async function startServiceProxy({ doors, nodeName, clock, random, log, stopper }: Context): Promise<void> {
  const { startProxy } = await import('../proxy/run.ts');
  const client = openClient(doors('proxy'), { userAgent: agentOf('proxy') });
  const proxy = await startProxy({
    client,
    node: { name: nodeName, podCidrs: [POD_CIDR] },
    clock,
    random,
    log,
    dns: { address: DNS_ADDRESS, zone: CLUSTER_DOMAIN, resolvConf: '/etc/resolv.conf' },
  });
  stopper.add('Service proxy', () => proxy.stop());
}
