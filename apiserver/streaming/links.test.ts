/** Links of pages behind a proxy: what they become, and what is left alone. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib';
import { withLinks } from './html-links.ts';
import { cleanPath, relink } from './links.ts';

const stand = { prefix: '/api/p/proxy', host: '10.0.0.1:80', asked: 'cluster:6443' };

test.each([
  ['/x', '/api/p/proxy/x'],
  ['/x/', '/api/p/proxy/x/'],
  ['/x?a=/b#/c', '/api/p/proxy/x?a=/b#/c'],
  ['/sp ace', '/api/p/proxy/sp%20ace'],
  ['/\u00fc', '/api/p/proxy/%FC'],
  ['/a/../b', '/api/p/proxy/b'],
  ['rel/x', 'rel/x'],
  ['', ''],
  ['?q', '?q'],
  ['#f', '#f'],
  ['mailto:a@b', 'mailto:a@b'],
  ['http://10.0.0.1:80/x', '/api/p/proxy/x'],
  ['//10.0.0.1:80/x', '/api/p/proxy/x'],
  ['http://10.0.0.1:80', 'http://10.0.0.1:80'],
  ['http://else/x', 'http://else/x'],
  ['https://cluster:6443/x', 'https://cluster:6443/api/p/proxy/x'],
  ['/api/p/proxy/x', '/api/p/proxy/x'],
])('relink(): %j', (url, expected) => {
  expect(relink(url, stand)).toEqual({ url: expected });
});

test('relink() says why a text is no URL', () => {
  expect(relink('/%zz', stand)).toEqual({ problem: 'parse "/%zz": invalid URL escape "%zz"' });
});

test.each([['/a%2Fb/', '/a/b/'], ['/c%20d//e/../f', '/c%20d/f'], ['/%25', '/%25']])('cleanPath(): %s', (path, expected) => expect(cleanPath(path)).toBe(expected));

const seen = async (page: readonly (string | Buffer)[], packing = ''): Promise<Buffer> =>
  buffer(await withLinks(Readable.from(page.map((piece) => Buffer.from(piece as string))), packing, (url) => (url.startsWith('/') ? `/p${url}` : undefined)));

test.each([
  ['<A HREF=/x class=c disabled>y</A>', '<a href="/p/x" class="c" disabled="">y</A>'],
  ['<img src="/i?a=1&amp;b" longdesc=\'/l"\' srcset=/s/>', '<img src="/p/i?a=1&amp;b" longdesc="/p/l&#34;" srcset="/s/">'],
  ['<br/><link href="/c"/>', '<br/><link href="/p/c"/>'],
  ['<script src="/s">"<a href=/x>"</script><!-- <a href=/x> --><textarea><a href=/x></textarea>', '<script src="/p/s">"<a href=/x>"</script><!-- <a href=/x> --><textarea><a href=/x></textarea>'],
  ['<a href="rel">x</a><p title="/x">', '<a href="rel">x</a><p title="/x">'],
])('withLinks(): %s', async (page, expected) => {
  expect((await seen([page])).toString()).toBe(expected);
});

test('withLinks() finds links that come in pieces, keeps bytes that are no UTF-8, and packs again what was packed', async () => {
  expect((await seen(['<a hr', 'ef="/x">\u00e4'])).toString()).toBe('<a href="/p/x">\u00e4');
  expect(await seen([Buffer.from([0xff, 0x3c, 0x62, 0x3e, 0xfe])])).toEqual(Buffer.from([0xff, 0x3c, 0x62, 0x3e, 0xfe]));
  expect(gunzipSync(await seen([gzipSync('<a href=/x>')], 'gzip')).toString()).toBe('<a href="/p/x">');
  expect(inflateRawSync(await seen([deflateRawSync('<a href=/x>')], 'deflate')).toString()).toBe('<a href="/p/x">');
  expect((await seen(['<a href=/x>'], 'br')).toString()).toBe('<a href=/x>');
});

test('withLinks() ends where the page breaks off', async () => {
  const page = new Readable({ read: () => undefined });
  page.push('<a href=/x>');
  const out = await withLinks(page, '', () => undefined);
  page.destroy(new Error('gone'));
  await expect(buffer(out)).rejects.toThrow('gone');
});
