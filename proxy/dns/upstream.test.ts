/** Name servers that cannot be asked. */
import { systemClock } from '../../std/clock.ts';
import { openUpstream } from './upstream.ts';

test('a name server that no way leads to is one that does not answer', async () => {
  const asked: string[] = [];
  // Nobody may send to this address without asking the kernel for it first, so it refuses as it does without a route.
  const upstream = openUpstream(() => {
    asked.push('servers');
    return ['255.255.255.255', '255.255.255.255'];
  }, systemClock);
  expect(await upstream.ask(Buffer.alloc(12), 'udp')).toBeUndefined();
  expect(await upstream.ask(Buffer.alloc(12), 'tcp')).toBeUndefined();
  expect(asked).toHaveLength(2);
});
