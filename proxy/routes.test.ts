/** Routes to the pods of other nodes: which ones are wanted, and that the kernel gets them and nothing else of it is touched. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Node } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { RouteTable } from './route-table.ts';
import { movesRoutes, routesToPods } from './routes.ts';

function node(name: string, podCIDRs: readonly string[], ...addresses: string[]): Stored<Node> {
  return { metadata: { name }, spec: { podCIDRs }, status: { addresses: [{ type: 'Hostname', address: name }, ...addresses.map((address) => ({ type: 'InternalIP', address }))] } } as unknown as Stored<Node>;
}

const own = node('a', ['10.244.0.0/24'], '192.0.2.1');

test.each([
  ['each other node by its address', [own, node('b', ['10.244.1.0/24'], '192.0.2.2'), node('c', ['10.244.2.0/24'], '192.0.2.3')], ['10.244.1.0/24 192.0.2.2', '10.244.2.0/24 192.0.2.3']],
  ['each family by an address of its own', [own, node('b', ['10.244.1.0/24', 'fd00:1::/64'], '192.0.2.2', '2001:db8::2')], ['10.244.1.0/24 192.0.2.2', 'fd00:1::/64 2001:db8::2']],
  ['no node without a range, without an address, or on this machine', [own, node('b', [], '192.0.2.2'), node('c', ['10.244.2.0/24']), node('d', ['10.244.3.0/24'], '192.0.2.1'), node('e', ['10.244.4.0/24'], '127.0.0.1')], []],
])('%s', (_, nodes, expected) => {
  expect(routesToPods(nodes, new Set(['192.0.2.1'])).map(({ to, via }) => `${to} ${via}`)).toEqual(expected);
});

test('a heartbeat moves nothing, a range that comes does', () => {
  const young = node('b', [], '192.0.2.2');
  expect(movesRoutes(young, { ...young, status: { ...young.status, conditions: [] } })).toBe(false);
  expect(movesRoutes(young, node('b', ['10.244.1.0/24'], '192.0.2.2'))).toBe(true);
});

const missing = process.getuid?.() !== 0 || !['/usr/sbin/ip', '/sbin/ip', '/bin/ip'].some((path) => existsSync(path));
const suite = missing && process.env.CI !== 'true' ? describe.skip : describe;

suite(`in a network namespace${missing ? ' (needs root and ip)' : ''}`, () => {
  const name = `cr${process.pid}`;
  const run = promisify(execFile);
  const inside = async (program: string, args: readonly string[]): Promise<string> => (await run('ip', ['netns', 'exec', name, program, ...args])).stdout;
  const shown = async (): Promise<string[]> => (await inside('ip', ['-4', 'route', 'show'])).split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.includes('scope link'));

  beforeAll(() => {
    for (const line of [`netns add ${name}`, `-n ${name} link set lo up`, `-n ${name} link add eth0 type bridge`, `-n ${name} addr add 192.0.2.1/24 dev eth0`, `-n ${name} link set eth0 up`, `-n ${name} route add 10.9.0.0/16 via 192.0.2.9`]) {
      execFileSync('ip', line.split(' '));
    }
  });
  afterAll(() => void execFileSync('ip', ['netns', 'del', name]));

  test('routes come, change and go; those of others stay, and one that cannot be is told', async () => {
    const others = '10.9.0.0/16 via 192.0.2.9 dev eth0';
    const [b, moved, far] = [
      { family: 'ipv4', to: '10.244.1.0/24', via: '192.0.2.2' },
      { family: 'ipv4', to: '10.244.1.0/24', via: '192.0.2.3' },
      { family: 'ipv4', to: '10.244.2.0/24', via: '198.51.100.1' },
    ] as const;
    const table = new RouteTable(inside);
    expect([...(await table.apply([far, b])).keys()]).toEqual([far]);
    expect(await shown()).toEqual([others, '10.244.1.0/24 via 192.0.2.2 dev eth0 proto 152']);
    // Another process takes over, and finds what the first has made.
    await new RouteTable(inside).apply([moved]);
    expect(await shown()).toEqual([others, '10.244.1.0/24 via 192.0.2.3 dev eth0 proto 152']);
    table.distrust();
    await table.apply([]);
    expect(await shown()).toEqual([others]);
    await table.apply([b]);
    await table.clear();
    expect(await shown()).toEqual([others]);
  });
});
