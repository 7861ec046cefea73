/** The examples that come with Coracle do what their first lines promise. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster, whyNoContainers } from './harness/cluster.ts';
import { until } from './harness/until.ts';

const obstacle = whyNoContainers();
const suite = obstacle ? describe.skip : describe;
const example = (name: string): string => readFileSync(join(import.meta.dirname, '../manifests/examples', `${name}.yaml`), 'utf8');

suite(`examples${obstacle ? ` (${obstacle})` : ''}`, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start();
  }, 120_000);
  afterAll(() => cluster?.remove(), 60_000);

  const rollout = async (...names: string[]): Promise<void> => {
    for (const name of names) await cluster.must(`rollout status deployment/${name} --timeout=90s`, { timeoutMs: 100_000 });
  };

  test('hello answers at its node port', async () => {
    await cluster.apply(example('hello'));
    await rollout('hello');
    expect(await until('it answers', () => cluster.fetch('http://127.0.0.1:30080'))).toMatch(/^Hello from hello-/);
  }, 120_000);

  test('guestbook keeps what is signed, whichever web server is asked', async () => {
    await cluster.apply(example('guestbook'));
    await rollout('guestbook-store', 'guestbook-web');
    await until('it can be signed', async () => (await cluster.fetch('http://127.0.0.1:30081/cgi-bin/sign?name=Ada'))?.includes('name=Ada'));
    const servers = new Set<string>();
    await until('both web servers show the entry', async () => {
      const page = (await cluster.fetch('http://127.0.0.1:30081/cgi-bin/sign')) ?? '';
      if (page.includes('name=Ada')) servers.add(page.split('\n')[0] as string);
      return servers.size === 2;
    });
    expect(servers.size).toBe(2);
  }, 180_000);

  test('voting counts every vote once', async () => {
    await cluster.apply(example('voting'));
    await rollout('vote', 'queue', 'worker', 'tally', 'result');
    const vote = (choice: string): Promise<unknown> => until(`a vote for ${choice} is taken`, async () => (await cluster.fetch(`http://127.0.0.1:30082/cgi-bin/vote?${choice}`))?.includes('voted'));
    await vote('tea');
    await vote('coffee');
    await vote('tea');
    const result = await until('all votes were counted', async () => {
      const page = (await cluster.fetch('http://127.0.0.1:30083/cgi-bin/result')) ?? '';
      const counts: Record<string, number> = {};
      for (const [, count, choice = ''] of page.matchAll(/(\d+) (\w+)/g)) counts[choice] = Number(count);
      return Object.values(counts).reduce((a, b) => a + b, 0) >= 3 && counts;
    });
    expect(result).toEqual({ coffee: 1, tea: 2 });
  }, 240_000);
});
