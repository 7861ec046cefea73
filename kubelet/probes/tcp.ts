/** A probe that opens a connection: it succeeds when somebody listens. */
import { connect } from 'node:net';
import type { ProbeOutcome } from './outcome.ts';

export function probeTcp(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const where = `dial tcp ${host.includes(':') ? `[${host}]` : host}:${port}`;
    const socket = connect({ host, port, signal: AbortSignal.timeout(timeoutMs) });
    socket.once('connect', () => {
      socket.destroy();
      resolve({ result: 'success', output: '' });
    });
    socket.once('error', (error) => resolve({ result: 'failure', output: `${where}: ${connectionProblem(error)}` }));
  });
}

/** In Go's words, which users know from events. */
export function connectionProblem(error: Error & { readonly code?: string }): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'connect: connection refused';
    case 'EHOSTUNREACH':
      return 'connect: no route to host';
    case 'ENETUNREACH':
      return 'connect: network is unreachable';
    case 'ECONNRESET':
      return 'read: connection reset by peer';
    case 'ABORT_ERR':
    case 'ETIMEDOUT':
      return 'i/o timeout';
    default:
      return error.message;
  }
}
