import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readConfiguration } from './configuration.ts';
import { decide } from './decide.ts';
import { concluded } from './explain.ts';
import { Extenders } from './extenders.ts';
import { NOW, cluster, node, pod } from './fixtures.ts';
import { seededRandom } from '../std/random.ts';

interface Question {
  readonly Pod?: { readonly metadata: { readonly name: string } };
  readonly NodeNameToVictims?: Readonly<Record<string, { readonly Pods: readonly { readonly metadata: { readonly name: string } }[] }>> | null;
  readonly NodeNameToMetaVictims?: Readonly<Record<string, { readonly Pods: readonly { readonly UID: string }[]; readonly NumPDBViolations: number }>> | null;
}

const CLOCK = { now: () => NOW };

/** What extenders make of it that answer so, one after the other; undefined: with code 500; symbols: with their text. */
async function withExtenders<T>(each: readonly object[], answers: readonly unknown[], work: (extenders: Extenders) => Promise<T>): Promise<{ readonly outcome: T | string; readonly asked: Question[] }> {
  const asked: Question[] = [];
  const server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => {
      const answer = answers[asked.length];
      asked.push(JSON.parse(body) as Question);
      outgoing.writeHead(answer === undefined ? 500 : 200).end(typeof answer === 'symbol' ? Symbol.keyFor(answer) : JSON.stringify(answer ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const urlPrefix = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = each.map((fields) => ({ urlPrefix, ...fields }));
  const extenders = new Extenders(readConfiguration({ apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration', extenders: settings }).extenders, CLOCK);
  try {
    return { outcome: await work(extenders), asked };
  } catch (error) {
    return { outcome: (error as Error).message.replaceAll(urlPrefix, 'URL'), asked };
  } finally {
    await extenders.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Two full nodes; the pod would have `b` go from n2, the less important one. */
function verdict(fields: object, answers: readonly unknown[]): Promise<{ readonly outcome: string; readonly asked: Question[] }> {
  const snapshot = cluster(node('n1', { cpu: '1' }), node('n2', { cpu: '1' }));
  for (const [name, where, priority] of [['a', 'n1', 5], ['b', 'n2', 1]] as const) snapshot.setPod(pod({ name, cpu: '800m', priority }), where);
  const waiting = pod({ name: 'p', cpu: '800m', priority: 9 });
  return withExtenders(answers.map(() => ({ preemptVerb: 'preempt', ...fields })), answers, async (extenders) => {
    const [decision] = decide(snapshot, [waiting], { now: NOW, random: seededRandom(1), asked: await extenders.ask(waiting, []) });
    if (!decision || 'node' in decision || !decision.unschedulable.proposal) return 'nothing proposed';
    const left = await extenders.preempt(waiting, decision.unschedulable.proposal.candidates, (name) => (snapshot.row(name) === undefined ? undefined : snapshot.podsOn(name)));
    const { preemption, message } = concluded(snapshot, decision.unschedulable, left);
    return preemption ? `${preemption.node}: ${preemption.victims.map(({ metadata }) => metadata.name).join(' ')}` : message;
  });
}

const only = (name: string, ...uids: string[]): unknown => ({ NodeNameToMetaVictims: { [name]: { Pods: uids.map((UID) => ({ UID })), NumPDBViolations: 0 } } });
const both = { NodeNameToMetaVictims: { n1: { Pods: [{ UID: 'a' }] }, n2: { Pods: [{ UID: 'b' }] } } };
const NONE = '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: no candidate node for preemption';

test.each<[string, object, readonly unknown[], string]>([
  ['leaves all', {}, [both], 'n2: b'],
  ['leaves one', {}, [only('n1', 'a')], 'n1: a'],
  ['leaves none', {}, [{}], NONE],
  ['is asked after another', {}, [both, only('n1', 'a')], 'n1: a'],
  ['fails', {}, [undefined], 'failed preempt with extender at URL URL/preempt, code 500'],
  ['may fail', { ignorable: true }, [undefined], 'n2: b'],
  ['names no victim', {}, [only('n1')], 'expected at least one victim pod on node "n1"'],
  ['names no victim and may', { ignorable: true }, [only('n1')], NONE],
  ['names a pod of another node', {}, [only('n1', 'b')], 'extender: URL claims to preempt pod (UID: &{b}) on node: n1, but the pod is not found on that node'],
  ['names a node that is not there', {}, [only('n9', 'b')], 'nodeinfo not found for node name "n9"'],
  ['is not interested', { managedResources: [{ name: 'example.com/x' }] }, [both], 'nothing proposed'],
])('Extenders.preempt(): one that %s', async (_, fields, answers, expected) => {
  expect((await verdict(fields, answers)).outcome).toBe(expected);
});

test('Extenders.preempt() sends victims, to those that know the nodes their uids only', async () => {
  const [whole] = (await verdict({}, [both])).asked;
  expect([whole?.Pod?.metadata.name, whole?.NodeNameToVictims?.['n2']?.Pods[0]?.metadata.name, whole?.NodeNameToMetaVictims]).toEqual(['p', 'b', null]);
  const [brief] = (await verdict({ nodeCacheCapable: true }, [both])).asked;
  expect([brief?.NodeNameToVictims, brief?.NodeNameToMetaVictims?.['n2']]).toEqual([null, { Pods: [{ UID: 'b' }], NumPDBViolations: 0 }]);
});

const FIT = 'no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.';

test.each<[string, readonly object[], readonly unknown[], string]>([
  ['names one', [{}], [{ Nodes: { items: [{ metadata: { name: 'n2' } }] }, FailedNodes: { n1: 'no licence' } }], 'n2'],
  ['names none and says nothing of them', [{}], [{}], `0/2 nodes are available: ${FIT}`],
  ['says something of one only', [{}], [{ FailedAndUnresolvableNodes: { n1: 'no licence' } }], `0/2 nodes are available: 1 no licence. ${FIT}`],
  ['leaves one that it says has failed', [{}], [{ Nodes: { items: [{ metadata: { name: 'n1' } }] }, FailedNodes: { n1: 'x' } }], 'n1'],
  ['says that a node is of no use for ever, and for now', [{}], [{ FailedNodes: { n1: 'now', n2: 'now' }, FailedAndUnresolvableNodes: { n1: 'ever', n2: 'ever' } }], `0/2 nodes are available: 2 ever. ${FIT}`],
  ['refuses where evictions might help', [{}], [{ FailedNodes: { n1: 'full', n2: 'full' } }], '0/2 nodes are available: 2 full. preemption: [expected at least one victim pod on node "n1", expected at least one victim pod on node "n2"]'],
  ['leaves a node that it was not asked about', [{ nodeCacheCapable: true }], [{ NodeNames: ['n9'] }], 'extender "URL" claims a filtered node "n9" which is not found in the input node list'],
  ['may fail, and is asked last', [{ ignorable: true }, {}], [{ Nodes: { items: [{ metadata: { name: 'n2' } }] } }, { Error: 'oh' }], 'n2'],
  ['answers with what is no object', [{}], [Symbol.for('hello')], "invalid character 'h' looking for beginning of value"],
  ['answers with nothing', [{}], [Symbol.for('')], 'EOF'],
  ['fails', [{}], [{ Error: 'oh' }], 'oh'],
])('Extenders.ask(): one that %s', async (_, each, answers, expected) => {
  const nodes = [node('n1'), node('n2')];
  const snapshot = cluster(...nodes);
  for (const name of ['n1', 'n2']) snapshot.setPod(pod({ name: `on ${name}`, priority: 1 }), name);
  const waiting = pod({ name: 'p', cpu: '1', priority: 9 });
  const { outcome } = await withExtenders(each.map((fields) => ({ filterVerb: 'filter', ...fields })), answers, async (extenders) => {
    const [decision] = decide(snapshot, [waiting], { now: NOW, random: seededRandom(1), asked: await extenders.ask(waiting, nodes) });
    return decision && ('node' in decision ? decision.node : decision.unschedulable.message.replace(/\[(.*?), (.*?)\]/, (_all, a: string, b: string) => `[${[a, b].sort().join(', ')}]`));
  });
  expect(outcome).toBe(expected);
});

test('Extenders.ask() asks nobody which of one is the best', async () => {
  const scored = { filterVerb: 'filter', prioritizeVerb: 'score', weight: 1 };
  const { asked } = await withExtenders([scored], [{ Nodes: { items: [{ metadata: { name: 'n1' } }] } }, []], (extenders) => extenders.ask(pod(), [node('n1'), node('n2')]));
  expect(asked).toHaveLength(1);
});

test.each<[string, object, readonly unknown[], unknown]>([
  ['binds', {}, [{}], true],
  ['refuses', {}, [{ Error: 'oh' }], 'oh'],
  ['refuses and may', { ignorable: true }, [{ Error: 'oh' }], false],
])('Extenders.bind(): one that %s', async (_, fields, answers, expected) => {
  const { outcome } = await withExtenders([{ bindVerb: 'bind', ...fields }], answers, (extenders) => extenders.bind(pod(), 'n1'));
  expect(outcome).toBe(expected);
});

test('Extenders tell of a server that is not there as upstream does', async () => {
  const nowhere = { urlPrefix: 'http://127.0.0.1:1', filterVerb: 'filter' };
  const { outcome } = await withExtenders([nowhere], [], (extenders) => extenders.ask(pod(), [node('n1')]));
  expect(outcome).toBe('Post "http://127.0.0.1:1/filter": dial tcp 127.0.0.1:1: connect: connection refused');
});
