/** Requests that want to leave HTTP, over HTTP/1.1: which of them may, and what becomes of them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../std/clock.ts';
import { statusText } from '../../std/plain-http.ts';
import { isWebSocket } from '../auth/websocket-token.ts';
import type { Exchange } from '../exchange.ts';
import { asksToWatch, parseRoute, type Route } from '../request/route.ts';
import { errorAnswer } from './render.ts';
import { sendStreamMessages } from './stream-messages.ts';
import { sendWatchMessages } from './watch-stream.ts';

/** Somebody else speaks there, in whatever protocol. */
const CONNECTS: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);

/** What nothing can leave HTTP for is answered as if nothing had been asked. `isElsewhere`: another server's to answer. */
export function mayLeave({ method = 'GET', url = '/', headers }: IncomingMessage, isElsewhere: (route: Route) => boolean): boolean {
  const at = url.indexOf('?');
  const query = new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
  let route: Route;
  try {
    route = parseRoute(method, at < 0 ? url : url.slice(0, at), { watch: asksToWatch(query.get('watch')) });
  } catch {
    return false;
  }
  if (isElsewhere(route)) return true;
  if (!route.isResource) return false;
  if (CONNECTS.has(route.subresource)) return true;
  return method === 'GET' && (route.verb === 'watch' || route.subresource === 'log') && isWebSocket(headers);
}

/** Undefined: the answer is one of HTTP. Rejects before anything was said, if at all. */
export function leave(exchange: Exchange, clock: Clock): Promise<void> | undefined {
  const { upgrade, answer } = exchange;
  if (!upgrade) return undefined;
  switch (answer?.type) {
    case 'tunnel':
      // What passes through it is not known: there is no better end than this.
      exchange.signal.addEventListener('abort', () => upgrade.socket.destroy(), { once: true });
      return answer.join(upgrade);
    case 'watch':
      return sendWatchMessages(exchange, upgrade, answer, clock);
    case 'stream':
      return sendStreamMessages(upgrade, answer.stream);
    default:
      return undefined;
  }
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
