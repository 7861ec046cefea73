import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type Packet, type RecordType, decode, encode } from 'dns-packet';
import type { Service } from '../../api/types/core.v1.ts';
import type { EndpointSlice } from '../../api/types/discovery.v1.ts';
import type { Stored } from '../../client/client.ts';
import { systemClock } from '../../std/clock.ts';
import { seededRandom } from '../../std/random.ts';
import { Records } from './records.ts';
import { type DnsServer, startDnsServer } from './server.ts';

const metadata = (name: string) => ({ name, namespace: 'shop', uid: name, resourceVersion: '1', creationTimestamp: '' });
const service = (name: string, spec: Service['spec']): Stored<Service> => ({ metadata: metadata(name), spec });

function slice(endpoints: EndpointSlice['endpoints'], addressType: 'IPv4' | 'IPv6' = 'IPv4'): Stored<EndpointSlice> {
  return { metadata: metadata('s'), addressType, endpoints, ports: [{ name: 'db', port: 5432, protocol: 'TCP' }] };
}

const records = new Records('cluster.local');
records.set('shop/web', service('web', { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5', 'fd00::5'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }), []);
records.set('shop/db', service('db', { clusterIP: 'None' }), [
  slice([
    { addresses: ['10.244.0.9'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.244.0.8'], conditions: { ready: true } },
    { addresses: ['10.244.0.7'], conditions: { ready: false } },
  ]),
]);
records.set('shop/empty', service('empty', { clusterIP: 'None' }), []);
records.set('shop/out', service('out', { type: 'ExternalName', externalName: 'example.test' }), []);
records.set('shop/inside', service('inside', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }), []);
records.set('shop/many', service('many', { clusterIP: 'None' }), [slice(Array.from({ length: 60 }, (_, i) => ({ addresses: [`10.1.0.${i}`], conditions: { ready: true } })))]);

let server: DnsServer;

beforeAll(async () => {
  server = await startDnsServer({
    address: '127.0.0.1',
    port: 0,
    records,
    hasNamespace: (name) => name === 'shop',
    clock: systemClock,
    random: seededRandom(1),
    upstream: {
      async ask(question) {
        const query = decode(question);
        const name = query.questions?.[0]?.name ?? '';
        if (name === 'dead.test') return undefined;
        return encode({ type: 'response', id: query.id ?? 0, questions: query.questions ?? [], answers: [{ type: 'A', name, ttl: 60, data: '192.0.2.80' }] });
      },
    },
  });
});

afterAll(() => server.close());

async function udp(name: string, type: RecordType): Promise<Packet> {
  const socket = createSocket('udp4');
  socket.send(encode({ type: 'query', id: 7, flags: 256, questions: [{ type, name } as never] }), server.port, '127.0.0.1');
  const [message] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return decode(message);
}

function lines(packet: Packet): string[] {
  return (packet.answers ?? []).map((record) => `${record.name} ${record.type} ${JSON.stringify('data' in record ? record.data : undefined).replaceAll('"', '')}`).sort();
}

describe('the name server answers', () => {
  const web = 'web.shop.svc.cluster.local';
  const db = 'db.shop.svc.cluster.local';
  const rows: [string, string, RecordType, string, string[]][] = [
    ['a Service', web, 'A', 'NOERROR', [`${web} A 10.96.0.5`]],
    ['whatever the case of the letters, which come back as asked', 'WEB.shop.SVC.cluster.local', 'A', 'NOERROR', ['WEB.shop.SVC.cluster.local A 10.96.0.5']],
    ['a Service in the second family', web, 'AAAA', 'NOERROR', [`${web} AAAA fd00::5`]],
    ['a named port', `_http._tcp.${web}`, 'SRV', 'NOERROR', [`_http._tcp.${web} SRV {priority:0,weight:100,port:80,target:${web}}`]],
    ['a headless Service by its ready endpoints', db, 'A', 'NOERROR', [`${db} A 10.244.0.8`, `${db} A 10.244.0.9`]],
    ['an endpoint by its host name', `db-0.${db}`, 'A', 'NOERROR', [`db-0.${db} A 10.244.0.9`]],
    ['an endpoint by its address', `10-244-0-8.${db}`, 'A', 'NOERROR', [`10-244-0-8.${db} A 10.244.0.8`]],
    ['a headless port', `_db._tcp.${db}`, 'SRV', 'NOERROR', [
      `_db._tcp.${db} SRV {priority:0,weight:100,port:5432,target:10-244-0-8.${db}}`,
      `_db._tcp.${db} SRV {priority:0,weight:100,port:5432,target:db-0.${db}}`,
    ]],
    ['nothing of a type that a name lacks', db, 'AAAA', 'NOERROR', []],
    ['nothing for a headless Service without endpoints', 'empty.shop.svc.cluster.local', 'A', 'NOERROR', []],
    ['nothing for a name that only leads to others', 'shop.svc.cluster.local', 'A', 'NOERROR', []],
    ['that there is no such Service', 'nope.shop.svc.cluster.local', 'A', 'NXDOMAIN', []],
    ['that there is no such namespace', 'web.nope.svc.cluster.local', 'A', 'NXDOMAIN', []],
    ['a pod by its address', '10-244-3-4.shop.pod.cluster.local', 'A', 'NOERROR', ['10-244-3-4.shop.pod.cluster.local A 10.244.3.4']],
    ['no pod in a namespace that is not there', '10-244-3-4.nope.pod.cluster.local', 'A', 'NXDOMAIN', []],
    ['no pod with an impossible address', '10-244-3-400.shop.pod.cluster.local', 'A', 'NXDOMAIN', []],
    ['the reverse of a cluster address', '5.0.96.10.in-addr.arpa', 'PTR', 'NOERROR', [`5.0.96.10.in-addr.arpa PTR ${web}`]],
    ['the reverse of an IPv6 cluster address', `5.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`, 'PTR', 'NOERROR', [`5.${'0.'.repeat(27)}0.0.d.f.ip6.arpa PTR ${web}`]],
    ['the reverse of an endpoint with a host name', '9.0.244.10.in-addr.arpa', 'PTR', 'NOERROR', [`9.0.244.10.in-addr.arpa PTR db-0.${db}`]],
    ['an alias and what upstream says of it', 'out.shop.svc.cluster.local', 'A', 'NOERROR', ['example.test A 192.0.2.80', 'out.shop.svc.cluster.local CNAME example.test']],
    ['an alias of a Service', 'inside.shop.svc.cluster.local', 'A', 'NOERROR', [`inside.shop.svc.cluster.local CNAME ${web}`, `${web} A 10.96.0.5`]],
    ['other names by asking upstream', 'www.example.test', 'A', 'NOERROR', ['www.example.test A 192.0.2.80']],
    ['SERVFAIL when upstream is silent', 'dead.test', 'A', 'SERVFAIL', []],
    ['the version of the schema', 'dns-version.cluster.local', 'TXT', 'NOERROR', ['dns-version.cluster.local TXT [{type:Buffer,data:[49,46,49,46,48]}]']],
  ];
  test.each(rows)('%s', async (_, name, type, code, answers) => {
    const packet = await udp(name, type);
    expect((packet as Packet & { rcode: string }).rcode).toBe(code);
    expect(lines(packet)).toEqual(answers);
  });
});

test('an empty answer about the zone carries its SOA, so that resolvers remember it briefly', async () => {
  const packet = await udp('nope.shop.svc.cluster.local', 'A');
  expect(packet.authorities?.map((record) => [record.type, record.name])).toEqual([['SOA', 'cluster.local']]);
});

test('an answer too large for a datagram is cut, and whole over TCP', async () => {
  const name = 'many.shop.svc.cluster.local';
  const cut = await udp(name, 'A');
  expect((cut as Packet & { flag_tc: boolean }).flag_tc).toBe(true);
  const socket = connect(server.port, '127.0.0.1');
  const query = encode({ type: 'query', id: 9, questions: [{ type: 'A', name }] });
  const head = Buffer.alloc(2);
  head.writeUInt16BE(query.length);
  socket.write(Buffer.concat([head, query]));
  let received = Buffer.alloc(0);
  while (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  socket.destroy();
  expect(decode(received.subarray(2)).answers).toHaveLength(60);
});

test('a message that is no question is answered with FORMERR or not at all', async () => {
  const socket = createSocket('udp4');
  socket.send(Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63]), server.port, '127.0.0.1');
  const [message] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  expect(message.readUInt16BE(2) & 0xf).toBe(1);
});

test('Records forgets the names of a Service that is gone', () => {
  const own = new Records('z');
  own.set('d/a', service('a', { clusterIP: '10.0.0.1' }), []);
  own.set('d/a', undefined, []);
  expect(own.get('a.shop.svc.z')).toBeUndefined();
  expect(own.get('svc.z')).toBeUndefined();
  expect(own.namesOf('10.0.0.1')).toEqual([]);
});
