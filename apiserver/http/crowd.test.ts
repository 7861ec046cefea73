/** Connections that are sent elsewhere, over real sockets. */
import { Agent, request } from 'node:https';
import { connect, type ClientHttp2Session } from 'node:http2';
import type { Listener } from './listen.ts';
import { openTestServer, testPki, type TestServer } from '../test-server.ts';

let server: TestServer;
let listener: Listener;
let ca: string;
beforeEach(async () => {
  server = await openTestServer();
  listener = await server.server.listen({ port: 0, host: '127.0.0.1' });
  ca = (await testPki()).caPem;
});
afterEach(() => server.close());

/** Asks over as many kept connections at the same time; whether each is told to close. */
async function ask(agents: readonly Agent[]): Promise<boolean[]> {
  return Promise.all(
    agents.map(
      (agent) =>
        new Promise<boolean>((resolve, reject) => {
          const asked = request({ host: '127.0.0.1', port: listener.port, ca, agent, path: '/livez' }, (answer) => {
            answer.resume();
            answer.once('end', () => resolve(answer.headers.connection === 'close'));
          });
          asked.once('error', reject);
          asked.end();
        }),
    ),
  );
}

test('shed() closes a part of the connections with their next answers, the last one never', async () => {
  const agents = Array.from({ length: 6 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  try {
    const count = async (): Promise<number> => (await ask(agents)).filter(Boolean).length;
    expect(await count()).toBe(0);
    expect(listener.load()).toEqual({ connections: 6, requests: 6, lasting: 0 });
    listener.shed(0.5);
    expect([await count(), await count()]).toEqual([3, 0]);
    listener.shed(1);
    expect(await count()).toBe(5);
    expect(listener.load().requests).toBe(24);
  } finally {
    for (const agent of agents) agent.destroy();
  }
});

test('over HTTP/2 a watch goes on while its client is told to go elsewhere with what is new', async () => {
  const sessions = Array.from({ length: 2 }, () => connect(`https://127.0.0.1:${listener.port}`, { ca }));
  const get = (session: ClientHttp2Session, path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':path': path });
      stream.once('response', (headers) => resolve(Number(headers[':status'])));
      stream.once('error', reject);
      stream.resume();
    });
  try {
    const [first, second] = sessions as [ClientHttp2Session, ClientHttp2Session];
    const admin = await (await testPki()).clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
    const watching = connect(`https://127.0.0.1:${listener.port}`, { ca, cert: admin.certPem, key: admin.keyPem });
    sessions.push(watching);
    const watch = watching.request({ ':path': '/api/v1/namespaces?watch=true' });
    let events = '';
    watch.setEncoding('utf8').on('data', (chunk: string) => (events += chunk));
    expect([await get(first, '/livez'), await get(second, '/livez')]).toEqual([200, 200]);
    while (listener.load().lasting === 0) await new Promise((resolve) => setImmediate(resolve));
    const away = new Promise((resolve) => watching.once('goaway', resolve));
    listener.shed(0.4);
    expect(await get(watching, '/livez')).toBe(200);
    await away;
    await server.http('POST', '/api/v1/namespaces', { body: JSON.stringify({ metadata: { name: 'later' } }) });
    while (!events.includes('"later"')) await new Promise((resolve) => setImmediate(resolve));
    expect([watch.closed, await get(first, '/livez')]).toEqual([false, 200]);
  } finally {
    for (const session of sessions) session.destroy();
  }
});
