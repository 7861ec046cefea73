/** The links of an HTML page, changed while it passes. */
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { createDeflateRaw, createGunzip, createGzip, createInflateRaw } from 'node:zlib';

/** Attributes that hold URLs, by element. Provenance: apimachinery's proxy transport of v0.36. */
const LINKS: ReadonlyMap<string, ReadonlySet<string>> = new Map(Object.entries({
  a: 'href', applet: 'codebase', area: 'href', audio: 'src', base: 'href', blockquote: 'cite', body: 'background', button: 'formaction', command: 'icon', del: 'cite',
  embed: 'src', form: 'action', frame: 'longdesc src', head: 'profile', html: 'manifest', iframe: 'longdesc src', img: 'longdesc src usemap', input: 'src usemap formaction',
  ins: 'cite', link: 'href', object: 'classid codebase data usemap', q: 'cite', script: 'src', source: 'src', video: 'poster src',
}).map(([element, attributes]) => [element, new Set(attributes.split(' '))]));

/** What a page may be packed as, and the way there and back. */
const PACKINGS: Readonly<Record<string, readonly [() => NodeJS.ReadWriteStream, () => NodeJS.ReadWriteStream]>> = {
  '': [() => new PassThrough(), () => new PassThrough()],
  gzip: [createGunzip, createGzip],
  deflate: [createInflateRaw, createDeflateRaw],
};
/** A text or tag is held until it ends: so much of it, and the page breaks off. */
const HELD_LIMIT = 32 * 1024 * 1024;

/** `relink` gives undefined for what stays. A page whose packing is not known passes as it is. */
export async function withLinks(page: Readable, packing: string, relink: (url: string) => string | undefined): Promise<Readable> {
  const [unpack, pack] = PACKINGS[packing] ?? [];
  if (!unpack || !pack) return page;
  const links = await openRewriter(relink);
  let held = 0;
  const texts = async function* (bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
    for await (const chunk of bytes) {
      if ((held += chunk.length) > HELD_LIMIT) throw new Error('a page has a text that does not end');
      yield chunk.toString('latin1');
    }
  };
  const chunks = async function* (rewritten: AsyncIterable<string>): AsyncGenerator<Buffer> {
    for await (const text of rewritten) {
      held = 0;
      yield Buffer.from(text, 'latin1');
    }
  };
  // Whoever reads hears of a failure by the stream itself.
  return pipeline(page, unpack(), texts, links, chunks, pack(), () => undefined) as unknown as Readable;
}

async function openRewriter(relink: (url: string) => string | undefined): Promise<NodeJS.ReadWriteStream> {
  const { RewritingStream } = await import('parse5-html-rewriting-stream');
  const rewriter = new RewritingStream();
  rewriter.on('startTag', (tag, raw) => {
    const urls = LINKS.get(tag.tagName);
    let changed = false;
    for (const attribute of urls ? tag.attrs : []) {
      const url = urls?.has(attribute.name) ? relink(attribute.value) : undefined;
      if (url === undefined || url === attribute.value) continue;
      attribute.value = url;
      changed = true;
    }
    rewriter.emitRaw(changed ? `<${tag.tagName}${tag.attrs.map(({ name, value }) => ` ${name}="${quoted(value)}"`).join('')}${tag.selfClosing ? '/' : ''}>` : raw);
  });
  return rewriter;
}

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Bytes stand for themselves, whatever characters they are of; characters beyond them came out of references. */
function quoted(value: string): string {
  return value.replaceAll(/[&'<>"\r]|[\u0100-\u{10ffff}]/gu, (character) => NAMED[character] ?? `&#${character.codePointAt(0)};`);
}
