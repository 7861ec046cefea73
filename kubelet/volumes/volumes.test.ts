import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configmaps, persistentvolumeclaims, persistentvolumes } from '../../api/resources.ts';
import type { ConfigMap, Secret } from '../../api/types/core.v1.ts';
import type { Client, Stored } from '../../client/client.ts';
import { openClient } from '../../client/open-client.ts';
import { FakeDoor } from '../../client/fake-door.ts';
import { VirtualClock } from '../../std/clock.ts';
import { podOf } from '../fixtures.ts';
import type { Spec } from '../pod.ts';
import { type Payload, writePayload } from './atomic-write.ts';
import { Tokens } from './tokens.ts';
import { Volumes } from './volumes.ts';

const root = mkdtempSync(join(tmpdir(), 'coracle-volumes-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const fresh = (): string => join(root, String(made++));

const FACTS = { podIps: ['10.0.0.5'], hostIps: ['192.0.2.1'], allocatable: {} };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('writePayload()', () => {
  const payload = (files: Record<string, string>, mode = 0o644): Payload => new Map(Object.entries(files).map(([path, text]) => [path, { content: Buffer.from(text), mode }]));

  test('changes all files at once, and nothing when nothing changed', async () => {
    const directory = fresh();
    expect(await writePayload(directory, payload({ a: '1', 'deep/b': '2', gone: '3' }))).toBe(true);
    const before = readlinkSync(join(directory, '..data'));
    expect(await writePayload(directory, payload({ a: '1', 'deep/b': '2', gone: '3' }))).toBe(false);
    expect(readlinkSync(join(directory, '..data'))).toBe(before);
    expect(await writePayload(directory, payload({ a: '1', 'deep/b': 'new', more: '4' }))).toBe(true);
    expect(readdirSync(directory).filter((name) => !name.startsWith('..')).sort()).toEqual(['a', 'deep', 'more']);
    expect(readFileSync(join(directory, 'deep/b'), 'utf8')).toBe('new');
    // The old generation is gone: one link and one directory are left.
    expect(readdirSync(directory).filter((name) => name.startsWith('..'))).toHaveLength(2);
  });

  test('gives modes and groups, whatever the mask of the process', async () => {
    const directory = fresh();
    const mask = process.umask(0o077);
    try {
      await writePayload(directory, payload({ a: '1' }, 0o604));
    } finally {
      process.umask(mask);
    }
    expect(statSync(join(directory, 'a')).mode & 0o777).toBe(0o604);
  });

  test.each(['../out', '/etc/passwd', '..data', 'a/../../b'])('refuses %s', async (path) => {
    await expect(writePayload(fresh(), payload({ [path]: '' }))).rejects.toThrow('invalid path');
  });
});

interface World {
  readonly directory: string;
  readonly volumes: Volumes;
  readonly client: Client;
  readonly door: FakeDoor;
  readonly clock: VirtualClock;
}

function world(): World {
  const clock = new VirtualClock();
  const tokens = { count: 0 };
  const door = new FakeDoor();
  const inner = openClient(door, { userAgent: 'kubelet' });
  const client: Client = {
    ...inner,
    post: async (_resource, _key, _subresource, body) => {
      const { spec } = body as { spec: { expirationSeconds: number; audiences: string[] } };
      return { status: { token: `token-${tokens.count++}-${spec.audiences.join()}`, expirationTimestamp: new Date(clock.now() + spec.expirationSeconds * 1000).toISOString() } } as never;
    },
  };
  const configs: Record<string, object> = { settings: { data: { color: 'red' }, binaryData: { logo: base64('\u0000\u0001') } } };
  const secrets: Record<string, object> = { login: { data: { password: base64('pw') } } };
  const directory = fresh();
  const volumes = new Volumes({
    directory,
    client,
    tokens: new Tokens(client, clock),
    configMap: (_, name) => configs[name] as Stored<ConfigMap> | undefined,
    secret: (_, name) => secrets[name] as Stored<Secret> | undefined,
    // A link to what is held open stands in for a mount of it.
    bind: async (source, target) => {
      rmSync(target, { recursive: true });
      symlinkSync(readlinkSync(source), target);
    },
  });
  return { directory, volumes, client, door, clock };
}

/** Makes a pod's only volume and returns the path at which a container would find it. */
async function prepare({ volumes }: World, source: object, mount: object = {}, spec: object = {}): Promise<string> {
  const container = { name: 'app', volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }] } as unknown as Spec;
  const pod = podOf({ volumes: [{ name: 'v', ...source }], containers: [container], ...spec });
  await volumes.prepare(pod, FACTS);
  return (await volumes.mounts(pod, container, new Map([['NAME', 'web']])))[0]?.hostPath ?? '';
}

