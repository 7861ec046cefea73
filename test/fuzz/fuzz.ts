/**
 * The fuzzer: an API server in this process gets one wrong request after the other, from a seed. It must answer each in time
 * and without a fault of its own, and what it refused must have left nothing behind.
 */
import { Agent, request as secureRequest } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Log } from '../../apiserver/core.ts';
import { createApiServer } from '../../apiserver/server.ts';
import { openPki } from '../../apiserver/pki/pki.ts';
import { openMemory } from '../../apiserver/storage/memory.ts';
import type { Store } from '../../apiserver/storage/store.ts';
import { systemClock } from '../../std/clock.ts';
import { below, seededRandom } from '../../std/random.ts';
import { isAfterwards, isExpected } from './expected.ts';
import { mutate, type Case } from './mutate.ts';
import { FIRST, SEEDS } from './seeds.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly cases: number;
  /** An answer that takes more processor time than this hangs for whoever waits behind it. Default: only what never ends is found. */
  readonly busyLimitMs?: number;
  /** Told now and then: how many are done. */
  readonly onProgress?: (done: number) => void;
}

export interface Finding {
  readonly what: string;
  readonly request: string;
  readonly answer: string;
}

export interface FuzzReport {
  readonly cases: number;
  readonly findings: readonly Finding[];
  /** How often which code came. */
  readonly codes: Readonly<Record<number, number>>;
}

/** Whoever has no answer by then gets none. */
const WAIT_LIMIT_MS = 60_000;
/** After that many the run is over: the first ones are what is wanted. */
const FINDINGS_LIMIT = 20;
/** A stream has shown that it flows. */
const STREAM_MS = 5;
const PROGRESS_EVERY = 1_000;

