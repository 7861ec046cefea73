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

/** Two full nodes; the pod would have `b` go from n2, the less important one. */
async function verdict(fields: object, answers: readonly unknown[]): Promise<{ readonly outcome: string; readonly asked: Question[] }> {
  const asked: Question[] = [];
  const server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => {
      const answer = answers[asked.length];
      asked.push(JSON.parse(body) as Question);
      outgoing.writeHead(answer === undefined ? 500 : 200).end(JSON.stringify(answer ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const urlPrefix = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const each = answers.map(() => ({ urlPrefix, preemptVerb: 'preempt', ...fields }));
  const extenders = new Extenders(readConfiguration({ apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration', extenders: each }).extenders);
  const snapshot = cluster(node('n1', { cpu: '1' }), node('n2', { cpu: '1' }));
  for (const [name, where, priority] of [['a', 'n1', 5], ['b', 'n2', 1]] as const) snapshot.setPod(pod({ name, cpu: '800m', priority }), where);
  const waiting = pod({ name: 'p', cpu: '800m', priority: 9 });
  try {
    const [decision] = decide(snapshot, [waiting], { now: NOW, random: seededRandom(1), asked: await extenders.ask(waiting, []) });
    if (!decision || 'node' in decision || !decision.unschedulable.proposal) return { outcome: 'nothing proposed', asked };
    const left = await extenders.preempt(waiting, decision.unschedulable.proposal.candidates, (name) => snapshot.podsOn(name));
    const { preemption, message } = concluded(snapshot, decision.unschedulable, left);
    return { outcome: preemption ? `${preemption.node}: ${preemption.victims.map(({ metadata }) => metadata.name).join(' ')}` : message, asked };
  } catch (error) {
    return { outcome: (error as Error).message.replaceAll(urlPrefix, 'URL'), asked };
  } finally {
    await extenders.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
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
  ['names a pod of another node', {}, [only('n1', 'b')], 'extender: URL claims to preempt pod (UID: &MetaPod{UID:b,}) on node: n1, but the pod is not found on that node'],
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