describe('Volumes.prepare() fills', () => {
  const rows: Record<string, [object, Record<string, string>]> = {
    'a config map': [{ configMap: { name: 'settings' } }, { color: 'red', logo: '\u0000\u0001' }],
    'some keys of a config map': [{ configMap: { name: 'settings', items: [{ key: 'color', path: 'ui/color' }] } }, { 'ui/color': 'red' }],
    'a secret': [{ secret: { secretName: 'login' } }, { password: 'pw' }],
    'nothing, where that is allowed': [{ configMap: { name: 'none', optional: true } }, {}],
    'fields of the pod': [{ downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }, { path: 'ip', fieldRef: { fieldPath: 'status.podIP' } }] } }, { name: 'web', ip: '10.0.0.5' }],
    'a projection of all': [
      {
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 600 } },
            { configMap: { name: 'settings', items: [{ key: 'color', path: 'color' }] } },
            { secret: { name: 'login' } },
            { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
          ],
        },
      },
      { token: 'token-0-vault', color: 'red', password: 'pw', namespace: 'default' },
    ],
  };
  test.each(Object.entries(rows))('%s', async (_, [source, files]) => {
    const path = await prepare(world(), source);
    expect(Object.fromEntries(Object.keys(files).map((name) => [name, readFileSync(join(path, name), 'utf8')]))).toEqual(files);
    expect(readdirSync(path).filter((name) => !name.startsWith('..')).length).toBe(new Set(Object.keys(files).map((name) => name.split('/')[0])).size);
  });
});

describe('Volumes.prepare() refuses', () => {
  const file = join(root, 'file');
  const rows: Record<string, [object, string]> = {
    'a config map that is not there': [{ configMap: { name: 'none' } }, 'MountVolume.SetUp failed for volume "v" : configmap "none" not found'],
    'a key that is not there': [{ configMap: { name: 'settings', items: [{ key: 'size', path: 'size' }] } }, 'configmap references non-existent config key: size'],
    'a secret key that is not there': [{ secret: { secretName: 'login', items: [{ key: 'user', path: 'user' }] } }, 'references non-existent secret key: user'],
    'a host path of another type': [{ hostPath: { path: file, type: 'Directory' } }, `hostPath type check failed: ${file} is not a directory`],
    'a host path that is not there': [{ hostPath: { path: join(root, 'nowhere'), type: 'File' } }, 'is not a file'],
    'what is not supported, by name': [{ iscsi: { targetPortal: 'x' } }, 'volumes of type iscsi are not supported'],
    'a claim that is not bound': [{ persistentVolumeClaim: { claimName: 'pending' } }, 'PVC default/pending is not bound'],
  };
  test.each(Object.entries(rows))('%s', async (_, [source, message]) => {
    writeFileSync(file, '');
    const w = world();
    await w.client.create(persistentvolumeclaims, { metadata: { name: 'pending', namespace: 'default' }, spec: {}, status: { phase: 'Pending' } });
    await expect(prepare(w, source)).rejects.toThrow(message);
  });
});

