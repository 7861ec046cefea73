/** Bodies as they arrive: whole, in pieces, too large, broken off. */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { readBody } from './body.ts';

const LIMIT = 10;

function incoming(headers: Record<string, string> = {}): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.headers = headers;
  return request;
}

const outcome = (read: Promise<Buffer>): Promise<string> => read.then(String, (error: { readonly code: number; readonly message: string }) => `${error.code} ${error.message}`);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test.each<[string, readonly (string | null | 'gone')[], string]>([
  ['nothing', [null], ''],
  ['one piece', ['abcdef', null], 'abcdef'],
  ['several', ['abc', 'def', 'ghij', null], 'abcdefghij'],
  ['more than the limit, without saying so first', ['abc', 'def', 'ghijk', null], '413 Request entity too large: limit is 10'],
  ['a client that leaves before the end', ['abc', 'gone'], '400 unexpected EOF'],
  ['a client that leaves before the beginning', ['gone'], '400 unexpected EOF'],
])('readBody() takes %s', async (_name, pieces, expected) => {
  for (const early of [true, false]) {
    const request = incoming();
    const read = early ? undefined : outcome(readBody(request.headers, request, LIMIT));
    for (const piece of pieces) {
      if (piece === 'gone') request.destroy(new Error('aborted'));
      else request.push(piece === null ? null : Buffer.from(piece));
      if (!early) await turn();
    }
    expect(await (read ?? outcome(readBody(request.headers, request, LIMIT)))).toBe(expected);
    expect(['data', 'end', 'error', 'close'].map((name) => request.listenerCount(name))).toEqual([0, 0, 0, 0]);
  }
});

test('readBody() refuses what says that it is too large without reading it', async () => {
  const request = incoming({ 'content-length': '11' });
  request.push('abc');
  expect(await outcome(readBody(request.headers, request, LIMIT))).toBe('413 Request entity too large: limit is 10');
  expect(request.readableLength).toBe(3);
});

test('readBody() tells who comes after the end that there is nothing', async () => {
  const request = incoming();
  request.complete = true;
  request.push('abc');
  request.push(null);
  expect(await outcome(readBody(request.headers, request, LIMIT))).toBe('abc');
  await turn();
  expect(await outcome(readBody(request.headers, request, LIMIT))).toBe('400 unexpected EOF');
});
