/** One component in a process of its own, over HTTP, with the credentials of its kubeconfig. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Check } from '../apiserver/readiness.ts';
import { openClient } from '../client/open-client.ts';
import { openHttpDoor } from '../client/http.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { runAsLeader } from '../client/leader.ts';
import { systemClock } from '../std/clock.ts';
import { Meter } from '../std/meter.ts';
import { systemRandom, uuid } from '../std/random.ts';
import { openAccountDoor } from './account-door.ts';
import { openApi } from './api.ts';
import { controllerOptionsOf } from './controller-flags.ts';
import { ADMIN, identityOf, kubeconfigFor, writePrivate, writeServing } from './credentials.ts';
import { defaultDataDir, hold } from './data-dir.ts';
import { callSeries, leadership } from './diagnostics/client-series.ts';
import type { DiagnosticsOptions } from './diagnostics/options.ts';
import { type ApiServerFlags, CLUSTER_DOMAIN, type ComponentFlags, DNS_ADDRESS, POD_CIDR } from './flags.ts';
import { openLog } from './log.ts';
import { signingAuthority } from './signing-authority.ts';
import { collectStartGarbage } from './start-garbage.ts';
import { Stopper, untilSignal } from './stopper.ts';
import type { Running } from './running.ts';

type Name = 'controllers' | 'scheduler' | 'kubelet' | 'proxy';

export async function runApiServer(flags: ApiServerFlags): Promise<void> {
  await runUntilSignal(async (stopper, log) => {
    const dataDir = flags.dataDir ?? defaultDataDir();
    const held = hold(dataDir);
    stopper.add('data directory', () => held.release());
    const { pki, url } = await openApi({ flags, dataDir, clock: systemClock, random: systemRandom, log, stopper });
    const folder = join(dataDir, 'kubeconfigs');
    const node = hostname().toLowerCase();
    for (const who of ['controllers', 'scheduler', 'proxy', `kubelet:${node}`]) {
      const file = join(folder, `${who.split(':')[0]}.kubeconfig`);
      writePrivate(file, await kubeconfigFor(pki, identityOf(who), url));
      if (who.startsWith('kubelet:')) await writeServing(pki, node, file);
    }
    const file = flags.kubeconfig ?? join(dataDir, 'kubeconfig');
    writePrivate(file, await kubeconfigFor(pki, ADMIN, url));
    console.log(`The API server is up at ${url}. The administrator's kubeconfig: ${file}; the components': ${folder}/`);
    collectStartGarbage(systemClock);
  });
}

export async function runComponent(name: Name, flags: ComponentFlags): Promise<void> {
  await runUntilSignal(async (stopper, log) => {
    const connection = await readKubeconfig(flags.kubeconfig);
    const series = name === 'kubelet' ? (await import('../kubelet/metrics/series.ts')).openSeries(systemClock) : undefined;
    const meter = name === 'controllers' || name === 'scheduler' ? new Meter() : series?.meter;
    const onCall = meter && callSeries(meter);
    const door = openHttpDoor({ ...connection, clock: systemClock, ...(onCall && { onCall }), userAgent: name === 'controllers' ? 'kube-controller-manager' : name === 'kubelet' ? 'kubelet' : `kube-${name}` });
    stopper.add('connections', () => door.close());
    const nodeName = (flags.nodeName ?? hostname()).toLowerCase();
    await START[name]({ connection, door, flags, ...(meter && { meter }), ...(series && { series }), ...(onCall && { onCall }), nodeName, clock: systemClock, random: systemRandom, log, stopper });
    console.log(`${name}: running against ${connection.server}`);
  });
}

async function runUntilSignal(start: (stopper: Stopper, log: ReturnType<typeof openLog>) => Promise<void>): Promise<void> {
  const log = openLog();
  const stopper = new Stopper(systemClock);
  const signal = untilSignal();
  const stop = (): Promise<void> => stopper.stop((part, error) => log.error({ part, error: String(error) }, 'cannot stop'));
  try {
    await start(stopper, log);
  } catch (error) {
    await stop();
    throw error;
  }
  await signal;
  await stop();
  process.exit(0);
}

const START: Readonly<Record<Name, (running: Running) => Promise<void>>> = {
  async controllers({ connection, door, flags, clock, random, log, stopper, meter = new Meter(), onCall }) {
    const { startControllers } = await import('../controllers/start.ts');
    const accounts: { close(): Promise<void> }[] = [];
    stopper.add('account connections', async () => void (await Promise.all(accounts.map((one) => one.close()))));
    const options = controllerOptionsOf(flags);
    const authority = signingAuthority(flags, random);
    if (!authority) log.info({}, 'certificate requests are not signed: --cluster-signing-cert-file and --cluster-signing-key-file name no authority');
    const leading = leadership(meter, clock, 'kube-controller-manager');
    const running = startControllers({
      door(account) {
        if (!account) return door;
        const own = openAccountDoor({ connection, door, namespace: 'kube-system', account, userAgent: 'kube-controller-manager', clock, ...(onCall && { onCall }) });
        accounts.push(own);
        return own;
      },
      clock,
      random,
      log,
      meter,
      clusterCidr: POD_CIDR,
      // Pods wait for the ConfigMap: without an authority it is there and empty, as upstream.
      rootCa: connection.ca ?? '',
      leaderElect: flags.leaderElect ?? true,
      leadership: leading.observer,
      ...options,
      signing: { ...options.signing, ...(authority && { authority }) },
    });
    stopper.add('controllers', () => running.stop());
    const ofControllers = (): Check[] => [...running.states].map(([name, why]) => ({ name, failing: () => why }));
    await lookAt({ component: 'controllers', flags, connection, meter, clock, random, log, checks: () => ({ healthz: [...(flags.leaderElect === false ? [] : [leading.check]), ...ofControllers()] }) }, stopper);
    void running.ended.then(() => process.kill(process.pid, 'SIGTERM'));
  },

  async scheduler({ connection, door, flags, clock, random, log, stopper, meter = new Meter() }) {
    const { startScheduler } = await import('../scheduler/run.ts');
    const { schedulerConfiguration } = await import('./scheduler-configuration.ts');
    const configuration = schedulerConfiguration(flags.config);
    const client = openClient(door, { userAgent: 'kube-scheduler' });
    const leading = leadership(meter, clock, 'kube-scheduler');
    // Who waits for the lead follows nothing yet, and is as ready as he can be.
    let synced = true;
    const lead = async (signal: AbortSignal): Promise<void> => {
      const scheduler = startScheduler({ client, clock, random, log, configuration, meter });
      synced = false;
      void scheduler.synced.then(() => (synced = true));
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      await scheduler.stop();
    };
    const ending = new AbortController();
    const lease = { namespace: 'kube-system', name: 'kube-scheduler' };
    const running = (flags.leaderElect ?? true) ? runAsLeader({ client, clock, random, log, lease, identity: `${hostname()}_${uuid(random)}`, observer: leading.observer }, lead, ending.signal) : lead(ending.signal);
    const elected = flags.leaderElect === false ? [] : [leading.check];
    const ready: Check[] = [
      ...elected,
      { name: 'shutdown', failing: () => (ending.signal.aborted ? 'process is shutting down' : undefined) },
      { name: 'sched-handler-sync', failing: () => (synced ? undefined : 'handlers are not fully synchronized') },
    ];
    await lookAt({ component: 'scheduler', flags, connection, meter, clock, random, log, checks: () => ({ healthz: elected.length > 0 ? elected : [{ name: 'ping' }], livez: [{ name: 'ping' }], readyz: ready }) }, stopper);
    stopper.add('scheduler', () => {
      ending.abort();
      return running;
    });
    void running.then(() => process.kill(process.pid, 'SIGTERM'));
  },

  async kubelet(running) {
    const { startKubeletAlone } = await import('./node.ts');
    await startKubeletAlone(running);
  },

  async proxy({ door, nodeName, clock, random, log, stopper }) {
    const { startProxy } = await import('../proxy/run.ts');
    const client = openClient(door, { userAgent: 'kube-proxy' });
    const dns = { address: DNS_ADDRESS, zone: CLUSTER_DOMAIN, resolvConf: '/etc/resolv.conf' };
    const proxy = await startProxy({ client, node: { name: nodeName, podCidrs: [POD_CIDR] }, clock, random, log, dns });
    stopper.add('Service proxy', () => proxy.stop());
  },
};

async function lookAt(options: DiagnosticsOptions, stopper: Stopper): Promise<void> {
  if (options.flags.securePort === 0) return;
  const { startDiagnostics } = await import('./diagnostics/server.ts');
  const diagnostics = await startDiagnostics(options);
  if (diagnostics) stopper.add('metrics', () => diagnostics.close());
}

export type { Running };
