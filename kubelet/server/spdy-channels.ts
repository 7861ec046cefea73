/** Exec and attach over SPDY: one stream per channel, named in its headers. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../std/clock.ts';
import type { StreamRequest } from '../runtime/model.ts';
import { SpdyConnection, type SpdyStream } from '../spdy/connection.ts';
import { type Channels, endingStatus, endingText, terminalSize } from './channels.ts';

/** Newest first; without any of them the first version is spoken. */
const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io'];
const STREAMS_TIMEOUT_MS = 30_000;
const RESIZE_LIMIT_BYTES = 1_024;

/** The first of our protocols that the client offers too. */
export function negotiate(request: IncomingMessage, header: string, ours: readonly string[]): string | undefined {
  const offered = String(request.headers[header] ?? '').split(',').map((name) => name.trim());
  return ours.find((name) => offered.includes(name));
}

/** Accepts the upgrade. */
export function acceptSpdy(socket: Duplex, protocol: string | undefined): void {
  const chosen = protocol ? `X-Stream-Protocol-Version: ${protocol}\r\n` : '';
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${chosen}\r\n`);
}

/** Answers the upgrade and waits until the client has opened every stream that the request speaks of. */
export function spdyChannels(request: IncomingMessage, socket: Duplex, head: Buffer, wanted: StreamRequest, clock: Clock): Promise<Channels> {
  const protocol = negotiate(request, 'x-stream-protocol-version', PROTOCOLS);
  acceptSpdy(socket, protocol);
  const version = protocol ? Number(protocol[1]) : 1;
  const names = ['error', ...(['stdin', 'stdout', 'stderr'] as const).filter((name) => wanted[name] && !(name === 'stderr' && wanted.tty)), ...(wanted.tty && version >= 3 ? ['resize'] : [])];
  const streams = new Map<string, SpdyStream>();
  const gone: (() => void)[] = [];
  return new Promise((resolve, reject) => {
    const timer = clock.after(STREAMS_TIMEOUT_MS, () => {
      connection.close();
      reject(new Error(`timed out waiting for the client to open its streams (${names.filter((name) => !streams.has(name)).join(', ')})`));
    });
    const connection = new SpdyConnection(socket, { side: 'server', head }, {
      stream(stream) {
        stream.on('error', () => undefined);
        streams.set(stream.headers.streamtype ?? '', stream);
        if (!names.every((name) => streams.has(name))) return;
        timer.cancel();
        resolve(channelsOf(streams, connection, version, gone));
      },
      closed() {
        timer.cancel();
        reject(new Error('the client closed the connection before it had opened its streams'));
        for (const listener of gone) listener();
      },
    });
  });
}

function channelsOf(streams: ReadonlyMap<string, SpdyStream>, connection: SpdyConnection, version: number, gone: (() => void)[]): Channels {
  return {
    stdin: streams.get('stdin'),
    stdout: streams.get('stdout'),
    stderr: streams.get('stderr'),
    onResize(listener) {
      let text = '';
      streams.get('resize')?.on('data', (chunk: Buffer) => {
        text = (text + chunk.toString()).slice(-RESIZE_LIMIT_BYTES);
        const whole = text.split('\n').flatMap((line) => line.split(/(?<=\})/));
        for (const line of whole) {
          const size = terminalSize(line);
          if (size) listener(size.columns, size.rows);
        }
        if (text.trimEnd().endsWith('}')) text = '';
      });
    },
    onGone: (listener) => void gone.push(listener),
    async finish(end) {
      const text = version >= 4 ? endingStatus(end) : endingText(end);
      const closing = ['stdout', 'stderr', 'error'].map((name) => closed(streams.get(name), name === 'error' ? text : undefined));
      await Promise.all(closing);
      await connection.end();
    },
  };
}

function closed(stream: SpdyStream | undefined, last: string | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!stream || stream.destroyed || stream.writableFinished) return resolve();
    stream.once('close', resolve);
    stream.end(last, () => resolve());
  });
}
