import { VirtualClock } from '../std/clock.ts';
import { openClient } from './open-client.ts';
import { openRecorder, type EventRecord } from './events.ts';
import { FakeDoor } from './fake-door.ts';

const about = { apiVersion: 'v1', kind: 'Pod', namespace: 'a', name: 'p', uid: 'u' };
const event = (message: string, over: Partial<EventRecord> = {}): EventRecord => ({ about, type: 'Warning', reason: 'Failed', message, ...over });

function open(api: 'core' | 'events.k8s.io' = 'core') {
  const clock = new VirtualClock();
  const door = new FakeDoor();
  const recorder = openRecorder({ client: openClient(door, { userAgent: 't' }), clock, component: 'x-controller', api });
  return { clock, door, recorder };
}

test('repetitions count one Event up', async () => {
  const { clock, door, recorder } = open();
  for (let i = 0; i < 3; i++) {
    recorder.record(event('no'));
    await clock.advance(1000);
  }
  recorder.record(event('other'));
  recorder.record(event('cluster', { about: { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'n' } }));
  await recorder.flush();
  expect(door.objects('events')).toMatchObject([
    { count: 3, message: 'no', reason: 'Failed', firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:02Z', source: { component: 'x-controller' }, involvedObject: about },
    { count: 1, message: 'other', metadata: { namespace: 'a' } },
    { count: 1, message: 'cluster', metadata: { namespace: 'default' } },
  ]);
});

test('from the tenth different message on, they are combined; after 25 about one object, nothing more is said', async () => {
  const { door, recorder } = open();
  for (let i = 0; i < 40; i++) recorder.record(event(`message ${i}`));
  await recorder.flush();
  const events = door.objects('events');
  expect(events).toHaveLength(10);
  expect(events.at(-1)).toMatchObject({ count: 16, message: '(combined from similar events): message 24' });
});

test('the newer form keeps a series', async () => {
  const { clock, door, recorder } = open('events.k8s.io');
  recorder.record(event('no', { action: 'Scheduling' }));
  await clock.advance(1000);
  recorder.record(event('no', { action: 'Scheduling' }));
  await recorder.flush();
  expect(door.objects('events.events.k8s.io')).toMatchObject([{ note: 'no', regarding: about, action: 'Scheduling', series: { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' } }]);
});

test('in the newer form one state of an object has one note, and its next state another', async () => {
  const { clock, door, recorder } = open('events.k8s.io');
  const of = (resourceVersion: string, note: string): void => recorder.record(event(note, { about: { ...about, resourceVersion } }));
  of('1', 'first');
  of('1', 'second');
  of('2', 'third');
  await clock.advance(7 * 60_000);
  of('2', 'fourth');
  await recorder.flush();
  const events = door.objects('events.events.k8s.io') as unknown as { note: string; series?: { count: number } }[];
  expect(events.map(({ note, series }) => [note, series?.count])).toEqual([['first', 2], ['third', undefined], ['fourth', undefined]]);
});

test('what the server refuses is dropped, what it cannot take now is tried again', async () => {
  const clock = new VirtualClock();
  let down = true;
  const { ApiError } = await import('../api/status.ts');
  const door = new FakeDoor({
    before: (call) => {
      if (JSON.stringify(call.body).includes('bad')) throw new ApiError({ code: 403, reason: 'Forbidden' });
      if (down) throw new ApiError({ code: 503, reason: 'ServiceUnavailable' });
    },
  });
  const recorder = openRecorder({ client: openClient(door, { userAgent: 't' }), clock, component: 'x' });
  recorder.record(event('bad'));
  recorder.record(event('good'));
  await clock.advance(1000);
  down = false;
  await clock.advance(5000);
  await recorder.flush();
  expect(door.objects('events').map(({ message }) => message)).toEqual(['good']);
});
