/** A thread that answers requests: what `server-threads.ts` starts. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { lentPki } from '../apiserver/pki/lent-pki.ts';
import { createApiServer } from '../apiserver/server.ts';
import { openRemote } from '../apiserver/storage/remote.ts';
import { systemClock } from '../std/clock.ts';
import { systemRandom } from '../std/random.ts';
import { accessOptions, followAccess } from './access.ts';
import { openStore } from './api.ts';
import { SERVICE_CIDR } from './flags.ts';
import { openLog } from './log.ts';
import type { Order, ThreadData, Word } from './server-threads.ts';
import { servingOptions, stopLimitMs } from './serving-options.ts';
import { Stopper } from './stopper.ts';

const { flags, dataDir, host, port, pki: material, store: lent, head } = workerData as ThreadData;
const control = parentPort as MessagePort;
const say = (word: Word): void => control.postMessage(word);
const log = openLog();
const stopper = new Stopper(systemClock);
const pki = lentPki(material);

control.on('message', (order: Order) => {
  if (order.type === 'pki') pki.replace(order.pki);
  if (order.type === 'stop') void stop();
});

async function stop(): Promise<void> {
  await stopper.stop((part, error) => log.error({ part, error: String(error) }, 'cannot stop'));
  process.exit(0);
}

async function start(): Promise<void> {
  const parts = { clock: systemClock, random: systemRandom, log, stopper };
  const store = lent && head ? await openRemote({ port: lent as MessagePort, head }) : await openStore({ flags, dataDir, ...parts });
  stopper.add('store', () => store.close());
  const { identity: _, ...serving } = await servingOptions(flags, parts);
  const server = createApiServer({
    store, pki, clock: systemClock, random: systemRandom,
    log: { info: (message) => log.info({}, message), error: (message, error) => log.error({ error: error instanceof Error ? error.stack : error }, message) },
    serviceRange: flags.serviceClusterIpRange ?? SERVICE_CIDR,
    ...serving,
    ...(await accessOptions(flags)),
  });
  stopper.add('API server', () => server.close(), stopLimitMs(flags));
  const following = followAccess(server, flags, parts);
  stopper.add('configuration', () => following.close());
  await server.listen({ port, host, shared: true });
  say({ type: 'ready' });
}

start().catch((error: unknown) => say({ type: 'failed', why: error instanceof Error ? (error.stack ?? error.message) : String(error) }));
