import { pods } from '../api/resources.ts';
import type { Pod, PodStatus } from '../api/types/core.v1.ts';
import type { Client } from '../client/client.ts';
import { openClient } from '../client/open-client.ts';
import { FakeDoor } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import type { PodObject } from './pod.ts';
import { StatusWriter } from './status-writer.ts';

const PENDING: PodStatus = { phase: 'Pending' };
const RUNNING: PodStatus = { phase: 'Running' };

async function world(): Promise<{ client: Client; pod: PodObject; writer: StatusWriter; phase: () => unknown }> {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now() });
  const client = openClient(door, { userAgent: 'kubelet/test' });
  await client.create(pods, { metadata: { name: 'web', namespace: 'default' }, spec: { containers: [{ name: 'app' }] } } as Pod);
  await client.patch(pods, { namespace: 'default', name: 'web' }, { type: 'application/merge-patch+json', body: { status: PENDING } }, { subresource: 'status' });
  const pod = (await client.get(pods, { namespace: 'default', name: 'web' })) as PodObject;
  const writer = new StatusWriter(pod, { client, clock, log: { warn: () => undefined }, signal: new AbortController().signal });
  return { client, pod, writer, phase: () => (door.objects('pods')[0] as { status?: PodStatus }).status?.phase };
}

test('a first word that the server already has does not keep the next one from being written', async () => {
  const { pod, writer, phase } = await world();
  writer.put(pod, PENDING);
  await writer.flush();
  writer.put(pod, RUNNING);
  await writer.flush();
  expect(phase()).toBe('Running');
});

test('of words that come during a write the last one wins, even if it is the one before the write', async () => {
  const { pod, writer, phase } = await world();
  writer.put(pod, RUNNING);
  writer.put(pod, { phase: 'Failed' });
  writer.put(pod, PENDING);
  await writer.flush();
  expect(phase()).toBe('Pending');
});

test("what others say of the pod's readiness is overwritten; what came before our own last word, and the end of the pod, are not", async () => {
  const { pod, writer, client } = await world();
  const ready = (status: 'True' | 'False'): PodStatus => ({ phase: 'Running', conditions: [{ type: 'Ready', status }] });
  const say = async (status: PodStatus): Promise<PodObject> => (await client.patch(pods, { namespace: 'default', name: 'web' }, { type: 'application/merge-patch+json', body: { status } }, { subresource: 'status' })) as PodObject;
  const now = async (): Promise<PodStatus | undefined> => (await client.get(pods, { namespace: 'default', name: 'web' })).status as PodStatus;
  const early = await say(ready('False'));
  writer.put(pod, ready('True'));
  await writer.flush();
  const written = await client.get(pods, { namespace: 'default', name: 'web' });
  writer.seen(early);
  await writer.flush();
  expect((await client.get(pods, { namespace: 'default', name: 'web' })).metadata.resourceVersion).toBe(written.metadata.resourceVersion);
  writer.seen(await say(ready('False')));
  await writer.flush();
  expect((await now())?.conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
  writer.seen(await say({ phase: 'Failed' }));
  await writer.flush();
  expect((await now())?.phase).toBe('Failed');
});

test('what others say before our first word is overwritten as well', async () => {
  const { pod, writer, client, phase } = await world();
  writer.seen((await client.patch(pods, { namespace: 'default', name: 'web' }, { type: 'application/merge-patch+json', body: { status: RUNNING } }, { subresource: 'status' })) as PodObject);
  writer.put(pod, PENDING);
  await writer.flush();
  expect(phase()).toBe('Pending');
});

test('what others say is overwritten though news of it comes before the answer to our own word', async () => {
  const { pod, writer, client, phase } = await world();
  const patch = client.patch.bind(client);
  const say = (status: PodStatus): Promise<PodObject> => patch(pods, { namespace: 'default', name: 'web' }, { type: 'application/merge-patch+json', body: { status } }, { subresource: 'status' }) as Promise<PodObject>;
  let isFirst = true;
  client.patch = (async (...words: Parameters<Client['patch']>) => {
    const answer = await patch(...words);
    if (isFirst) writer.seen(await say(PENDING));
    isFirst = false;
    return answer;
  }) as Client['patch'];
  writer.put(pod, RUNNING);
  await writer.flush();
  expect(phase()).toBe('Running');
});
