/** Sends a list through a few buffers that are used again as soon as the socket has taken what is in them. */
import type { Writable } from 'node:stream';
import { PIECE_BYTES, type ListBody } from './list-bytes.ts';

/** Pieces of one list that are on their way at a time: one is filled while others are sent. */
const BUFFERS = 2;
/** Buffers that are kept for the next lists; more than these are let go. */
const SPARE_LIMIT = 32;
const spare: Buffer[] = [];

export async function sendPieces(body: ListBody, out: Writable): Promise<void> {
  let underWay = 0;
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
      while (underWay === BUFFERS && !failure) await new Promise<void>((resolve) => (wake = resolve));
      if (failure) throw failure;
      const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
      const piece = body.next(buffer);
      if (!piece) {
        giveBack(buffer);
        break;
      }
      underWay++;
      out.write(piece, (error) => {
        failure ??= error ?? undefined;
        underWay--;
        // After a failure nobody knows who still looks at it.
        if (!error) giveBack(buffer);
        notify();
      });
    }
    out.end();
  } finally {
    out.removeListener('close', gone);
  }
}

function giveBack(buffer: Buffer): void {
  if (spare.length < SPARE_LIMIT) spare.push(buffer);
}
