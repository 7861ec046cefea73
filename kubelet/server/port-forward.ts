/** Port forwarding: over SPDY a pair of streams per connection, over a WebSocket either SPDY inside of it or two channels per port. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';
import { SpdyConnection, type SpdyStream } from '../spdy/connection.ts';

export const PORT_FORWARD = 'portforward.k8s.io';
/**
 * SPDY carried in the binary messages of a WebSocket. Clients call it `SPDY/3.1+portforward.k8s.io`, whose slash no
 * subprotocol may have by the book, so that the library refuses it: it is given another name on the way in and its own on the way out.
 */
export const TUNNEL = `SPDY.3.1+${PORT_FORWARD}`;
const TUNNEL_ON_THE_WIRE = `SPDY/3.1+${PORT_FORWARD}`;
export const PORT_FORWARD_WEBSOCKET_PROTOCOLS = [TUNNEL, 'v4.channel.k8s.io'];

export function renameTunnel(request: IncomingMessage): void {
  const offered = request.headers['sec-websocket-protocol'];
  if (offered) request.headers['sec-websocket-protocol'] = offered.replace(TUNNEL_ON_THE_WIRE, TUNNEL);
}

export function restoreTunnel(responseHeaders: string[]): void {
  responseHeaders.forEach((line, i) => (responseHeaders[i] = line.replace(TUNNEL, TUNNEL_ON_THE_WIRE)));
}

export type Dial = (port: number) => Promise<Duplex>;

const PENDING_LIMIT = 128;

/** Serves every pair of streams that the client opens, until he goes. */
export function forwardOverSpdy(socket: Duplex, head: Buffer, dial: Dial): void {
  const waiting = new Map<string, SpdyStream>();
  const connection = new SpdyConnection(socket, { side: 'server', head }, {
    stream(stream) {
      stream.on('error', () => undefined);
      const { streamtype, port = '', requestid = port } = stream.headers;
      if (streamtype === 'error') {
        if (waiting.size >= PENDING_LIMIT) connection.close();
        else waiting.set(requestid, stream);
        return;
      }
      const errors = waiting.get(requestid);
      waiting.delete(requestid);
      if (streamtype !== 'data' || !errors) return void stream.destroy();
      void join(stream, errors, Number(port), dial);
    },
  });
}

export function forwardOverTunnel(socket: WebSocket, dial: Dial): void {
  const stream = createWebSocketStream(socket);
  stream.on('error', () => undefined);
  forwardOverSpdy(stream, Buffer.alloc(0), dial);
}

/** Two channels per port, data then error, whose first message is the port as two bytes, least first. */
export function forwardOverChannels(socket: WebSocket, ports: readonly number[], dial: Dial): void {
  const send = (channel: number, payload: Buffer): void => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.from([channel]), payload]));
  };
  const targets: (Promise<Duplex> | undefined)[] = ports.map((port, i) => {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    send(2 * i, number);
    send(2 * i + 1, number);
    const target = dial(port);
    target.then(
      (duplex) => {
        duplex.on('data', (chunk: Buffer) => send(2 * i, chunk));
        duplex.on('error', (error) => send(2 * i + 1, Buffer.from(error.message)));
        duplex.on('close', () => socket.close(1000));
        socket.on('close', () => duplex.destroy());
      },
      (error: Error) => send(2 * i + 1, Buffer.from(error.message)),
    );
    return target;
  });
  socket.on('message', (data: Buffer) => {
    const target = data.length > 1 && (data[0] as number) % 2 === 0 ? targets[(data[0] as number) / 2] : undefined;
    target?.then((duplex) => duplex.write(data.subarray(1)) || pauseUntilDrained(socket, duplex)).catch(() => undefined);
  });
}

function pauseUntilDrained(socket: WebSocket, duplex: Duplex): void {
  socket.pause();
  duplex.once('drain', () => socket.resume());
}

async function join(data: SpdyStream, errors: SpdyStream, port: number, dial: Dial): Promise<void> {
  let target: Duplex;
  try {
    target = await dial(port);
  } catch (error) {
    errors.end((error as Error).message);
    data.end();
    return;
  }
  target.on('error', (error) => {
    if (!errors.writableEnded) errors.write(`error forwarding port ${port}: ${error.message}`);
    target.destroy();
  });
  data.pipe(target);
  target.pipe(data);
  data.on('close', () => target.destroy());
  target.on('close', () => {
    if (!data.writableEnded) data.end();
    if (!errors.writableEnded) errors.end();
  });
}
