/** How the components beside the API server are, for componentstatuses. Provenance: pkg/registry/core/componentstatus of v1.36. */
import type { IncomingMessage } from 'node:http';
import { request } from '../../std/secure-http.ts';
import { networkProblem } from '../../std/network-problem.ts';

export interface ComponentHealth {
  readonly status: 'True' | 'False';
  readonly message: string;
  readonly error: string;
}

export type ComponentName = 'controller-manager' | 'scheduler';

/** Where upstream looks, wherever they may listen. */
const PORTS: Readonly<Record<ComponentName, number>> = { 'controller-manager': 10257, scheduler: 10259 };
const PROBE_LIMIT_MS = 20_000;
const SHOWN_BYTES = 10 * 1024;

export const HEALTHY: ComponentHealth = { status: 'True', message: 'ok', error: '' };

/** Asks the component on this machine, whoever has signed its certificate. */
export function probe(name: ComponentName, now: number, port = PORTS[name]): Promise<ComponentHealth> {
  const url = `https://127.0.0.1:${port}/healthz`;
  const failed = (message: string): ComponentHealth => ({ status: 'False', message, error: '' });
  return new Promise((resolve) => {
    const call = request(url, { rejectUnauthorized: false, timeout: PROBE_LIMIT_MS, agent: false }, (answer: IncomingMessage) => {
      const { statusCode: code = 0 } = answer;
      let text = '';
      answer.on('data', (part: Buffer) => (text = (text + part.toString()).slice(0, SHOWN_BYTES)));
      answer.on('end', () => resolve(code >= 200 && code < 400 ? { status: 'True', message: text, error: '' } : failed(`HTTP probe failed with statuscode: ${code}`)));
      answer.on('error', (error) => resolve(failed(networkProblem(error, now))));
    });
    call.on('timeout', () => call.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')));
    call.on('error', (error) => resolve(failed(`Get ${JSON.stringify(url)}: ${networkProblem(error, now)}`)));
    call.end();
  });
}
