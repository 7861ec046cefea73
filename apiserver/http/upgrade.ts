/** Requests that want to leave HTTP: exec, attach, port-forward and proxied ones, over HTTP/1.1. */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../std/clock.ts';
import { statusText } from '../../std/plain-http.ts';
import { badRequest } from '../../api/status.ts';
import { finish } from '../chain/chain.ts';
import type { Exchange, Upgrade } from '../exchange.ts';
import { HttpExchange } from './http-exchange.ts';
import { errorAnswer } from './render.ts';
import { UnreadablePath } from '../request/route.ts';

interface Serving {
  readonly clock: Clock;
  readonly serve: (exchange: Exchange) => void | Promise<void>;
}

export async function answerUpgrade({ serve }: Serving, upgrade: Upgrade): Promise<void> {
  const { socket } = upgrade;
  socket.on('error', () => socket.destroy());
  let exchange: HttpExchange | undefined;
  try {
    exchange = new HttpExchange(upgrade.request, upgrade);
    await serve(exchange);
    const { answer } = exchange;
    if (answer?.type !== 'tunnel') throw badRequest('this path does not speak the protocol that was asked for');
    await answer.join(upgrade);
  } catch (error) {
    refuse(upgrade, error instanceof UnreadablePath ? badRequest(error.message) : error);
  } finally {
    if (exchange) finish(exchange);
  }
}

function refuse({ socket }: Upgrade, cause: unknown): void {
  rawRefusal(socket, cause);
}

/** A Status on a connection that no response object stands for. */
export function rawRefusal(socket: Duplex, cause: unknown): void {
  const { status, code } = errorAnswer(cause).error;
  if (socket.destroyed || !socket.writable) return;
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${code} ${statusText(code)}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
