import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '../std/clock.ts';
import { podOf } from './fixtures.ts';
import { rotateLogs } from './log-rotation.ts';
import { openPodFiles } from './pod-files.ts';
import { type Runtime, RuntimeRefused } from './runtime/runtime.ts';
import type { Volumes } from './volumes/volumes.ts';

const directory = mkdtempSync(join(tmpdir(), 'coracle-files-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const volumes = { remove: async () => undefined, present: async () => [], prepare: async () => undefined, mounts: async () => [] } as unknown as Volumes;
const files = openPodFiles({ directory, volumes, clusterDomain: 'cluster.local' });
const pod = podOf({});

function logs(...names: string[]): string {
  const path = join(files.logDirectory(pod.metadata), 'app');
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  for (const name of names) writeFileSync(join(path, name), 'twelve bytes');
  return path;
}

test('what one run of a container has left goes with it, rotated pieces too', async () => {
  const path = logs('1.log', '1.log.20260101-000000', '10.log', '2.log');
  await files.removeRun({ pod, container: 'app', restartCount: 1 });
  expect(readdirSync(path).sort()).toEqual(['10.log', '2.log']);
});

test('whoever a container runs as can leave a message', async () => {
  await files.prepare(pod, {} as Parameters<typeof files.prepare>[1]);
  const { terminationMessageFile = '' } = await files.mounts({ pod, spec: { name: 'app' }, restartCount: 0, facts: { podIps: [] }, environment: [] } as unknown as Parameters<typeof files.mounts>[0]);
  expect(statSync(terminationMessageFile).mode & 0o777).toBe(0o666);
});

test('logs of pods that are no more are removed', async () => {
  const path = logs('0.log');
  await files.removeOrphans(new Set(['u1']));
  expect(readdirSync(path)).toEqual(['0.log']);
  await files.removeOrphans(new Set());
  expect(readdirSync(join(directory, 'logs'))).toEqual([]);
});

describe('rotateLogs()', () => {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1, 2, 3, 4));
  const rotate = (path: string, runtime: Partial<Runtime>, limitBytes = 5): Promise<void> => rotateLogs([{ containerId: 'c', path: join(path, '0.log') }], runtime as Runtime, clock, limitBytes);

  test('puts a large file aside and keeps few', async () => {
    const path = logs('0.log', ...[1, 2, 3, 4].map((i) => `0.log.20250101-00000${i}`));
    let reopened = 0;
    await rotate(path, { reopenLog: async () => void reopened++ });
    expect(readdirSync(path).sort()).toEqual(['0.log.20250101-000002', '0.log.20250101-000003', '0.log.20250101-000004', '0.log.20260101-020304']);
    expect(reopened).toBe(1);
  });

  test('leaves a small file alone, and gives back the name when the runtime cannot open a new one', async () => {
    const path = logs('0.log');
    await rotate(path, {}, 100);
    expect(readdirSync(path)).toEqual(['0.log']);
    await expect(rotate(path, { reopenLog: () => Promise.reject(new RuntimeRefused('NotFound', 'gone')) })).rejects.toThrow('gone');
    expect(readdirSync(path)).toEqual(['0.log']);
  });
});
