/** A thread that answers requests: what `server-threads.ts` starts. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Listener } from '../apiserver/http/listen.ts';
import { lentPki } from '../apiserver/pki/lent-pki.ts';
import type { ApiServer, ApiServerOptions } from '../apiserver/server.ts';
import { openRemote } from '../apiserver/storage/remote.ts';
import type { NodeAnswer } from '../apiserver/streaming/own-node.ts';
import type { Check } from '../apiserver/readiness.ts';
import { systemClock } from '../std/clock.ts';
import { Meter } from '../std/meter.ts';
import { systemRandom } from '../std/random.ts';
import { openStore } from './api.ts';
import { openLog } from './log.ts';
import { openServer } from './open-server.ts';
import type { Order, Question, ThreadData, Word } from './thread-handle.ts';
import { auditPolicy, servingOptions } from './serving-options.ts';
import { flagTexts } from './flag-texts.ts';
import { collectStartGarbage } from './start-garbage.ts';
import { Stopper } from './stopper.ts';

const { flags, dataDir, host, port, pki: material, audits, checks: asking, store: lent, marks } = workerData as ThreadData;
const control = parentPort as MessagePort;
const parts = { clock: systemClock, random: systemRandom, log: openLog() };
const stopper = new Stopper(systemClock);
const pki = lentPki(material);
const asked = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>();
let questions = 0;
let server: ApiServer | undefined;
let listener: Listener | undefined;
/** Nodes of the first thread; told before there is a server. */
const nodes = new Set<string>();

function say(word: Word): void {
  control.postMessage(word, []);
}

function ask(what: Question): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const id = ++questions;
    asked.set(id, { resolve, reject });
    say({ type: 'ask', id, what });
  });
}

control.on('message', (order: Order) => {
  switch (order.type) {
    case 'pki':
      return pki.replace(order.pki);
    case 'nodes':
      for (const name of order.names) nodes.add(name);
      return provide();
    case 'count':
      return say({ type: 'counted', id: order.id, text: server?.meter.text() ?? '' });
    case 'shed':
      return listener?.shed(order.share);
    case 'retire':
      return listener?.load().lasting === 0 ? void stop() : say({ type: 'stays' });
    case 'stop':
      return void stop();
    default: {
      const question = asked.get(order.id);
      asked.delete(order.id);
      if (order.type === 'told') question?.resolve(order.value);
      else question?.reject(new Error(order.why));
    }
  }
});

function provide(): void {
  for (const name of nodes) if (server && !server.statistics.own.has(name)) server.statistics.provide(name, () => ask({ type: 'summary', node: name }), (request) => ask({ type: 'node', node: name, request }) as Promise<NodeAnswer>);
}

/** Limits and the like are this thread's own; records of what was asked go to the one that keeps them. */
async function optionsOf(): Promise<Partial<ApiServerOptions>> {
  const { auditLogPath: _path, auditWebhookConfigFile: _webhook, auditPolicyFile: policyFile, ...others } = flags;
  const { identity: _identity, ...serving } = await servingOptions(others, parts);
  const audit = audits && policyFile !== undefined ? { policy: await auditPolicy(policyFile), backends: [{ write: (event: never) => say({ type: 'audit', event }), close: () => Promise.resolve() }] } : undefined;
  return { ...serving, flags: flagTexts(flags), audit };
}

async function start(): Promise<void> {
  const meter = new Meter();
  const checks: Check[] = [];
  const store = lent && marks ? await openRemote({ port: lent, marks }) : await openStore({ flags, dataDir, ...parts, stopper, meter, checks });
  // What lies before a lent store is looked after by the thread that lends it.
  if (lent) checks.push(...asking.map((name) => ({ name, failing: async () => (await ask({ type: 'check', name })) as string | undefined })));
  stopper.add('store', () => store.close());
  const own = await openServer({ flags, store, pki, ...parts, stopper }, { ...(await optionsOf()), meter, checks, companions: { counted: () => ask({ type: 'counted' }) as Promise<readonly string[]> } });
  server = own;
  provide();
  listener = await own.listen({ port, host, shared: true });
  say({ type: 'ready' });
  collectStartGarbage(systemClock);
}

async function stop(): Promise<void> {
  await stopper.stop((part, error) => parts.log.error({ part, error: String(error) }, 'cannot stop'));
  process.exit(0);
}

start().catch((error: unknown) => say({ type: 'failed', why: error instanceof Error ? (error.stack ?? error.message) : String(error) }));
