/** Tokens among the protocols of a WebSocket: for pages of browsers, which cannot set headers. */
import { openTestServer, type TestServer } from '../test-server.ts';
import { HANDSHAKE, openRaw } from '../test-websocket.ts';
import { withoutToken } from './websocket-token.ts';

let server: TestServer;
beforeAll(async () => (server = await openTestServer({ staticTokens: 'secret,jane,u1' })));
afterAll(() => server.close());

const EXEC = '/api/v1/namespaces/default/pods/a/exec';
const SECRET = `base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}`;

async function said(path: string, protocols: string, upgrade: string = HANDSHAKE.Upgrade): Promise<string> {
  const client = await openRaw(server.port, path, { anonymous: true, headers: { ...HANDSHAKE, Upgrade: upgrade, 'Sec-WebSocket-Protocol': protocols } });
  return `${await client.head()} ${await client.body()}`;
}

test.each([
  [`v4.channel.k8s.io, ${SECRET}`, 'User \\"jane\\" cannot'],
  [`${SECRET},v4.channel.k8s.io`, 'User \\"jane\\" cannot'],
  ['base64url.bearer.authorization.k8s.io.d3Jvbmc,v4.channel.k8s.io', '"code":401'],
  [SECRET, '"code":401'],
  [`${SECRET}, ${SECRET}, v4.channel.k8s.io`, '"code":401'],
  [`${SECRET}==, v4.channel.k8s.io`, '"code":401'],
  ['base64url.bearer.authorization.k8s.io._w, v4.channel.k8s.io', '"code":401'],
  ['base64url.bearer.authorization.k8s.io., v4.channel.k8s.io', 'User \\"system:anonymous\\" cannot'],
  ['v4.channel.k8s.io', 'User \\"system:anonymous\\" cannot'],
])('%s', async (protocols, answer) => {
  expect(await said(EXEC, protocols)).toContain(answer);
});

test('counts wherever a WebSocket is asked for, and nowhere else', async () => {
  expect(await said('/api/v1/pods', `${SECRET}, x`)).toContain('User \\"jane\\" cannot list');
  expect(await said('/api/v1/pods', `${SECRET}, x`, 'h2c')).toContain('User \\"system:anonymous\\" cannot list');
});

test('withoutToken() keeps the other protocols', () => {
  expect(withoutToken('a, base64url.bearer.authorization.k8s.io.c2VjcmV0,b')).toBe('a, b');
  expect(withoutToken('base64url.bearer.authorization.k8s.io.c2VjcmV0')).toBe('');
});
