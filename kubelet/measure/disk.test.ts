import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryUse, readDisk } from './disk.ts';

const root = mkdtempSync(join(tmpdir(), 'coracle-disk-'));
afterAll(() => rmSync(root, { recursive: true }));

test('a directory takes what its files take: links are not followed, and a file of two names counts once', async () => {
  const before = await directoryUse(root);
  expect(before.inodesUsed).toBe(1);
  mkdirSync(join(root, 'a'));
  writeFileSync(join(root, 'a', 'file'), Buffer.alloc(100_000, 1));
  linkSync(join(root, 'a', 'file'), join(root, 'same'));
  symlinkSync('/usr', join(root, 'away'));
  const { usedBytes, inodesUsed } = await directoryUse(root);
  expect(inodesUsed).toBe(4);
  expect(usedBytes - before.usedBytes).toBeGreaterThanOrEqual(100_000);
  expect(usedBytes - before.usedBytes).toBeLessThan(200_000);
});

test('what is not there takes nothing, and is on no disk', async () => {
  expect(await directoryUse(join(root, 'nope'))).toEqual({ usedBytes: 0, inodesUsed: 0 });
  expect(await readDisk(join(root, 'nope'), 0)).toBeUndefined();
  const disk = await readDisk(root, 5);
  expect(disk?.at).toBe(5);
  expect(disk?.capacityBytes).toBeGreaterThanOrEqual((disk?.usedBytes ?? 0) + (disk?.availableBytes ?? 0));
});
