/** Large requests and large answers that follow each other on one connection. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openTestServer, testPki, type TestServer } from '../test-server.ts';

let it: TestServer;
beforeAll(async () => {
  it = await openTestServer();
});
afterAll(() => it.close());

/** A process of its own: with one event loop for both sides nobody would be in the middle of anything. Whether an answer has left when the next request comes is a matter of luck: of such a row, some have not. */
const CLIENT = `
  import { Agent, request } from 'node:https';
  const { port, ca, cert, key } = JSON.parse(process.argv[1]);
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, cert, key });
  const codeOf = (length) => new Promise((resolve) => {
    const path = '/api/v1/namespaces/default/configmaps?dryRun=All';
    const outgoing = request({ host: '127.0.0.1', port, agent, method: 'POST', path, headers: { 'Content-Type': 'application/json' } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    outgoing.on('error', (error) => resolve(error.code));
    outgoing.end(JSON.stringify({ metadata: { name: 'large' }, data: { text: 'x'.repeat(length) } }));
  });
  const codes = {};
  for (let i = 0; i < 300; i++) {
    const code = await codeOf(50_000 + (i * 37_000) % 350_000);
    codes[code] = (codes[code] ?? 0) + 1;
  }
  console.log(JSON.stringify(codes));
  agent.destroy();
`;

test('none of them is taken for a mistake of the client', async () => {
  const pki = await testPki();
  const admin = await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  const who = JSON.stringify({ port: it.port, ca: pki.caPem, cert: admin.certPem, key: admin.keyPem });
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', CLIENT, who]);
  expect(JSON.parse(stdout)).toEqual({ 201: 300 });
});
