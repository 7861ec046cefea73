/** Header blocks of SPDY/3: names and values, compressed with one zlib stream per direction and the protocol's own dictionary. */
import { type Deflate, type Inflate, constants, createDeflate, createInflate } from 'node:zlib';

export type Headers = Readonly<Record<string, string>>;

/** Words that the protocol's dictionary holds with their lengths, then texts that it holds bare (SPDY/3 draft, section 2.6.10.1). */
const WORDS =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization ' +
  'cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range ' +
  'content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified ' +
  'location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding ' +
  'upgrade user-agent vary via warning www-authenticate method get status';
const MORE_WORDS = ['200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin'];
const BARE =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found' +
  '500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 ' +
  'Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,' +
  'text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

export const DICTIONARY = Buffer.concat([...[...WORDS.split(' '), ...MORE_WORDS].map(counted), Buffer.from(BARE, 'latin1')]);

/** Bound on one block, unpacked. */
const BLOCK_LIMIT_BYTES = 64 * 1024;

/** Packs and unpacks the blocks of one connection, in the order of its frames. */
export class HeaderCodec {
  readonly #deflate: Deflate = createDeflate({ dictionary: DICTIONARY, flush: constants.Z_SYNC_FLUSH });
  readonly #inflate: Inflate = createInflate({ dictionary: DICTIONARY, flush: constants.Z_SYNC_FLUSH });

  async pack(headers: Headers): Promise<Buffer> {
    const pairs = Object.entries(headers);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(pairs.length);
    return through(this.#deflate, Buffer.concat([count, ...pairs.flatMap(([name, value]) => [counted(name.toLowerCase()), counted(value)])]));
  }

  async unpack(block: Buffer): Promise<Headers> {
    const plain = await through(this.#inflate, block);
    const out: Record<string, string> = Object.create(null) as Record<string, string>;
    let at = 4;
    const take = (): string => {
      const length = plain.readUInt32BE(at);
      at += 4 + length;
      if (at > plain.length) throw new RangeError('a header is longer than its block');
      return plain.toString('utf8', at - length, at);
    };
    for (let left = plain.readUInt32BE(0); left > 0; left--) {
      const name = take();
      out[name] = take();
    }
    return out;
  }

  close(): void {
    this.#deflate.close();
    this.#inflate.close();
  }
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function through(stream: Deflate | Inflate, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    let bytes = 0;
    const data = (chunk: Buffer): void => {
      bytes += chunk.length;
      out.push(chunk);
      if (bytes > BLOCK_LIMIT_BYTES) finish(new RangeError('a header block is too long'));
    };
    const finish = (error?: Error | null): void => {
      stream.off('data', data);
      stream.off('error', finish);
      if (error) reject(error);
      else resolve(Buffer.concat(out));
    };
    stream.on('data', data);
    stream.on('error', finish);
    stream.write(input, (error) => {
      if (error) return finish(error);
      stream.flush(constants.Z_SYNC_FLUSH, () => setImmediate(finish));
    });
  });
}
