/** Questions that are not about the cluster, put to the machine's own name servers. */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, isIPv6 } from 'node:net';
import type { Clock } from '../../std/clock.ts';

const ATTEMPT_TIMEOUT_MS = 2_000;
/** Questions under way at once; more are refused, so that a dead upstream cannot fill the memory. */
const PENDING_LIMIT = 1_000;
const SERVER_LIMIT = 3;

export interface Upstream {
  /** The raw answer to a raw question; undefined when nobody answered. */
  ask(question: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined>;
}

/** The name servers of a resolv.conf, without the ones that are ourselves. */
export function nameServers(path: string, own: readonly string[]): string[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1] as string);
  return servers.filter((server) => !own.includes(server)).slice(0, SERVER_LIMIT);
}

export function openUpstream(servers: () => readonly string[], clock: Clock): Upstream {
  let pending = 0;
  return {
    async ask(question, transport) {
      if (pending >= PENDING_LIMIT) return undefined;
      pending++;
      try {
        for (const server of servers()) {
          const answer = await (transport === 'udp' ? overUdp(question, server, clock) : overTcp(question, server, clock));
          if (answer) return answer;
        }
        return undefined;
      } finally {
        pending--;
      }
    },
  };
}

function overUdp(question: Buffer, server: string, clock: Clock): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
    const done = (answer?: Buffer): void => {
      timer.cancel();
      socket.close();
      resolve(answer);
    };
    const timer = clock.after(ATTEMPT_TIMEOUT_MS, done);
    socket.on('error', () => done());
    socket.on('message', (message) => {
      // Only the answer to this very question counts.
      if (message.length >= 12 && message.readUInt16BE(0) === question.readUInt16BE(0)) done(message);
    });
    // Where no way leads to the server the callback is told so, and no 'error' follows.
    socket.connect(53, server, (error?: Error) => (error ? done() : socket.send(question)));
  });
}

function overTcp(question: Buffer, server: string, clock: Clock): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect(53, server);
    const done = (answer?: Buffer): void => {
      timer.cancel();
      socket.destroy();
      resolve(answer);
    };
    const timer = clock.after(ATTEMPT_TIMEOUT_MS, done);
    let received = Buffer.alloc(0);
    socket.on('error', () => done());
    socket.on('close', () => done());
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) done(received.subarray(2, 2 + received.readUInt16BE(0)));
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(question.length);
    socket.write(Buffer.concat([length, question]));
  });
}
