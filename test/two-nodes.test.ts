/** Two machines on one cable: pods of one reach pods of the other, by their addresses and through a Service, and are seen as who they are. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type ApiObject, Cluster, condition, whyNoContainers } from './harness/cluster.ts';
import { Namespace } from './harness/namespace.ts';
import { until } from './harness/until.ts';

const obstacle = whyNoContainers();
const suite = obstacle ? describe.skip : describe;
const CLI = join(import.meta.dirname, '../cli/coracle.ts');
const [NEAR, FAR] = ['198.51.100.10', '198.51.100.11'];

/** Answers with the address that asked. */
const pod = (name: string, nodeName: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  nodeName: ${nodeName}
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: coracle.local/busybox:1
    command: [sh, -c, 'mkdir -p /www/cgi-bin; printf "#!/bin/sh\\necho; echo from \\$REMOTE_ADDR\\n" > /www/cgi-bin/who; chmod +x /www/cgi-bin/who; exec httpd -f -p 0.0.0.0:8080 -h /www']
    readinessProbe: {httpGet: {path: /cgi-bin/who, port: 8080}, periodSeconds: 1}
---
`;

suite(`two nodes${obstacle ? ` (${obstacle})` : ''}`, () => {
  let cluster: Cluster;
  let far: Namespace;
  const processes: ChildProcess[] = [];

  const coracle = (...args: string[]): ChildProcess => {
    const child = far.spawn(process.execPath, [CLI, ...args], { stdio: 'ignore', env: { CORACLE_INSTALL: 'no' } });
    processes.push(child);
    return child;
  };

  beforeAll(async () => {
    const near = new Namespace();
    far = new Namespace();
    near.addNodeAddress(NEAR);
    near.addNeighbour(far, FAR);
    cluster = await Cluster.start({ namespace: near, flags: ['--bind-address', '0.0.0.0', '--advertise-address', NEAR, '--node-name', 'near'] });
    for (const [account, file] of [['kubelet:far', 'kubelet'], ['proxy', 'proxy']] as const) {
      const path = join(cluster.directory, file);
      const { code, stderr } = await cluster.coracle('kubeconfig', '--data-dir', cluster.dataDir, '--for', account, '--output', path, '--server', `https://${NEAR}:6443`);
      if (code !== 0) throw new Error(stderr);
    }
    coracle('kubelet', '--kubeconfig', join(cluster.directory, 'kubelet'), '--node-name', 'far', '--data-dir', join(cluster.directory, 'far'));
    coracle('proxy', '--kubeconfig', join(cluster.directory, 'proxy'), '--node-name', 'far');
    await until('both nodes are Ready', async () => (await cluster.get('nodes')).items.filter((node) => condition(node, 'Ready') === 'True').length === 2);
    await cluster.apply(`${pod('here', 'near')}${pod('there', 'far')}
apiVersion: v1
kind: Service
metadata: {name: there}
spec: {selector: {app: there}, ports: [{port: 80, targetPort: 8080}]}
`);
    await cluster.must('wait pod here there --for=condition=Ready --timeout=60s');
  }, 180_000);

  afterAll(async () => {
    for (const child of processes) {
      if (child.exitCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await far?.run(process.execPath, [CLI, 'down', '--data-dir', join(cluster.directory, 'far'), '--purge']);
    const near = cluster?.net;
    await cluster?.remove();
    near?.remove();
    far?.remove();
  }, 60_000);

  const addressOf = (one: ApiObject): string => String(one.status.podIP);
  const asked = async (from: string, url: string): Promise<string> =>
    until(`${from} reaches ${url}`, async () => {
      const { code, stdout } = await cluster.kubectl(['exec', from, '--', 'wget', '-qO-', '-T', '2', url]);
      return code === 0 && stdout.trim();
    });

  test.each([['here', 'there'], ['there', 'here']])('%s asks %s', async (from, to) => {
    const [client, server] = [await cluster.one('pod', from), await cluster.one('pod', to)];
    expect(addressOf(client).split('.')[2]).not.toBe(addressOf(server).split('.')[2]);
    expect(await asked(from, `http://${addressOf(server)}:8080/cgi-bin/who`)).toBe(`from ${addressOf(client)}`);
  });

  test('through a Service, too', async () => {
    expect(await asked('here', 'http://there/cgi-bin/who')).toBe(`from ${addressOf(await cluster.one('pod', 'here'))}`);
  });
});
