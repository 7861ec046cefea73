/** A gRPC channel over a unix socket to a container runtime; the library is loaded when the first channel is opened. */
import { join } from 'node:path';
import type { ServiceClientConstructor } from '@grpc/grpc-js';
import { CALL_TIMEOUT_MS, RuntimeRefused, RuntimeUnavailable } from './runtime.ts';
import type { Clock } from '../../std/clock.ts';

export interface CriChannel {
  runtime<T>(method: string, request: object, timeoutMs?: number): Promise<T>;
  images<T>(method: string, request: object, timeoutMs?: number): Promise<T>;
  /** containerd's own event service; other runtimes refuse it. Yields the ids of containers whose first process started or ended. */
  taskEvents(signal: AbortSignal): AsyncIterable<{ readonly topic: string; readonly containerId: string }>;
  close(): void;
}

/** Messages of lists and of `ExecSync` may be larger than the library's 4 MiB. */
const MESSAGE_LIMIT_BYTES = 16 * 1024 * 1024;
/** gRPC's status codes under the names that CRI clients know. */
const CODES = ['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'];
const UNAVAILABLE = CODES.indexOf('Unavailable');

const DECODING = { keepCase: true, longs: Number, enums: String, defaults: true, arrays: true, objects: true };

interface GrpcError extends Error {
  readonly code: number;
  readonly details: string;
}

interface Envelope {
  readonly topic: string;
  readonly event: { readonly value: Uint8Array } | null;
}

export async function openCriChannel(socket: string, clock: Clock): Promise<CriChannel> {
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
  const load = (file: string): ReturnType<typeof loader.loadSync> => loader.loadSync(join(import.meta.dirname, file), DECODING);
  const [cri, events] = [load('cri.proto'), load('containerd-events.proto')];
  const options = {
    'grpc.max_receive_message_length': MESSAGE_LIMIT_BYTES,
    'grpc.default_authority': 'localhost',
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2000,
  };
  const open = (definition: ReturnType<typeof loader.loadSync>, service: string): InstanceType<ServiceClientConstructor> => {
    const Service = grpc.makeGenericClientConstructor(definition[service] as Parameters<typeof grpc.makeGenericClientConstructor>[0], service);
    return new Service(`unix:${socket}`, grpc.credentials.createInsecure(), options);
  };
  const runtime = open(cri, 'runtime.v1.RuntimeService');
  const images = open(cri, 'runtime.v1.ImageService');
  const subscription = open(events, 'containerd.services.events.v1.Events');
  const taskEvent = events['containerd.services.events.v1.TaskEvent'] as { deserialize: (bytes: Buffer) => { container_id: string; id: string } };
  const call = <T>(client: InstanceType<ServiceClientConstructor>, method: string, request: object, timeoutMs = CALL_TIMEOUT_MS): Promise<T> =>
    new Promise((resolve, reject) => {
      const unary = client[method] as (request: object, options: object, done: (error: GrpcError | null, response: T) => void) => void;
      unary.call(client, request, { deadline: clock.now() + timeoutMs }, (error, response) => (error ? reject(translate(error)) : resolve(response)));
    });
  return {
    runtime: (method, request, timeoutMs) => call(runtime, method, request, timeoutMs),
    images: (method, request, timeoutMs) => call(images, method, request, timeoutMs),
    async *taskEvents(signal) {
      const subscribe = subscription['Subscribe'] as (request: object) => AsyncIterable<Envelope> & { cancel(): void };
      const stream = subscribe.call(subscription, { filters: ['namespace==k8s.io,topic~=^/tasks/(start|exit|oom)'] });
      const cancel = (): void => stream.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      try {
        for await (const { topic, event } of stream) {
          const { container_id: containerId, id } = taskEvent.deserialize(Buffer.from(event?.value ?? []));
          // The second field is a process id for an exit, a number (and so left out here) for a start.
          if (topic !== '/tasks/exit' || id === containerId) yield { topic, containerId };
        }
      } catch (error) {
        if (!signal.aborted) throw translate(error as GrpcError);
      } finally {
        signal.removeEventListener('abort', cancel);
        stream.cancel();
      }
    },
    close() {
      for (const client of [runtime, images, subscription]) client.close();
    },
  };
}

function translate(error: GrpcError): Error {
  const message = error.details || error.message;
  return error.code === UNAVAILABLE ? new RuntimeUnavailable(message) : new RuntimeRefused(CODES[error.code] ?? 'Unknown', message);
}
