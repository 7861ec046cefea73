import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, sandbox } from './fixtures.ts';
import { Observation } from './observation.ts';
import type { Container, Runtime, Sandbox } from './runtime/runtime.ts';

/** A runtime whose lists are answered when the test says so, with what was there when they were asked for. */
function world(logPath?: string) {
  const state: { sandboxes: Sandbox[]; containers: Container[] } = { sandboxes: [], containers: [] };
  let release: () => void = () => undefined;
  let gate = Promise.resolve();
  const runtime = {
    async listSandboxes() {
      const answer = [...state.sandboxes];
      await gate;
      return answer;
    },
    listContainers: async (id?: string) => state.containers.filter(({ sandboxId }) => !id || sandboxId === id),
    sandbox: async (id: string) => state.sandboxes.find((one) => one.id === id),
  } as unknown as Runtime;
  return {
    state,
    observation: new Observation(runtime, { monotonic: () => 0 }, () => logPath),
    hold: () => void (gate = new Promise((resolve) => (release = resolve))),
    release: () => release(),
  };
}

test('Observation finds by itself what it was not told of, and says what changed', async () => {
  const { state, observation } = world();
  state.sandboxes.push(sandbox());
  state.containers.push(run());
  expect(await observation.relist()).toEqual(['u1']);
  expect(await observation.relist()).toEqual([]);
  expect(observation.uidOf('s0')).toBe('u1');
  state.containers[0] = run({ state: 'exited' });
  expect(await observation.relist()).toEqual(['u1']);
  state.sandboxes.length = 0;
  expect(await observation.relist()).toEqual(['u1']);
  expect([observation.uids(), observation.uidOf('s0')]).toEqual([[], undefined]);
});

test('a slow list does not make it forget a sandbox that was made meanwhile', async () => {
  const { state, observation, hold, release } = world();
  hold();
  const slow = observation.relist();
  state.sandboxes.push(sandbox());
  observation.note('u1', 's0');
  await observation.observe('u1');
  release();
  expect(await slow).toEqual([]);
  expect((await observation.observe('u1')).sandboxes.map(({ id }) => id)).toEqual(['s0']);
});

test('a slow list does not replace what was seen later', async () => {
  const { state, observation, hold, release } = world();
  state.sandboxes.push(sandbox());
  await observation.relist();
  hold();
  const slow = observation.relist();
  state.sandboxes[0] = sandbox({ state: 'notready' });
  await observation.observe('u1');
  release();
  await slow;
  expect(observation.latest('u1').sandboxes[0]?.state).toBe('notready');
});

test('the newest run is the last attempt, also where the clock was set back meanwhile', async () => {
  const { state, observation } = world();
  state.sandboxes.push(sandbox());
  state.containers.push(run({ attempt: 1, started: 10, state: 'exited' }), run({ attempt: 2, started: 600 }), run({ attempt: 0, started: 60, state: 'exited' }));
  const { containers } = await observation.observe('u1').then(async () => (await observation.relist(), observation.latest('u1')));
  expect(containers.map(({ attempt }) => attempt)).toEqual([2, 1, 0]);
});

test.each([
  ['a last line that never ended', 'stdout F one\nstdout P DONE', 'one\nDONE'],
  ['lines that ended', 'stdout F one two\nstderr F DONE', 'one two\nDONE\n'],
  ['a line in pieces', 'stdout P one\nstdout P two\nstdout F three', 'onetwothree\n'],
  ['the last 2,048 bytes', `stdout F ${'ä'.repeat(2000)}`, `${'ä'.repeat(1023)}\n`],
])('the last output stands for a message that a failed container did not leave: %s', async (_, log, message) => {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-observation-'));
  const path = join(directory, '0.log');
  await writeFile(path, `${log.replaceAll(/^/gm, '2026-01-01T00:00:00Z ')}\n`);
  const { state, observation } = world(path);
  state.sandboxes.push(sandbox());
  state.containers.push({ ...run({ state: 'exited', code: 1 }), annotations: { 'io.kubernetes.container.terminationMessagePolicy': 'FallbackToLogsOnError' } });
  const { containers } = await observation.observe('u1').then(async () => (await observation.relist(), observation.latest('u1')));
  expect(containers[0]?.message?.replace(/^\uFFFD/, '')).toBe(message);
  await rm(directory, { recursive: true });
});
