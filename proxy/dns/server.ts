/** The cluster's name server: UDP and TCP sockets around `answer()`; what is not the cluster's goes upstream. */
import { type Socket as UdpSocket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type Server, type Socket, createServer, isIPv6 } from 'node:net';
import { type Answer as PacketAnswer, type Packet, type StringAnswer, decode, encode } from 'dns-packet';
import type { Clock } from '../../std/clock.ts';
import { type Random, below } from '../../std/random.ts';
import { type HasNamespace, type NamedRecord, type Question, answer } from './answer.ts';
import type { Records } from './records.ts';
import type { Upstream } from './upstream.ts';

export interface DnsServerOptions {
  readonly address: string;
  readonly port: number;
  readonly records: Records;
  readonly hasNamespace: HasNamespace;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly random: Random;
}

export interface DnsServer {
  readonly port: number;
  close(): Promise<void>;
}

const TTL_SECONDS = 5;
/** What fits without EDNS, and the most that is put into one datagram. */
const PLAIN_LIMIT_BYTES = 512;
const DATAGRAM_LIMIT_BYTES = 1_232;
const TCP_IDLE_MS = 10_000;
const TCP_CONNECTION_LIMIT = 256;
const QUESTION_LIMIT_BYTES = 4_096;
const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const RECURSION_DESIRED = 1 << 8;
const RECURSION_AVAILABLE = 1 << 7;
const RCODE: Readonly<Record<string, number>> = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4 };

export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const udp = createSocket(isIPv6(options.address) ? 'udp6' : 'udp4');
  udp.on('message', (message, peer) => {
    void respond(message, 'udp', options).then((reply) => reply && udp.send(reply, peer.port, peer.address));
  });
  udp.bind(options.port, options.address);
  await once(udp, 'listening');
  udp.on('error', () => undefined);
  const { port } = udp.address();
  const tcp = createServer((socket) => converse(socket, options));
  tcp.maxConnections = TCP_CONNECTION_LIMIT;
  try {
    tcp.listen(port, options.address);
    await once(tcp, 'listening');
  } catch (error) {
    udp.close();
    throw error;
  }
  return { port, close: () => close(udp, tcp) };
}

async function close(udp: UdpSocket, tcp: Server): Promise<void> {
  udp.close();
  tcp.close();
  await once(tcp, 'close');
}

function converse(socket: Socket, options: DnsServerOptions): void {
  let received = Buffer.alloc(0);
  socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2) {
      const length = received.readUInt16BE(0);
      if (length > QUESTION_LIMIT_BYTES) return void socket.destroy();
      if (received.length < 2 + length) return;
      const message = received.subarray(2, 2 + length);
      received = received.subarray(2 + length);
      void respond(message, 'tcp', options).then((reply) => {
        if (!reply || socket.destroyed) return;
        const head = Buffer.alloc(2);
        head.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([head, reply]));
      });
    }
  });
}

/** The reply to one message; undefined when it deserves none. */
async function respond(message: Buffer, transport: 'udp' | 'tcp', options: DnsServerOptions): Promise<Buffer | undefined> {
  let query: Packet;
  try {
    query = decode(message);
  } catch {
    return message.length >= 2 ? render({ id: message.readUInt16BE(0), code: 'FORMERR', question: undefined, records: [], edns: false }, transport, PLAIN_LIMIT_BYTES) : undefined;
  }
  if (query.type !== 'query') return undefined;
  const [question] = query.questions ?? [];
  const optional = query.additionals?.find((record) => record.type === 'OPT');
  const limit = optional && 'udpPayloadSize' in optional ? Math.min(Math.max(optional.udpPayloadSize, PLAIN_LIMIT_BYTES), DATAGRAM_LIMIT_BYTES) : PLAIN_LIMIT_BYTES;
  const reply = { id: query.id ?? 0, question, edns: optional !== undefined };
  if (!question || (query.flags ?? 0) & 0x7800) return render({ ...reply, code: question ? 'NOTIMP' : 'FORMERR', records: [] }, transport, limit);

  const result = answer(question, options.records, options.hasNamespace);
  if (result.kind === 'forward') return (await options.upstream.ask(message, transport)) ?? render({ ...reply, code: 'SERVFAIL', records: [] }, transport, limit);
  if (result.kind === 'alias') {
    const rest = await follow(result.target, question, transport, options);
    return render({ ...reply, code: rest ? 'NOERROR' : 'SERVFAIL', records: [...named(result.records), ...(rest ?? [])] }, transport, limit);
  }
  const records = shuffled(named(result.records), options.random);
  const authority = records.length === 0 ? startOfAuthority(options.records.zone) : undefined;
  return render({ ...reply, code: result.code, records, authority }, transport, limit);
}

/** What the upstream servers know of the name that an ExternalName Service stands for. */
async function follow(target: string, question: Question, transport: 'udp' | 'tcp', options: DnsServerOptions): Promise<PacketAnswer[] | undefined> {
  const id = below(options.random, 65_536);
  const query = encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ type: question.type as StringAnswer['type'], name: target }] });
  const raw = await options.upstream.ask(query, transport);
  if (!raw) return undefined;
  try {
    return (decode(raw).answers ?? []).filter((record) => record.type !== 'OPT');
  } catch {
    return undefined;
  }
}

interface Reply {
  readonly id: number;
  readonly question: Packet['questions'] extends (infer Q)[] | undefined ? Q | undefined : never;
  readonly code: string;
  readonly records: readonly PacketAnswer[];
  readonly authority?: PacketAnswer | undefined;
  readonly edns: boolean;
}

function render(reply: Reply, transport: 'udp' | 'tcp', limitBytes: number): Buffer {
  const flags = AUTHORITATIVE | RECURSION_DESIRED | RECURSION_AVAILABLE | (RCODE[reply.code] ?? 2);
  const packet: Packet = {
    type: 'response',
    id: reply.id,
    flags,
    questions: reply.question ? [reply.question] : [],
    answers: [...reply.records],
    authorities: reply.authority ? [reply.authority] : [],
    additionals: reply.edns ? [{ type: 'OPT', name: '.', udpPayloadSize: DATAGRAM_LIMIT_BYTES, flags: 0, options: [] } as unknown as PacketAnswer] : [],
  };
  const bytes = encode(packet);
  if (transport === 'tcp' || bytes.length <= limitBytes) return bytes;
  return encode({ ...packet, flags: flags | TRUNCATED, answers: [] });
}

function named(records: readonly NamedRecord[]): PacketAnswer[] {
  return records.map((record) => ({ ...record, ttl: TTL_SECONDS, class: 'IN' }) as unknown as PacketAnswer);
}

function startOfAuthority(zone: string): PacketAnswer {
  const data = { mname: `ns.dns.${zone}`, rname: `hostmaster.${zone}`, serial: 1, refresh: 7_200, retry: 1_800, expire: 86_400, minimum: TTL_SECONDS };
  return { type: 'SOA', name: zone, ttl: TTL_SECONDS, class: 'IN', data } as PacketAnswer;
}

/** Clients take the first address: let it be another one each time. Aliases stay in front. */
function shuffled(records: PacketAnswer[], random: Random): PacketAnswer[] {
  const start = records.findIndex((record) => record.type !== 'CNAME');
  for (let i = records.length - 1; i > start && start >= 0; i--) {
    const j = start + below(random, i - start + 1);
    [records[i], records[j]] = [records[j] as PacketAnswer, records[i] as PacketAnswer];
  }
  return records;
}
