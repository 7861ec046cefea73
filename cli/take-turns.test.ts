import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { Door } from '../api/request.ts';
import { takeTurns } from './take-turns.ts';

/** What came first: bytes on a socket that were sent before the chain began, or the end of the chain. */
async function race(wrap: (door: Door) => Door): Promise<string> {
  const server = createServer((socket) => socket.on('data', () => order.push('socket'))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'connect');
  const order: string[] = [];
  const door = wrap({ call: async () => ({}), watch: () => (async function* () {})() });
  await new Promise<void>((resolve) => client.write('x', () => resolve()));
  for (let i = 0; i < 2000; i++) await door.call({ verb: 'get', group: '', version: 'v1', resource: 'pods' });
  order.push('chain');
  client.destroy();
  server.close();
  return order[0] ?? '';
}

test('a request from a socket is read in the middle of a long chain of calls', async () => {
  expect(await race((door) => door)).toBe('chain');
  expect(await race(takeTurns)).toBe('socket');
});
