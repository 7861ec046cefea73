/** Sends a list through a few buffers that are used again as soon as the socket has taken what is in them. */
import type { Writable } from 'node:stream';
import { PIECE_BYTES, type ListBody } from './list-bytes.ts';

/** Pieces that are on their way at a time: one is filled while others are sent. */
const BUFFERS = 4;

export async function sendPieces(body: ListBody, out: Writable): Promise<void> {
  const free: Buffer[] = Array.from({ length: BUFFERS }, () => Buffer.allocUnsafeSlow(PIECE_BYTES));
  let wake: (() => void) | undefined;
  let failure: Error | undefined;
  const notify = (): void => {
    wake?.();
    wake = undefined;
  };
  const gone = (): void => {
    failure ??= new Error('the client has gone');
    notify();
  };
  out.once('close', gone);
  out.once('error', gone);
  try {
    for (;;) {
      while (free.length === 0 && !failure) await new Promise<void>((resolve) => (wake = resolve));
      if (failure) throw failure;
      const buffer = free.pop() as Buffer;
      const piece = body.next(buffer);
      if (!piece) break;
      out.write(piece, (error) => {
        failure ??= error ?? undefined;
        free.push(buffer);
        notify();
      });
    }
    out.end();
  } finally {
    out.removeListener('close', gone);
  }
}
