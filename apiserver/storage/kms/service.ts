/** A key management service on this machine, asked over gRPC through a unix socket; the library is loaded by the first question. Provenance: k8s.io/kms apis/v2. */
import type { ServiceClientConstructor, ServiceDefinition } from '@grpc/grpc-js';
import type { Clock } from '../../../std/clock.ts';

export interface KmsStatus {
  readonly version: string;
  readonly healthz: string;
  readonly keyId: string;
}

/** What the service made of a secret: kept beside what is sealed with it. */
export interface KmsSealed {
  readonly ciphertext: Buffer;
  readonly keyId: string;
  readonly annotations: ReadonlyMap<string, Buffer>;
}

export interface KmsService {
  status(): Promise<KmsStatus>;
  encrypt(uid: string, plaintext: Buffer): Promise<KmsSealed>;
  decrypt(uid: string, sealed: KmsSealed): Promise<Buffer>;
  close(): void;
}

export interface KmsServiceOptions {
  /** `unix:///run/kms.sock`; a path that starts with `/@` is a socket without a file. */
  readonly endpoint: string;
  /** For each question. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Of each question: its path as gRPC has it, how long it took and how it ended. */
  readonly onCall?: (method: string, seconds: number, code: string) => void;
}

const CODES = ['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'];
const SERVICE = 'v2.KeyManagementService';

const text = (id: number): object => ({ type: 'string', id });
const bytes = (id: number): object => ({ type: 'bytes', id });
const annotations = (id: number): object => ({ keyType: 'string', type: 'bytes', id });
const method = (name: string): object => ({ requestType: `${name}Request`, responseType: `${name}Response` });

export const KMS_PROTOCOL = {
  nested: {
    v2: {
      nested: {
        KeyManagementService: { methods: { Status: method('Status'), Decrypt: method('Decrypt'), Encrypt: method('Encrypt') } },
        StatusRequest: { fields: {} },
        StatusResponse: { fields: { version: text(1), healthz: text(2), key_id: text(3) } },
        DecryptRequest: { fields: { ciphertext: bytes(1), uid: text(2), key_id: text(3), annotations: annotations(4) } },
        DecryptResponse: { fields: { plaintext: bytes(1) } },
        EncryptRequest: { fields: { plaintext: bytes(1), uid: text(2) } },
        EncryptResponse: { fields: { ciphertext: bytes(1), key_id: text(2), annotations: annotations(3) } },
      },
    },
  },
};
export const KMS_ENCODING = { keepCase: true, defaults: true, objects: true };

type Unary = (request: object, metadata: object, options: object, done: (error: GrpcError | null, answer: Record<string, unknown>) => void) => void;

interface GrpcError extends Error {
  readonly code: number;
  readonly details: string;
}

interface Channel {
  ask(name: string, request: object): Promise<Record<string, unknown>>;
  close(): void;
}

export function openKmsService(options: KmsServiceOptions): KmsService {
  let opened: Promise<Channel> | undefined;
  const ask = async (name: string, request: object): Promise<Record<string, unknown>> => (await (opened ??= openChannel(options))).ask(name, request);
  return {
    async status() {
      const { version, healthz, key_id: keyId } = await ask('Status', {});
      return { version, healthz, keyId } as KmsStatus;
    },
    async encrypt(uid, plaintext) {
      const { ciphertext, key_id: keyId, annotations: more } = await ask('Encrypt', { plaintext, uid });
      return { ciphertext: Buffer.from(ciphertext as Uint8Array), keyId: keyId as string, annotations: new Map(Object.entries(more as Record<string, Uint8Array>).map(([name, value]) => [name, Buffer.from(value)])) };
    },
    async decrypt(uid, sealed) {
      const { plaintext } = await ask('Decrypt', { ciphertext: sealed.ciphertext, uid, key_id: sealed.keyId, annotations: Object.fromEntries(sealed.annotations) });
      return Buffer.from(plaintext as Uint8Array);
    },
    close: () => void opened?.then((channel) => channel.close()),
  };
}

async function openChannel({ endpoint, timeoutMs, clock, onCall }: KmsServiceOptions): Promise<Channel> {
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
  const definition = loader.fromJSON(KMS_PROTOCOL as Parameters<typeof loader.fromJSON>[0], KMS_ENCODING)[SERVICE] as ServiceDefinition;
  const Service: ServiceClientConstructor = grpc.makeGenericClientConstructor(definition, SERVICE);
  // A plugin that starts later than this server is asked again soon.
  const limits = { 'grpc.default_authority': 'localhost', 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 2000 };
  const client = new Service(`unix:${socketOf(endpoint)}`, grpc.credentials.createInsecure(), limits);
  return {
    ask: (name, request) => new Promise((resolve, reject) => {
      const began = clock.monotonic();
      const metadata = new grpc.Metadata({ waitForReady: true });
      (client[name] as unknown as Unary).call(client, request, metadata, { deadline: clock.now() + timeoutMs }, (error, answer) => {
        const code = CODES[error?.code ?? 0] ?? 'Unknown';
        onCall?.(`/${SERVICE}/${name}`, (clock.monotonic() - began) / 1000, code);
        if (error) reject(new Error(`rpc error: code = ${code} desc = ${error.code === grpc.status.DEADLINE_EXCEEDED ? 'context deadline exceeded' : error.details || error.message}`));
        else resolve(answer);
      });
    }),
    close: () => client.close(),
  };
}

function socketOf(endpoint: string): string {
  const path = decodeURIComponent(new URL(endpoint).pathname);
  return path.startsWith('/@') ? `\0${path.slice(2)}` : path;
}
