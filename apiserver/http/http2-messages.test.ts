/** HTTP/2 at the network's door: bodies that come and go in pieces, answers without a body, streams that are given up. */
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { openTestServer, testPki, type TestServer } from '../test-server.ts';
import { BODY_LIMIT_BYTES } from '../request/body.ts';

let own: TestServer;
let session: ClientHttp2Session;
beforeAll(async () => {
  own = await openTestServer();
  const pki = await testPki();
  const { certPem, keyPem } = await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  session = connect(`https://127.0.0.1:${own.port}`, { ca: pki.caPem, cert: certPem, key: keyPem });
});
afterAll(async () => {
  session.close();
  await own.close();
});

interface Answer {
  readonly code: unknown;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly reset: number;
}

function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let headers: IncomingHttpHeaders = {};
    let text = '';
    stream.setEncoding('utf8').on('response', (got) => (headers = got)).on('data', (piece: string) => (text += piece));
    stream.on('error', reject).on('close', () => resolve({ code: headers[':status'], headers, text, reset: stream.rstCode ?? 0 }));
  });
}

const PATH = '/api/v1/namespaces/default/configmaps';
const ask = (method: string, path: string, pieces: readonly string[] = [], headers: Record<string, string> = {}): Promise<Answer> => {
  const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: pieces.length === 0 && method !== 'POST' });
  const answer = answerOf(stream);
  for (const piece of pieces) stream.write(piece);
  stream.end();
  return answer;
};
const map = (name: string, size = 3): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'x'.repeat(size) } });

test('a body in pieces is read, and what it made is shown', async () => {
  const text = map('pieces', 100_000);
  const made = await ask('POST', PATH, [text.slice(0, 10), text.slice(10, 70_000), text.slice(70_000)]);
  expect([made.code, made.reset]).toEqual([201, 0]);
  const shown = await ask('GET', `${PATH}/pieces`);
  expect([shown.code, shown.headers['content-type'], Number(shown.headers['content-length'])]).toEqual([200, 'application/json', shown.text.length]);
  expect(JSON.parse(shown.text).data.a).toHaveLength(100_000);
  expect(typeof shown.headers.date).toBe('string');
});

test('the answer to HEAD has no body', async () => {
  const { code, headers, text } = await ask('HEAD', `${PATH}/pieces`);
  expect([code, Number(headers['content-length']) > 100, text]).toEqual([405, true, '']);
});

test('many objects arrive whole', async () => {
  for (let i = 0; i < 8; i++) await ask('POST', PATH, [map(`many-${i}`, 300_000)]);
  const { items } = JSON.parse((await ask('GET', PATH)).text) as { items: { data: { a: string } }[] };
  expect(items.filter(({ data }) => data.a?.length === 300_000)).toHaveLength(8);
});

test.each([true, false])('a body that is too large is refused, with its length announced: %s', async (announced) => {
  const size = BODY_LIMIT_BYTES + 100_000;
  const stream = session.request({ ':method': 'POST', ':path': PATH, ...(announced && { 'content-length': String(size) }) });
  const answer = answerOf(stream);
  stream.write('x'.repeat(size));
  expect([(await answer).code, JSON.parse((await answer).text).reason]).toEqual([413, 'RequestEntityTooLarge']);
});

test('a body that nobody reads keeps no stream open', async () => {
  const stream = session.request({ ':method': 'POST', ':path': '/api/v1/nothing' });
  const answer = answerOf(stream);
  stream.write('x');
  expect([(await answer).code, (await answer).reset]).toEqual([404, constants.NGHTTP2_NO_ERROR]);
});

test('who expects to be asked for the body is asked', async () => {
  const stream = session.request({ ':method': 'POST', ':path': PATH, expect: '100-continue' });
  const answer = answerOf(stream);
  await new Promise<void>((resolve) => stream.once('continue', () => resolve()));
  stream.end(map('expected'));
  expect((await answer).code).toBe(201);
});

test('CONNECT is no way in', async () => {
  const stream = session.request({ ':method': 'CONNECT', ':authority': 'elsewhere:443' });
  const answer = answerOf(stream);
  stream.end();
  expect((await answer).code).toBe(405);
});

test('a watch shows what happens until it is left, and others go on', async () => {
  const stream = session.request({ ':path': `${PATH}?watch=1&resourceVersion=0` });
  const seen = new Promise<void>((resolve) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.includes('"name":"watched"')) resolve();
    });
  });
  await new Promise<void>((resolve) => stream.once('response', () => resolve()));
  await ask('POST', PATH, [map('watched')]);
  await seen;
  stream.close(constants.NGHTTP2_CANCEL);
  await new Promise<void>((resolve) => stream.once('close', () => resolve()));
  expect((await ask('DELETE', `${PATH}/watched`)).code).toBe(200);
});
