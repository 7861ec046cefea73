/** Exec and attach over a WebSocket: the first byte of each message names its channel. */
import { PassThrough, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { StreamRequest } from '../runtime/model.ts';
import { type Channels, endingStatus, endingText, terminalSize } from './channels.ts';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
/** Version 5: the client closes the channel that the next byte names. */
const CLOSE = 255;

/** Subprotocols, the preferred first. Those with base64 carry digits for channels and base64 for bytes. */
export const WEBSOCKET_PROTOCOLS = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
];

/** Beyond this many unsent bytes the writer waits. */
const UNSENT_LIMIT_BYTES = 1024 * 1024;

export function webSocketChannels(socket: WebSocket, wanted: StreamRequest): Channels {
  const base64 = socket.protocol.includes('base64');
  const version = /^v(\d)/.exec(socket.protocol)?.[1] ?? '1';
  const stdin = wanted.stdin ? new PassThrough() : undefined;
  const resizes: ((columns: number, rows: number) => void)[] = [];
  // The first size comes before the process has begun: whoever listens later is told it.
  let size: { columns: number; rows: number } | undefined;

  socket.on('message', (data: Buffer) => {
    const channel = base64 ? (data[0] ?? 0) - 0x30 : data[0];
    const payload = base64 ? Buffer.from(data.toString('latin1', 1), 'base64') : data.subarray(1);
    if (channel === STDIN && stdin && !stdin.writableEnded) {
      if (!stdin.write(payload)) {
        socket.pause();
        stdin.once('drain', () => socket.resume());
      }
    } else if (channel === CLOSE && version === '5' && payload[0] === STDIN) {
      stdin?.end();
    } else if (channel === RESIZE) {
      size = terminalSize(payload.toString()) ?? size;
      if (size) for (const listener of resizes) listener(size.columns, size.rows);
    }
  });
  socket.on('close', () => stdin?.end());

  const send = (channel: number, payload: Buffer): Promise<void> =>
    new Promise((resolve) => {
      if (socket.readyState !== socket.OPEN) return resolve();
      const message = base64 ? String(channel) + payload.toString('base64') : Buffer.concat([Buffer.from([channel]), payload]);
      socket.send(message, { binary: !base64 }, () => resolve());
      if (socket.bufferedAmount < UNSENT_LIMIT_BYTES) resolve();
    });
  const output = (channel: number): Writable => new Writable({ write: (chunk: Buffer, _encoding, done) => void send(channel, chunk).then(() => done()) });
  const stdout = wanted.stdout ? output(STDOUT) : undefined;
  const stderr = wanted.stderr && !wanted.tty ? output(STDERR) : undefined;
  // An empty message tells the client that the other side is there.
  void send(stdout ? STDOUT : stderr ? STDERR : ERROR, Buffer.alloc(0));

  return {
    stdin,
    stdout,
    stderr,
    onResize(listener) {
      resizes.push(listener);
      if (size) listener(size.columns, size.rows);
    },
    onGone: (listener) => void socket.on('close', listener),
    async finish(end) {
      await Promise.all([stdout, stderr].map((stream) => new Promise<void>((resolve) => (stream ? stream.end(() => resolve()) : resolve()))));
      const text = Number(version) >= 4 ? endingStatus(end) : endingText(end);
      if (text) await send(ERROR, Buffer.from(text));
      socket.close(1000);
    },
  };
}
