import { podOf, run, sandbox } from '../fixtures.ts';
import { LocalLooks } from './local-looks.ts';

test('of() counts what has a limit, and what took long to count seldom', async () => {
  let now = 0;
  const counted: string[] = [];
  const looks = new LocalLooks({
    clock: { monotonic: () => now },
    runtime: { stats: async () => [{ containerId: 'app-1', at: 0, cpuNanoseconds: 0, memoryWorkingSetBytes: 0, filesystemBytes: 7 }] },
    seen: () => ({ sandboxes: [sandbox()], containers: [run({ attempt: 1 }), run({ state: 'exited' })] }),
    logDirectory: ({ uid }) => `/logs/${uid}`,
    volumePaths: (uid) => new Map([['free', `/v/${uid}/free`], ['bound', `/v/${uid}/bound`]]),
    async count(path) {
      counted.push(path);
      now += path.endsWith('bound') ? 2000 : 0;
      return { usedBytes: counted.length };
    },
  });
  const volumes = [{ name: 'free', emptyDir: {} }, { name: 'bound', emptyDir: { sizeLimit: '1Mi' } }, { name: 'unmade', emptyDir: { sizeLimit: '1Mi' } }];
  const whole = podOf({ volumes, containers: [{ name: 'app', resources: { limits: { 'ephemeral-storage': '1Mi' } } }] }, { uid: 'whole' });
  const part = podOf({ volumes }, { uid: 'part' });
  expect(await looks.of([whole, part])).toEqual(new Map([
    ['whole', { containers: new Map([['app', { layer: 7, logs: 1 }]]), volumes: new Map([['free', 2], ['bound', 3]]) }],
    ['part', { containers: new Map(), volumes: new Map([['bound', 4]]) }],
  ]));
  now += 10_000;
  counted.length = 0;
  await looks.of([whole, part]);
  expect(counted).toEqual(['/logs/whole/app', '/v/whole/free']);
  now += 30_000;
  counted.length = 0;
  expect((await looks.of([part])).get('part')?.volumes.get('bound')).toBe(1);
});
