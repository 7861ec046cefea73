/** The port at which controllers and scheduler can be looked at: health, metrics, how they were started. What it serves is made when it is asked for. */
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { ApiError } from '../../api/status.ts';
import { issueAuthority, issueLeaf } from '../../apiserver/pki/issue.ts';
import { type Access, isAlwaysAllowed } from './access.ts';
import { SECURE_PORTS } from './flags.ts';
import type { DiagnosticsOptions } from './options.ts';

export interface Diagnostics {
  readonly port: number;
  close(): Promise<void>;
}

/** Answers, also of errors. */
interface Answer {
  readonly code: number;
  readonly text: string;
  readonly type: string;
}

const REQUEST_LIMIT_MS = 30_000;
const HEADERS_LIMIT_BYTES = 64 * 1024;
const CONNECTIONS_LIMIT = 256;
const YEAR_MS = 365 * 24 * 60 * 60_000;
const HOUR_MS = 60 * 60_000;

/** Undefined: there is to be none, or the port that nobody has chosen is taken. */
export async function startDiagnostics(options: DiagnosticsOptions): Promise<Diagnostics | undefined> {
  const { flags, component, log } = options;
  const port = flags.securePort ?? SECURE_PORTS[component];
  if (port === 0) return undefined;
  const credentials = credentialsOf(options);
  const server = createServer({ ...credentials.read(), requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2', maxHeaderSize: HEADERS_LIMIT_BYTES, requestTimeout: REQUEST_LIMIT_MS });
  server.maxConnections = CONNECTIONS_LIMIT;
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  // Certificates are exchanged in their files; who comes next sees the new one.
  server.on('connection', () => credentials.changed() && server.setSecureContext(credentials.read()));
  const paths = import('./paths.ts').then(({ openPaths }) => openPaths(options));
  let access: Promise<Access> | undefined;
  const open = (): Promise<Access> => (access ??= import('./access.ts').then(({ openAccess }) => openAccess(options)));
  server.on('request', (request, response) => void serve(request, response, async (path, query) => {
    const isAnonymous = request.headers.authorization === undefined && (request.socket as { getPeerX509Certificate?: () => unknown }).getPeerX509Certificate?.() === undefined;
    if (!isAnonymous || !isAlwaysAllowed(flags, path)) await (await open()).check(request, path);
    return (await paths)(path, query, request);
  }));
  try {
    await listen(server, port, flags.bindAddress ?? '0.0.0.0');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (flags.securePort !== undefined) throw new Error(`port ${port} is in use by another program; choose another with --secure-port (0: none)`, { cause: error });
    log.warn({ port }, 'the port of /metrics and /healthz is in use by another program: they are not served; choose another with --secure-port');
    return undefined;
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
      await (await access)?.close();
    },
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function serve(request: IncomingMessage, response: ServerResponse, answer: (path: string, query: URLSearchParams) => Promise<Answer>): Promise<void> {
  let out: Answer;
  try {
    const at = request.url?.indexOf('?') ?? -1;
    const url = request.url ?? '/';
    out = await answer(at < 0 ? url : url.slice(0, at), new URLSearchParams(at < 0 ? '' : url.slice(at + 1)));
  } catch (error) {
    const { code, status } = error instanceof ApiError ? error : new ApiError({ code: 500, reason: 'InternalError', message: `Internal error occurred: ${String(error)}` });
    out = { code, type: 'application/json', text: `${JSON.stringify(status, null, 2)}` };
  }
  request.resume();
  if (response.destroyed) return;
  response.writeHead(out.code, { 'Content-Type': out.type, 'Cache-Control': 'no-cache, private', 'X-Content-Type-Options': 'nosniff' });
  response.end(request.method === 'HEAD' ? undefined : out.text);
}

interface Credentials {
  read(): { readonly cert: string; readonly key: string };
  changed(): boolean;
}

function credentialsOf({ flags: { tlsCertFile, tlsPrivateKeyFile, bindAddress }, clock, random }: DiagnosticsOptions): Credentials {
  if ((tlsCertFile === undefined) !== (tlsPrivateKeyFile === undefined)) throw new Error('--tls-cert-file and --tls-private-key-file go together');
  if (tlsCertFile !== undefined && tlsPrivateKeyFile !== undefined) {
    let seen = '';
    const state = (): string => [tlsCertFile, tlsPrivateKeyFile].map((file) => statSync(file).mtimeMs).join();
    return {
      read() {
        seen = state();
        return { cert: readFileSync(tlsCertFile, 'utf8'), key: readFileSync(tlsPrivateKeyFile, 'utf8') };
      },
      changed() {
        try {
          return state() !== seen;
        } catch {
          // In the middle of being exchanged.
          return false;
        }
      },
    };
  }
  const validity = (now: number): { notBefore: Date; notAfter: Date } => ({ notBefore: new Date(now - HOUR_MS), notAfter: new Date(now + YEAR_MS) });
  let until = 0;
  return {
    read() {
      const now = clock.now();
      until = now + YEAR_MS / 2;
      const authority = issueAuthority({ commonName: `localhost-ca@${Math.floor(now / 1000)}`, random, ...validity(now) });
      const addresses = [...new Set(['127.0.0.1', ...(bindAddress && bindAddress !== '0.0.0.0' && bindAddress !== '::' ? [bindAddress] : [])])];
      const { certPem, keyPem } = issueLeaf(authority, { subject: { commonName: `localhost@${Math.floor(now / 1000)}` }, purposes: ['server'], dnsNames: ['localhost'], addresses, random, ...validity(now) });
      return { cert: certPem + authority.certPem, key: keyPem };
    },
    changed: () => clock.now() > until,
  };
}
