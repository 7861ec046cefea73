import type { Secret } from '../api/types/core.v1.ts';
import { VirtualClock } from '../std/clock.ts';
import { podOf } from './fixtures.ts';
import { repositoryOf, withDefaultTag } from './image-name.ts';
import { Images } from './images.ts';
import type { Spec } from './pod.ts';
import { credentialsFor } from './pull-secrets.ts';
import { type Image, type ImageCredentials, type Runtime, RuntimeRefused } from './runtime/runtime.ts';

test('names of images', () => {
  const rows: [string, string | undefined, string][] = [
    ['busybox', 'busybox:latest', 'docker.io/library/busybox'],
    ['me/app:1', 'me/app:1', 'docker.io/me/app'],
    ['localhost:5000/app', 'localhost:5000/app:latest', 'localhost:5000/app'],
    ['reg.example/a/b@sha256:' + 'a'.repeat(64), 'reg.example/a/b@sha256:' + 'a'.repeat(64), 'reg.example/a/b'],
    ['Upper/Case', undefined, ''],
    ['a b', undefined, ''],
    ['', undefined, ''],
  ];
  expect(rows.map(([name]) => withDefaultTag(name))).toEqual(rows.map(([, tagged]) => tagged));
  const valid = rows.filter(([, tagged]) => tagged);
  expect(valid.map(([name]) => repositoryOf(name))).toEqual(valid.map(([, , repository]) => repository));
});

describe('credentialsFor()', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const secret = (auths: object): Secret => ({ type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) } }) as unknown as Secret;
  const all = secret({
    'https://index.docker.io/v1/': { auth: base64('hub:a:b') },
    'reg.example': { username: 'host', password: 'p' },
    'reg.example/team': { username: 'team', password: 'p' },
    '*.wild.example:5000': { username: 'wild', password: 'p' },
  });
  const rows: [string, string[]][] = [
    ['busybox', ['hub']],
    ['reg.example/app:1', ['host']],
    ['reg.example/team/app:1', ['team', 'host']],
    ['reg.example/teamwork/app', ['host']],
    ['a.wild.example:5000/app', ['wild']],
    ['a.b.wild.example:5000/app', []],
    ['other.example/app', []],
  ];
  test.each(rows)('%s', (image, users) => expect(credentialsFor(image, [all]).map(({ username }) => username)).toEqual(users));
  test('a password may hold a colon, and a broken secret is none', () => {
    expect(credentialsFor('busybox', [all])[0]).toMatchObject({ username: 'hub', password: 'a:b' });
    expect(credentialsFor('busybox', [{ type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'e30x' } } as unknown as Secret])).toEqual([]);
  });
});

describe('Images.ensure()', () => {
  const image: Image = { id: 'i', tags: [], digests: [], sizeBytes: 7, user: undefined };
  function world(options: { present?: boolean; pull?: (credentials?: ImageCredentials) => Promise<string> } = {}) {
    const clock = new VirtualClock();
    const state = { present: options.present ?? false, pulls: 0, atOnce: 0, most: 0 };
    const runtime = {
      image: async () => (state.present ? image : undefined),
      async pullImage(_reference: string, credentials?: ImageCredentials) {
        state.pulls++;
        state.most = Math.max(state.most, ++state.atOnce);
        try {
          await new Promise<void>((resolve) => clock.after(100, resolve));
          const id = await (options.pull?.(credentials) ?? Promise.resolve('i'));
          state.present = true;
          return id;
        } finally {
          state.atOnce--;
        }
      },
    } as unknown as Runtime;
    const images = new Images(runtime, clock);
    const events: string[] = [];
    const ensure = (name: string, policy: string, credentials: ImageCredentials[] = [], uid = 'u1') =>
      images.ensure({ pod: podOf({}, { uid }), spec: { name: 'app', image: name, imagePullPolicy: policy } as Spec, credentials, record: (_, reason, message) => events.push(`${reason}: ${message}`) });
    return { clock, state, ensure, events };
  }

  test('pulls by policy', async () => {
    const pulls = async (present: boolean, policy: string): Promise<number | string> => {
      const { clock, state, ensure } = world({ present });
      const done = ensure('app:1', policy).then(() => state.pulls, (error: Error & { reason: string }) => error.reason);
      await clock.advance(1000);
      return done;
    };
    expect([await pulls(true, 'IfNotPresent'), await pulls(false, 'IfNotPresent'), await pulls(true, 'Always'), await pulls(true, 'Never'), await pulls(false, 'Never')]).toEqual([0, 1, 1, 0, 'ErrImageNeverPull']);
  });

  test('pulls an image once for all who ask, and few at a time', async () => {
    const { clock, state, ensure } = world();
    const all = [...Array.from({ length: 5 }, (_, i) => ensure('same:1', 'Always', [], `u${i}`)), ...Array.from({ length: 9 }, (_, i) => ensure(`other:${i}`, 'Always'))];
    await clock.advance(2000);
    await Promise.all(all);
    expect([state.pulls, state.most]).toEqual([10, 4]);
  });

  test('waits after a failure and says why it failed', async () => {
    const { clock, ensure, events } = world({ pull: () => Promise.reject(new RuntimeRefused('NotFound', 'no such image')) });
    const attempt = async (): Promise<unknown> => {
      const outcome = ensure('app:1', 'IfNotPresent').catch((error: Error & { reason: string; retryAfterMs: number }) => [error.reason, error.message, error.retryAfterMs]);
      await clock.advance(100);
      return outcome;
    };
    const why = 'rpc error: code = NotFound desc = no such image';
    expect(await attempt()).toEqual(['ErrImagePull', why, 2000]);
    expect(await attempt()).toEqual(['ImagePullBackOff', `Back-off pulling image "app:1": ErrImagePull: ${why}`, 10_000]);
    await clock.advance(10_000);
    expect(await attempt()).toEqual(['ErrImagePull', why, 2000]);
    expect(await attempt()).toEqual(['ImagePullBackOff', expect.anything(), 20_000]);
    expect(events.slice(0, 3)).toEqual(['Pulling: Pulling image "app:1"', `Failed: Failed to pull image "app:1": ${why}`, 'BackOff: Back-off pulling image "app:1"']);
  });

  test('tries all credentials that fit', async () => {
    const { clock, state, ensure } = world({ pull: (credentials) => (credentials?.username === 'good' ? Promise.resolve('i') : Promise.reject(new Error('denied'))) });
    const done = ensure('app:1', 'Always', [{ username: 'bad', password: '' }, { username: 'good', password: '' }]);
    await clock.advance(500);
    expect([(await done).reference, state.pulls]).toEqual(['app:1', 2]);
  });

  test('refuses a name that is none', async () => {
    await expect(world().ensure('Bad Name', 'Always')).rejects.toMatchObject({ reason: 'InvalidImageName' });
  });
});
