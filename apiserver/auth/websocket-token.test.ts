/** Tokens among the protocols of a WebSocket: for pages of browsers, which cannot set headers. */
import { connect } from 'node:tls';
import { once } from 'node:events';
import { openTestServer, testPki, type TestServer } from '../test-server.ts';
import { withoutToken } from './websocket-token.ts';

let server: TestServer;
beforeAll(async () => (server = await openTestServer({ staticTokens: 'secret,jane,u1' })));
afterAll(() => server.close());

async function open(protocols: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: server.port, ca: (await testPki()).caPem, ALPNProtocols: ['http/1.1'] });
  socket.write(`GET /api/v1/namespaces/default/pods/a/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${protocols}\r\n\r\n`);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, 'close');
  return text;
}

test.each([
  [`v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}`, 'User \\"jane\\" cannot'],
  [`base64url.bearer.authorization.k8s.io.${Buffer.from('wrong').toString('base64url')},v4.channel.k8s.io`, '"code":401'],
  ['v4.channel.k8s.io', 'User \\"system:anonymous\\" cannot'],
])('%s', async (protocols, answer) => {
  expect(await open(protocols)).toContain(answer);
});

test('withoutToken() keeps the other protocols', () => {
  expect(withoutToken('a, base64url.bearer.authorization.k8s.io.c2VjcmV0,b')).toBe('a, b');
  expect(withoutToken('base64url.bearer.authorization.k8s.io.c2VjcmV0')).toBe('');
});
