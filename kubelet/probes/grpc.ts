/** A probe that asks by the gRPC health checking protocol. */
import { join } from 'node:path';
import type { ProbeOutcome } from './outcome.ts';

export interface GrpcProbe {
  readonly host: string;
  readonly port: number;
  readonly service: string;
  readonly timeoutMs: number;
  /** When the probe began, on the machine's own clock. */
  readonly now: number;
}

const UNIMPLEMENTED = 12;
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;

export async function probeGrpc({ host, port, service, timeoutMs, now }: GrpcProbe): Promise<ProbeOutcome> {
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
  const definition = loader.loadSync(join(import.meta.dirname, 'health.proto'), { enums: String, defaults: true });
  const Health = grpc.makeGenericClientConstructor(definition['grpc.health.v1.Health'] as Parameters<typeof grpc.makeGenericClientConstructor>[0], 'Health');
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const client = new Health(address, grpc.credentials.createInsecure(), { 'grpc.primary_user_agent': 'kube-probe/1.36', 'grpc.enable_retries': 0 });
  try {
    const status = await new Promise<string>((resolve, reject) => {
      const check = client['Check'] as (request: object, options: object, done: (error: Error | null, answer: { status: string }) => void) => void;
      check.call(client, { service }, { deadline: now + timeoutMs }, (error, answer) => (error ? reject(error) : resolve(answer.status)));
    });
    if (status === 'SERVING') return { result: 'success', output: 'service healthy' };
    return { result: 'failure', output: `service unhealthy (responded with ${JSON.stringify(status)})` };
  } catch (error) {
    const { code, details } = error as { code?: number; details?: string };
    const within = `${timeoutMs / 1000}s`;
    if (code === UNIMPLEMENTED) return { result: 'failure', output: 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ' + (details ?? '') };
    if (code === DEADLINE_EXCEEDED) return { result: 'failure', output: `timeout: health rpc did not complete within ${within}` };
    if (code === UNAVAILABLE) return { result: 'failure', output: `timeout: failed to connect service ${JSON.stringify(address)} within ${within}: context deadline exceeded` };
    return { result: 'failure', output: `error: health rpc probe failed: ${details ?? String(error)}` };
  } finally {
    client.close();
  }
}
