import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { systemLogs } from './system-logs.ts';

const outside = mkdtempSync(join(tmpdir(), 'coracle-outside-'));
const root = mkdtempSync(join(tmpdir(), 'coracle-logs-'));

beforeAll(() => {
  writeFileSync(join(outside, 'secret'), 'secret');
  mkdirSync(join(root, 'app <1>'));
  writeFileSync(join(root, 'app <1>', 'a.log'), 'first\nsecond\n');
  writeFileSync(join(root, 'wtmp'), Buffer.from([1, 0, 2]));
  writeFileSync(join(root, 'empty'), '');
  symlinkSync('wtmp', join(root, 'near'));
  symlinkSync(outside, join(root, 'away'));
  symlinkSync(join(outside, 'secret'), join(root, 'stolen'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
});
afterAll(() => {
  for (const directory of [outside, root]) rmSync(directory, { recursive: true });
});

test.each([
  ['a file', ['app <1>', 'a.log'], '200 text/plain; charset=utf-8 first\nsecond\n'],
  ['an empty file', ['empty'], '200 text/plain; charset=utf-8 '],
  ['a file that is no text', ['wtmp'], '200 application/octet-stream \u0001\u0000\u0002'],
  ['a link to a neighbour', ['near'], '200 application/octet-stream \u0001\u0000\u0002'],
  ['a directory', ['app <1>', ''], '200 text/html; charset=utf-8 <!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n<a href="a.log">a.log</a>\n</pre>\n'],
  ['a directory without a slash', ['app <1>'], '301 text/plain; charset=utf-8 '],
  ['what is not there', ['nope'], '404'],
  ['the way up', ['..', 'x'], '404'],
  ['the way up in one part', ['app <1>/../../x'], '404'],
  ['a link that leads out', ['stolen'], '404'],
  ['below a link that leads out', ['away', 'secret'], '404'],
  ['a name with an end in it', ['a\0b'], '404'],
  ['a pipe', ['pipe'], '404'],
  ['a file with a slash behind', ['wtmp', ''], '404'],
])('%s', async (_, parts, expected) => {
  const { code, type, body } = await systemLogs(parts, root);
  const said = body instanceof Readable ? await text(body) : String(body);
  expect(code === 404 ? '404' : `${code} ${type} ${said}`).toBe(expected);
});

test('the names of a directory are shown as text, and lead where they say', async () => {
  const { body } = await systemLogs([''], root);
  expect(body).toContain('<a href="app%20%3C1%3E/">app &lt;1&gt;/</a>\n');
});
