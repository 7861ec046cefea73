/** One request after the other, from inside a network namespace, until told to stop: every failure is kept. */
import { once } from 'node:events';
import type { Namespace } from './namespace.ts';

export interface Requests {
  stop(): Promise<{ readonly succeeded: number; readonly failures: readonly string[] }>;
}

export async function startRequests(net: Namespace, url: string): Promise<Requests> {
  // A new connection each time: kept ones would hide a backend that is gone.
  const program = `
    const http = require('http'); let succeeded = 0, stopping = false; const failures = [];
    process.on('SIGTERM', () => { stopping = true; });
    const next = () => {
      if (stopping) return process.stdout.write(JSON.stringify({ succeeded, failures }), () => process.exit());
      const failed = (why) => { failures.push(why); setTimeout(next, 10); };
      const request = http.get(${JSON.stringify(url)}, { agent: false, timeout: 5000 }, (response) => {
        response.resume();
        response.on('end', () => { if (response.statusCode === 200) { succeeded++; setTimeout(next, 10); } else failed('status ' + response.statusCode); });
        response.on('error', (error) => failed(error.message));
      });
      request.on('timeout', () => request.destroy(new Error('timeout')));
      request.on('error', (error) => failed(error.message));
    };
    console.error('up'); next();`;
  const child = net.spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child.stderr as NodeJS.ReadableStream, 'data');
  return {
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'close');
      return JSON.parse(output) as { succeeded: number; failures: string[] };
    },
  };
}
