/** Exec, attach and port-forward as CRI serves them: the runtime names a URL of its own, where SPDY/3.1 is spoken. */
import { PassThrough, type Duplex } from 'node:stream';
import { request } from '../../std/plain-http.ts';
import { SpdyConnection, type SpdyStream } from '../spdy/connection.ts';
import { RuntimeRefused, RuntimeUnavailable } from './runtime.ts';
import type { Session, StreamRequest } from './model.ts';

/** Bound on what is read of an error that the runtime tells. */
const ERROR_LIMIT_BYTES = 64 * 1024;

export async function openSession(url: string, asked: StreamRequest): Promise<Session> {
  const connection = await upgrade(url, 'v4.channel.k8s.io');
  const names = (['stdin', 'stdout', 'stderr'] as const).filter((name) => asked[name] && !(name === 'stderr' && asked.tty));
  const errors = await connection.open({ streamtype: 'error' });
  const streams: Partial<Record<'stdin' | 'stdout' | 'stderr', SpdyStream>> = {};
  for (const name of names) streams[name] = await connection.open({ streamtype: name });
  const resize = asked.tty ? await connection.open({ streamtype: 'resize' }) : undefined;
  for (const stream of [errors, resize, ...Object.values(streams)]) stream?.on('error', () => undefined);
  const exit = ended(errors).finally(async () => {
    await Promise.all([streams.stdout, streams.stderr].map((stream) => stream && drained(stream)));
    await connection.end();
  });
  exit.catch(() => undefined);
  return {
    stdin: streams.stdin,
    stdout: streams.stdout && output(streams.stdout),
    stderr: streams.stderr && output(streams.stderr),
    resize(columns, rows) {
      resize?.write(`${JSON.stringify({ Width: columns, Height: rows })}\n`);
    },
    exit,
    close: () => connection.close(),
  };
}

export async function openPortStream(url: string, port: number): Promise<Duplex> {
  const connection = await upgrade(url, 'portforward.k8s.io');
  const headers = { port: String(port), requestid: '0' };
  const errors = await connection.open({ ...headers, streamtype: 'error' });
  const data = await connection.open({ ...headers, streamtype: 'data' });
  // We never write errors; ours is closed at once, as clients do.
  errors.end();
  errors.on('error', () => undefined);
  void text(errors).then((message) => {
    if (message !== '') data.destroy(new RuntimeRefused('Unknown', message));
  });
  data.on('close', () => void connection.end());
  return data;
}

function upgrade(url: string, protocol: string): Promise<SpdyConnection> {
  return new Promise((resolve, reject) => {
    const asking = request(url, {
      method: 'POST',
      headers: { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': protocol, 'Content-Length': 0 },
    });
    asking.on('upgrade', (_response, socket, head) => resolve(new SpdyConnection(socket, { side: 'client', head })));
    asking.on('response', (response) => {
      void text(response).then((body) => reject(new RuntimeRefused('Unknown', body || `the streaming server answered ${response.statusCode}`)));
    });
    asking.on('error', (error) => reject(new RuntimeUnavailable(error.message)));
    asking.end();
  });
}

/** The error stream carries a Status when the process has ended: Success, or a failure that may name an exit code. */
async function ended(errors: SpdyStream): Promise<number> {
  const body = await text(errors);
  if (body === '') throw new RuntimeUnavailable('the connection ended before the runtime said how the process did');
  const status = JSON.parse(body) as { status?: string; message?: string; reason?: string; details?: { causes?: { reason?: string; message?: string }[] } };
  if (status.status === 'Success') return 0;
  const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  if (status.reason === 'NonZeroExitCode' && code !== undefined) return Number(code);
  throw new RuntimeRefused(status.reason ?? 'Unknown', status.message ?? body);
}

/**
 * A reader that is done destroys what it read from. The stream behind must live on: a reset frame that the runtime has not read
 * when it closes the connection makes its kernel drop what it sent last, which is how the process ended.
 */
function output(stream: SpdyStream): NodeJS.ReadableStream {
  const out = new PassThrough();
  stream.pipe(out);
  stream.on('close', () => out.end());
  out.on('error', () => undefined);
  out.on('close', () => stream.resume());
  return out;
}

function drained(stream: SpdyStream): Promise<void> {
  if (stream.readableEnded || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('end', resolve);
    stream.once('close', resolve);
  });
}

function text(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (): void => resolve(Buffer.concat(chunks).toString());
    stream.on('data', (chunk: Buffer) => {
      if ((size += chunk.length) <= ERROR_LIMIT_BYTES) chunks.push(chunk);
    });
    stream.on('end', done);
    stream.on('error', done);
    stream.on('close', done);
  });
}
