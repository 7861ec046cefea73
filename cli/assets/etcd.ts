/** Stands in for etcd where a test suite starts it for our kube-apiserver, which keeps its own store: says that all is well. */
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    'data-dir': text, 'listen-client-urls': text, 'advertise-client-urls': text, 'listen-peer-urls': text, 'unsafe-no-fsync': text,
    name: text, 'initial-cluster': text, 'initial-advertise-peer-urls': text, 'log-level': text, 'log-outputs': text,
  },
});

const url = new URL(values['listen-client-urls']?.split(',')[0] ?? 'http://127.0.0.1:2379');
if (url.protocol !== 'http:') refuse(`--listen-client-urls: only http is served, not ${url.protocol.slice(0, -1)}`);
const server = createServer((request, response) => {
  const answers: Readonly<Record<string, object>> = {
    '/health': { health: 'true', reason: '', coracle: { dataDir: values['data-dir'] ?? '' } },
    '/version': { etcdserver: 'coracle', etcdcluster: 'coracle' },
  };
  const answer = answers[request.url ?? ''];
  response.writeHead(answer ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(answer ?? { error: 'this is no etcd: it stands in for one in tests of Coracle' }));
});
server.on('error', (error) => refuse(error.message));
server.listen(Number(url.port || 2379), url.hostname.replace(/^\[|\]$/g, ''));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));

function refuse(why: string): never {
  console.error(`etcd: ${why}`);
  process.exit(1);
}
