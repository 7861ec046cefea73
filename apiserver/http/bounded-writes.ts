/**
 * Much is handed to a connection in writes of bounded size. Node's TLS makes a buffer as large as the largest write it was given, and
 * keeps two or three of them for as long as the connection lasts: a few lists would make each of them cost megabytes.
 */
import type { Writable } from 'node:stream';

export const WRITE_BYTES = 128 * 1024;

type Done = (error?: Error | null) => void;
interface Chunk {
  readonly chunk: Buffer | string;
  readonly encoding: BufferEncoding;
}

/** For sockets, which can write several chunks at once. */
export function boundWrites(socket: Writable): void {
  const write = socket._write.bind(socket);
  const writeAll = socket._writev?.bind(socket);
  if (!writeAll) return;
  const inTurn = (chunks: Chunk[], done: Done): void => {
    const { first, rest } = cut(chunks);
    if (rest.length === 0) return writeAll(first, done);
    writeAll(first, (error) => (error ? done(error) : inTurn(rest, done)));
  };
  socket._write = (chunk: Buffer | string, encoding: BufferEncoding, done: Done): void => {
    if (chunk.length <= WRITE_BYTES) write(chunk, encoding, done);
    else inTurn([{ chunk, encoding }], done);
  };
  socket._writev = (chunks: Chunk[], done: Done): void => {
    let bytes = 0;
    for (const { chunk } of chunks) bytes += chunk.length;
    if (bytes <= WRITE_BYTES) writeAll(chunks, done);
    else inTurn(chunks, done);
  };
}

/** What goes into one write, and what is left. */
function cut(chunks: Chunk[]): { readonly first: Chunk[]; readonly rest: Chunk[] } {
  let bytes = 0;
  for (const [at, { chunk, encoding }] of chunks.entries()) {
    const room = WRITE_BYTES - bytes;
    bytes += chunk.length;
    if (bytes <= WRITE_BYTES) continue;
    const whole = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    const part = (from: number, to?: number): Chunk => ({ chunk: whole.subarray(from, to), encoding });
    return { first: [...chunks.slice(0, at), ...(room > 0 ? [part(0, room)] : [])], rest: [part(room), ...chunks.slice(at + 1)] };
  }
  return { first: chunks, rest: [] };
}
