/** Exec, attach and port-forward: what is asked for, and the connection turned into channels to the runtime. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocketServer } from 'ws';
import type { Clock } from '../../std/clock.ts';
import { BackendRefusal, type ContainerTarget, type KubeletBackend } from '../backend.ts';
import type { Session, StreamRequest } from '../runtime/model.ts';
import type { Channels } from './channels.ts';
import { PORT_FORWARD, TUNNEL, forwardOverChannels, forwardOverSpdy, forwardOverTunnel, renameTunnel } from './port-forward.ts';
import type { StreamName } from './routes.ts';
import { runSession } from './run-session.ts';
import { acceptSpdy, spdyChannels } from './spdy-channels.ts';
import { webSocketChannels } from './websocket-channels.ts';

export type AskedStream =
  | { readonly type: 'ports'; readonly ports: readonly number[]; readonly dial: (port: number) => Promise<Duplex> }
  | { readonly type: 'session'; readonly channels: StreamRequest; readonly open: () => Promise<Session> };

export interface StreamConnection {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly webSockets: WebSocketServer;
  readonly clock: Clock;
  readonly isWebSocket: boolean;
}

const PORT_LIMIT = 16;

/** `NAMESPACE/POD[/UID][/CONTAINER]`. Throws what is wrong with it. */
export function askedOf(stream: Exclude<StreamName, 'containerLogs'>, parts: readonly string[], query: URLSearchParams, backend: KubeletBackend): AskedStream {
  const [namespace = '', pod = ''] = parts;
  const uid = (stream === 'portForward' ? parts.length === 3 : parts.length === 4) ? parts[2] : undefined;
  if (stream === 'portForward') {
    backend.require(namespace, pod, uid);
    const ports = query.getAll('port').concat(query.getAll('ports')).flatMap((text) => text.split(',')).map(Number);
    return { type: 'ports', ports: ports.filter((port) => port > 0).slice(0, PORT_LIMIT), dial: (port) => backend.portForward(namespace, pod, port) };
  }
  const wants = (...names: string[]): boolean => names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  const asked: StreamRequest = { stdin: wants('input', 'stdin'), stdout: wants('output', 'stdout'), stderr: wants('error', 'stderr'), tty: wants('tty') };
  if (!asked.stdin && !asked.stdout && !asked.stderr) throw new BackendRefusal(400, 'you must specify at least 1 of stdin, stdout, stderr');
  backend.require(namespace, pod, uid);
  const target: ContainerTarget = backend.container(namespace, pod, parts.at(-1) ?? '');
  if (stream === 'exec') {
    const command = query.getAll('command');
    if (command.length === 0) throw new BackendRefusal(400, 'you must specify a command');
    return { type: 'session', channels: asked, open: () => backend.exec(target, command, asked) };
  }
  // Attach follows what the container was created with.
  const followed: StreamRequest = { ...asked, stdin: asked.stdin && target.stdin, stderr: asked.stderr && !target.tty, tty: target.tty };
  return { type: 'session', channels: { ...asked, tty: target.tty }, open: () => backend.attach(target, followed) };
}

export async function upgradeStream(connection: StreamConnection, asked: AskedStream): Promise<void> {
  return asked.type === 'ports' ? portForward(connection, asked.ports, asked.dial) : withChannels(connection, asked.channels, asked.open);
}

async function withChannels({ request, socket, head, webSockets, clock, isWebSocket }: StreamConnection, asked: StreamRequest, open: () => Promise<Session>): Promise<void> {
  if (!isWebSocket) {
    let channels: Channels;
    try {
      channels = await spdyChannels(request, socket, head, asked, clock);
    } catch {
      return void socket.destroy();
    }
    return runSession(channels, open);
  }
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('error', () => webSocket.terminate());
    void runSession(webSocketChannels(webSocket, asked), open);
  });
}

function portForward({ request, socket, head, webSockets, isWebSocket }: StreamConnection, ports: readonly number[], dial: (port: number) => Promise<Duplex>): void {
  if (!isWebSocket) {
    acceptSpdy(socket, PORT_FORWARD);
    return forwardOverSpdy(socket, head, dial);
  }
  renameTunnel(request);
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('error', () => webSocket.terminate());
    if (webSocket.protocol === TUNNEL) forwardOverTunnel(webSocket, dial);
    else forwardOverChannels(webSocket, ports, dial);
  });
}