test('host paths are made where their type says so', async () => {
  const directory = join(root, 'made', 'directory');
  expect(await prepare(world(), { hostPath: { path: directory, type: 'DirectoryOrCreate' } })).toBe(directory);
  expect(statSync(directory).isDirectory()).toBe(true);
  const file = join(root, 'made', 'file');
  await prepare(world(), { hostPath: { path: file, type: 'FileOrCreate' } });
  expect(statSync(file).isFile()).toBe(true);
});

test('a claim is the path of its volume', async () => {
  const w = world();
  const path = fresh();
  mkdirSync(path);
  await w.client.create(persistentvolumes, { metadata: { name: 'pv' }, spec: { local: { path } } });
  await w.client.create(persistentvolumeclaims, { metadata: { name: 'data', namespace: 'default' }, spec: { volumeName: 'pv' }, status: { phase: 'Bound' } });
  expect(await prepare(w, { persistentVolumeClaim: { claimName: 'data' } })).toBe(path);
});

test('tokens are renewed when four fifths of their time are over', async () => {
  const w = world();
  const source = { projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 1000 } }] } };
  const token = async (): Promise<string> => readFileSync(join(await prepare(w, source), 'token'), 'utf8');
  expect(await token()).toBe('token-0-');
  await w.clock.advance(799_000);
  expect(await token()).toBe('token-0-');
  await w.clock.advance(2000);
  expect(await token()).toBe('token-1-');
});

describe('paths inside volumes', () => {
  const volumeWith = (...links: [name: string, to: string][]): string => {
    const path = fresh();
    mkdirSync(join(path, 'deep/er'), { recursive: true });
    writeFileSync(join(path, 'file'), 'x');
    for (const [name, to] of links) symlinkSync(to, join(path, name));
    return path;
  };

  test('are made, with the mode of the volume whatever the mask of the process, and may be named by variables', async () => {
    const w = world();
    const mask = process.umask(0o077);
    try {
      const path = realpathSync(await prepare(w, { emptyDir: {} }, { subPathExpr: 'logs/$(NAME)' }));
      expect(path.endsWith('/kubernetes.io~empty-dir/v/logs/web')).toBe(true);
      expect([path, join(path, '..')].map((one) => statSync(one).mode & 0o7777)).toEqual([0o777, 0o777]);
    } finally {
      process.umask(mask);
    }
  });

  test.each([['deep/er', 'deep/er'], ['file', 'file'], ['inside/er', 'deep/er'], ['inside/new', 'deep/new']])('%s is %s', async (subPath, real) => {
    const path = volumeWith(['inside', 'deep']);
    expect(realpathSync(await prepare(world(), { hostPath: { path } }, { subPath }))).toBe(join(realpathSync(path), real));
  });

  test.each(['link', 'link/x', 'up', 'up/made', 'dangling', 'dangling/x', 'file/x'])('%s is not mounted, and nothing is made elsewhere', async (subPath) => {
    const outside = fresh();
    mkdirSync(outside);
    const path = volumeWith(['link', '/etc'], ['up', outside], ['dangling', join(outside, 'none')]);
    await expect(prepare(world(), { hostPath: { path } }, { subPath })).rejects.toThrow('failed to prepare subPath for volumeMount "v" of container "app"');
    expect(readdirSync(outside)).toEqual([]);
  });

  test.each([['../x', "unable to provision SubPath `../x`: must not contain '..'"], ['/etc', 'error SubPath `/etc` must not be an absolute path']])('%s is refused', async (subPath, why) => {
    await expect(prepare(world(), { emptyDir: {} }, { subPath })).rejects.toThrow(why);
  });
});

test('remove() leaves nothing', async () => {
  const w = world();
  const path = await prepare(w, { emptyDir: {} });
  writeFileSync(join(path, 'file'), 'x');
  chmodSync(path, 0o500);
  await w.volumes.remove('u1');
  expect(await w.volumes.present()).toEqual([]);
  expect(w.door.objects(configmaps.resource)).toEqual([]);
});
