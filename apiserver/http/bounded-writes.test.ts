/** Whatever is written arrives whole and in order, in writes that stay within their bound, one after the other. */
import { Writable } from 'node:stream';
import { boundWrites, WRITE_BYTES } from './bounded-writes.ts';

type Chunk = Buffer | string;
type Done = (error?: Error | null) => void;

class Sink extends Writable {
  readonly sizes: number[] = [];
  readonly got: Buffer[] = [];
  underWay = 0;
  most = 0;
  failAt = Infinity;

  override _writev(chunks: { chunk: Chunk; encoding: BufferEncoding }[], done: Done): void {
    const bytes = chunks.map(({ chunk, encoding }) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk));
    this.sizes.push(bytes.reduce((sum, { length }) => sum + length, 0));
    this.got.push(...bytes);
    this.most = Math.max(this.most, ++this.underWay);
    setImmediate(() => {
      this.underWay--;
      done(this.sizes.length >= this.failAt ? new Error('gone') : null);
    });
  }

  override _write(chunk: Chunk, encoding: BufferEncoding, done: Done): void {
    this._writev([{ chunk, encoding }], done);
  }
}

async function written(chunks: readonly Chunk[]): Promise<Sink> {
  const sink = new Sink({ decodeStrings: false });
  boundWrites(sink);
  sink.cork();
  for (const chunk of chunks) sink.write(chunk);
  sink.uncork();
  sink.end();
  await new Promise((resolve) => sink.once('finish', resolve));
  return sink;
}

const bytes = (length: number, seed: number): Buffer => Buffer.from(Array.from({ length }, (_, at) => (at * 7 + seed) & 0xff));

const ROWS: readonly { readonly what: string; readonly chunks: readonly Chunk[]; readonly sizes: readonly number[] }[] = [
  { what: 'a head and a small body go together', chunks: ['head\r\n', bytes(1000, 1)], sizes: [1006] },
  { what: 'one large chunk is cut', chunks: [bytes(2 * WRITE_BYTES + 5, 2)], sizes: [WRITE_BYTES, WRITE_BYTES, 5] },
  { what: 'exactly the bound is one write', chunks: [bytes(WRITE_BYTES, 3)], sizes: [WRITE_BYTES] },
  { what: 'a head goes with the beginning of its large body', chunks: ['head\r\n', bytes(WRITE_BYTES, 4)], sizes: [WRITE_BYTES, 6] },
  { what: 'many chunks are filled up to the bound', chunks: [bytes(WRITE_BYTES - 1, 5), bytes(WRITE_BYTES, 6), bytes(10, 7)], sizes: [WRITE_BYTES, WRITE_BYTES, 9] },
  { what: 'a long text is cut as well', chunks: ['a'.repeat(WRITE_BYTES + 2)], sizes: [WRITE_BYTES, 2] },
  { what: 'what begins at the bound waits', chunks: [bytes(WRITE_BYTES, 8), bytes(3, 9)], sizes: [WRITE_BYTES, 3] },
];

test.each(ROWS)('boundWrites(): $what', async ({ chunks, sizes }) => {
  const sink = await written(chunks);
  expect(sink.sizes).toEqual(sizes);
  expect(sink.most).toBe(1);
  expect(Buffer.concat(sink.got).equals(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as string))))).toBe(true);
});

test('boundWrites() writes nothing more after a failure, and tells it', async () => {
  const sink = new Sink();
  sink.failAt = 2;
  boundWrites(sink);
  const failed = new Promise<Error>((resolve) => sink.once('error', resolve));
  sink.write(bytes(4 * WRITE_BYTES, 1));
  expect((await failed).message).toBe('gone');
  expect(sink.sizes).toHaveLength(2);
});