export async function fuzz({ seed, cases, busyLimitMs = Infinity, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const findings: Finding[] = [];
  const faults: string[] = [];
  const log: Log = { info() {}, error: (what, error) => faults.push(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`) };
  const onRejection = (error: unknown): void => void faults.push(`unhandled rejection: ${String((error as Error | undefined)?.stack ?? error)}`);
  process.on('unhandledRejection', onRejection);
  const server = await openServer(log);
  const codes: Record<number, number> = {};
  const random = seededRandom(seed);
  try {
    for (let done = 0; done < cases && findings.length < FINDINGS_LIMIT; done++) {
      const made = mutate(SEEDS[below(random, SEEDS.length)] as (typeof SEEDS)[number], random, server.token);
      const before = process.cpuUsage();
      const { code, text } = await server.send(made);
      const { user, system } = process.cpuUsage(before);
      codes[code] = (codes[code] ?? 0) + 1;
      const tell = (what: string): void => void findings.push({ what, request: described(made, seed, done), answer: `${code} ${text.slice(0, 500)}` });
      if ((user + system) / 1000 > busyLimitMs) tell(`took ${Math.round((user + system) / 1000)} ms of processor time`);
      if (code === 0) tell('no answer');
      const expected = isExpected(code, text);
      for (const fault of faults.splice(0)) if (!expected) tell(fault);
      // A HEAD has no text to know a fault by; whoever GETs the same meets the same fault.
      if (code >= 500 && !expected && made.method !== 'HEAD') tell('a fault of the server');
      const left = await server.leftBehind(code >= 400 && !isAfterwards(text));
      if (left.length > 0) tell(`a refused request left ${left.join(', ')}`);
      if (done % PROGRESS_EVERY === 0) onProgress?.(done);
    }
    return { cases, findings, codes };
  } finally {
    process.off('unhandledRejection', onRejection);
    await server.close();
  }
}

function described({ method, path, headers, body }: Case, seed: number, at: number): string {
  return `seed ${seed}, case ${at}: ${method} ${path} ${JSON.stringify(headers)} ${body ? JSON.stringify(body.subarray(0, 3000).toString()) : ''}`;
}

interface FuzzedServer {
  readonly token: string;
  send(made: Case): Promise<{ code: number; text: string }>;
  /** The keys whose values are not what they were before the last request, if it was refused. */
  leftBehind(refused: boolean): Promise<string[]>;
  close(): Promise<void>;
}

async function openServer(log: Log): Promise<FuzzedServer> {
  const memory = openMemory();
  const touched = new Set<string>();
  const pki = await openPki({ directory: undefined, clock: systemClock, random: seededRandom(1), addresses: ['127.0.0.1'] });
  const server = createApiServer({ store: observed(memory, touched), pki, log });
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
  const { certPem: cert, keyPem: key } = await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: pki.caPem, cert, key });
  const send = (made: Case): Promise<{ code: number; text: string }> => exchange(secureRequest({ host: '127.0.0.1', port, agent, method: made.method, path: made.path, headers: { ...made.headers, ...(made.body && { 'content-length': String(made.body.length) }) } }), made);
  const known = new Map<string, string>();
  const settle = async (): Promise<void> => {
    for (const one of touched) known.set(one, await valueAt(memory, one));
    touched.clear();
  };
  let token = '';
  for (const { method, path, body } of FIRST) await send({ method, path, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) });
  const made = await send({ method: 'POST', path: '/api/v1/namespaces/fuzz/serviceaccounts/default/token', headers: { 'content-type': 'application/json' }, body: Buffer.from('{"spec":{"expirationSeconds":600}}') });
  token = (JSON.parse(made.text) as { status?: { token?: string } }).status?.token ?? '';
  await settle();
  return {
    token,
    send,
    async leftBehind(refused) {
      const changed: string[] = [];
      if (refused) for (const one of touched) if (isObject(one) && (await valueAt(memory, one)) !== (known.get(one) ?? '')) changed.push(one);
      await settle();
      return changed;
    },
    async close() {
      agent.destroy();
      await server.close();
      pki.close();
      await memory.close();
    },
  };
}

/** What the server keeps up by itself is not a request's doing. */
function isObject(key: string): boolean {
  return !/^\/registry\/(?:masterleases|apiregistration\.k8s\.io|flowschemas|prioritylevelconfigurations|customresourcedefinitions|validatingadmissionpolicies|apiextensions\.k8s\.io)\b/.test(key);
}

async function valueAt(store: Store, key: string): Promise<string> {
  return (await store.get(key))?.value.toString() ?? '';
}

function observed(store: Store, touched: Set<string>): Store {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      if (name !== 'write') return value.bind(target) as unknown;
      return (...args: Parameters<Store['write']>) => {
        touched.add(args[0]);
        return target.write(...args);
      };
    },
  });
}

function exchange(request: ClientRequest, { body }: Case): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const finish = (code: number, text: string): void => {
      clearTimeout(limit);
      resolve({ code, text });
    };
    const limit = setTimeout(() => {
      request.destroy();
      finish(0, 'nothing came');
    }, WAIT_LIMIT_MS);
    request.on('error', (error) => finish((error as NodeJS.ErrnoException).code === 'ECONNRESET' ? 499 : 400, String(error)));
    request.on('upgrade', (response, socket) => {
      socket.on('error', () => {});
      socket.destroy();
      finish(response.statusCode ?? 101, '');
    });
    request.on('response', (response: IncomingMessage) => {
      const parts: Buffer[] = [];
      const code = response.statusCode ?? 0;
      const done = (): void => finish(code, Buffer.concat(parts).toString());
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', done);
      response.on('error', done);
      // A stream does not end by itself soon.
      if (isStream(response, request.path)) setTimeout(() => (request.destroy(), done()), STREAM_MS);
    });
    request.end(body);
  });
}

function isStream({ headers }: IncomingMessage, path: string): boolean {
  return headers['content-length'] === undefined && /[?&](?:watch|follow)|\/watch\//.test(path);
}
