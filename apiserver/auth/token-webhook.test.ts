/** Tokens that another server knows. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, VirtualClock } from '../../std/clock.ts';
import { openTestServer } from '../test-server.ts';
import { createTokenWebhook, type TokenWebhookSettings } from './token-webhook.ts';

let hook: Server;
let settings: TokenWebhookSettings;
const asked: { apiVersion: string; spec: { token: string; audiences: string[] } }[] = [];
let status: object = {};

beforeAll(async () => {
  hook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      asked.push(JSON.parse(Buffer.concat(chunks).toString()) as (typeof asked)[number]);
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ status }));
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  settings = { connection: { server: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/review` }, version: 'v1', ttlMs: 10_000 };
});
beforeEach(() => (asked.length = 0));
afterAll(() => new Promise((resolve) => hook.close(resolve)));

const jane = { authenticated: true, user: { username: 'jane', groups: ['dev'], uid: '1', extra: { a: ['b'] } } };

test('its answers name users, and are kept for their time', async () => {
  const clock = new VirtualClock();
  const webhook = createTokenWebhook(settings, { ...clock, now: () => clock.now(), after: (ms, run) => systemClock.after(ms, run), monotonic: () => clock.monotonic() });
  status = jane;
  const user = { name: 'jane', groups: ['dev'], uid: '1', extra: { a: ['b'] } };
  expect(await webhook.verify('t', ['api'])).toEqual({ user, audiences: ['api'] });
  expect(asked).toMatchObject([{ apiVersion: 'authentication.k8s.io/v1', spec: { token: 't', audiences: ['api'] } }]);
  status = { authenticated: false };
  expect(await webhook.verify('t', ['api'])).toMatchObject({ user });
  clock.step(10_001);
  expect(await webhook.verify('t', ['api'])).toBeUndefined();
  webhook.close();
});

test.each<[string, object, object | string | undefined]>([
  ['for other audiences', { ...jane, audiences: ['other'] }, undefined],
  ['for some of the audiences', { ...jane, audiences: ['b', 'c'] }, { audiences: ['b'] }],
  ['with a reason', { authenticated: false, error: 'expired' }, 'expired'],
])('an answer %s', async (_what, answer, wanted) => {
  const webhook = createTokenWebhook(settings, systemClock);
  status = answer;
  const verdict = webhook.verify('t', ['a', 'b']);
  if (typeof wanted === 'string') await expect(verdict).rejects.toThrow(wanted);
  else if (wanted) expect(await verdict).toMatchObject(wanted);
  else expect(await verdict).toBeUndefined();
  webhook.close();
});

test('requests come in by it, after everything else that knows tokens', async () => {
  const server = await openTestServer({ authentication: { webhook: settings, staticTokens: 'own,bob,2' } });
  const who = async (token: string): Promise<unknown> => {
    const answer = await server.http('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { anonymous: true, headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, body: '{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}' });
    return (answer.json() as { status?: { userInfo?: { username: string } } }).status?.userInfo?.username ?? answer.code;
  };
  try {
    status = jane;
    expect([await who('own'), asked.length, await who('theirs'), asked.length]).toEqual(['bob', 0, 'jane', 1]);
    status = { authenticated: false };
    expect(await who('nobody')).toBe(401);
  } finally {
    await server.close();
  }
});
