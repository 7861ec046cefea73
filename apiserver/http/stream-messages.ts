/** A stream of bytes as messages of a WebSocket: for logs. Provenance: wsstream.Reader of streaming v0.36, which may lose what comes together with the end. */
import type { Readable } from 'node:stream';
import type { Upgrade } from '../exchange.ts';
import { BINARY, messageHead, openWebSocket, TEXT, type Choice } from './websocket.ts';

const PLAIN = new Set(['', 'binary.k8s.io']);
const BASE64 = 'base64.binary.k8s.io';
/** One message holds so much at most. */
const MESSAGE_BYTES = 2048;

const choose: Choice = (protocols) => (protocols.length === 0 ? [''] : protocols).find((one) => PLAIN.has(one) || one === BASE64) ?? 403;

/** Resolves when either side is done. */
export async function sendStreamMessages(upgrade: Upgrade, stream: Readable): Promise<void> {
  const opened = openWebSocket(upgrade, choose);
  if (!opened) return void stream.destroy();
  const { protocol, socket } = opened;
  const frame = protocol === BASE64 ? base64Frame : binaryFrame;
  socket.left.addEventListener('abort', () => stream.destroy(), { once: true });
  try {
    // Tells that the log begins.
    socket.write(Buffer.concat(frame(Buffer.alloc(0))));
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const frames: Buffer[] = [];
      for (let at = 0; at < chunk.length; at += MESSAGE_BYTES) frames.push(...frame(chunk.subarray(at, at + MESSAGE_BYTES)));
      if (!socket.write(Buffer.concat(frames))) await socket.drained();
      if (socket.left.aborted) break;
    }
  } catch {
    // What stands behind broke off, or the client did: either way this is the end.
  } finally {
    stream.destroy();
    socket.end();
  }
}

function binaryFrame(bytes: Buffer): Buffer[] {
  return [messageHead(BINARY, bytes.length), bytes];
}

function base64Frame(bytes: Buffer): Buffer[] {
  const text = Buffer.from(bytes.toString('base64'));
  return [messageHead(TEXT, text.length), text];
}
