/** Real kubectl binaries, new and old, against a real cluster: the commands that people use every day. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster, whyNoContainers } from './harness/cluster.ts';
import { KUBECTL_MISSING, type Kubectl, kubectls, twoKubectls } from './harness/kubectl.ts';
import type { Finished } from './harness/namespace.ts';
import { until } from './harness/until.ts';

const obstacle = whyNoContainers();
const suite = obstacle ? describe.skip : describe;

test('there is a kubectl to test with', () => {
  // Under CI a missing kubectl is a failure; elsewhere the suite below says that it was skipped and why.
  if (process.env.CI === 'true') expect(kubectls().length ? '' : KUBECTL_MISSING).toBe('');
});

suite(`kubectl${obstacle ? ` (${obstacle})` : ''}`, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start();
  }, 120_000);
  afterAll(() => cluster?.remove(), 60_000);

  describe.each(twoKubectls().map((kubectl) => [kubectl.version, kubectl] as const))('%s', (version, kubectl: Kubectl) => {
    const namespace = `k${version.replace('.', '-')}`;
    const run = (args: string | readonly string[], input?: string): Promise<Finished> =>
      cluster.kubectl(['-n', namespace, ...(typeof args === 'string' ? args.split(' ') : args)], { with: kubectl, ...(input !== undefined && { input }) });
    const must = async (args: string | readonly string[], input?: string): Promise<string> => {
      const { code, stdout, stderr } = await run(args, input);
      if (code !== 0) throw new Error(`kubectl ${String(args)} exited with ${code}: ${stdout}${stderr}`);
      return stdout;
    };

    beforeAll(async () => {
      await cluster.must(['create', 'namespace', namespace]);
      await must(['create', 'deployment', 'web', '--image=coracle.local/busybox:1', '--replicas=2', '--', 'sh', '-c', 'mkdir /w; echo served > /w/index.html; echo started; httpd -f -p 8080 -h /w']);
      await must('rollout status deployment/web --timeout=60s');
    }, 120_000);

    test('get shows what a table should', async () => {
      const lines = (await must('get deployments,replicasets,pods')).split('\n').filter(Boolean);
      expect(lines[0]).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE$/);
      expect(lines[1]).toMatch(/^deployment.apps\/web +2\/2 +2 +2 +\d+s$/);
      expect(lines.at(-1)).toMatch(/^pod\/web-[0-9a-z]+-[0-9a-z]{5} +1\/1 +Running +0 +\d+s$/);
      expect(await must('get pods -o wide')).toMatch(/IP +NODE +NOMINATED NODE +READINESS GATES\n.* 10\.244\./);
      expect(await must('get pods -l app=web -o name')).toMatch(/^(pod\/web-\S+\n){2}$/);
      expect(await must(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}'])).toBe('2');
      const missing = await run('get pod nope');
      expect([missing.code, missing.stderr]).toEqual([1, 'Error from server (NotFound): pods "nope" not found\n']);
    });

    test('describe tells the story, events included', async () => {
      const text = await must('describe pods');
      for (const expected of ['Node: ', 'Status:           Running', 'QoS Class:                   BestEffort', 'Successfully assigned', 'Container created', 'Container started']) expect(text).toContain(expected);
      expect(await must('describe deployment web')).toContain('2 desired | 2 updated | 2 total | 2 available | 0 unavailable');
    });

    test('apply creates, changes nothing, changes; diff says what would change', async () => {
      const manifest = (value: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { a: value } });
      expect(await must('apply -f -', manifest('1'))).toBe('configmap/applied created\n');
      expect(await must('apply -f -', manifest('1'))).toBe('configmap/applied unchanged\n');
      const same = await run('diff -f -', manifest('1'));
      expect([same.code, same.stdout]).toEqual([0, '']);
      const differs = await run('diff -f -', manifest('2'));
      expect(differs.code).toBe(1);
      expect(differs.stdout).toMatch(/^-\s+a: "1"$[\s\S]*^\+\s+a: "2"$/m);
      expect(await must('apply -f -', manifest('2'))).toBe('configmap/applied configured\n');
      expect(await must('apply --server-side --field-manager=other --force-conflicts -f -', manifest('3'))).toBe('configmap/applied serverside-applied\n');
      const refused = await run('apply -f -', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"Bad_Name"}}');
      expect(refused.stderr).toContain('a lowercase RFC 1123 subdomain must consist of');
      const unknown = await run('apply -f -', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"dta":{}}');
      expect(unknown.stderr).toMatch(/unknown field "dta"/);
    });

    test('edit writes what the editor made of it', async () => {
      const editor = join(cluster.directory, 'editor.sh');
      writeFileSync(editor, '#!/bin/sh\nsed -i "s/tier: none/tier: edited/" "$1"\n', { mode: 0o755 });
      await must('create configmap edited --from-literal=x=y');
      await must('label configmap edited tier=none');
      const { code } = await cluster.net.run(kubectl.path, ['edit', 'configmap', 'edited', '-n', namespace], { env: { KUBECONFIG: cluster.kubeconfig, EDITOR: editor, HOME: cluster.directory } });
      expect(code).toBe(0);
      expect(await must(['get', 'configmap', 'edited', '-o', 'jsonpath={.metadata.labels.tier}'])).toBe('edited');
    });

    test('patch in all its types', async () => {
      await must(['patch', 'deployment', 'web', '-p', '{"spec":{"template":{"spec":{"containers":[{"name":"busybox","env":[{"name":"A","value":"1"}]}]}}}}']);
      await must(['patch', 'deployment', 'web', '--type=json', '-p', '[{"op":"replace","path":"/spec/template/spec/containers/0/env/0/value","value":"2"}]']);
      await must(['patch', 'deployment', 'web', '--type=merge', '-p', '{"metadata":{"annotations":{"note":"merged"}}}']);
      expect(await must(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].value} {.metadata.annotations.note}'])).toBe('coracle.local/busybox:1 2 merged');
      await must('rollout status deployment/web --timeout=60s');
    }, 90_000);

    test('logs, followed to the end', async () => {
      await must(['run', 'counter', '--image=coracle.local/busybox:1', '--restart=Never', '--', 'sh', '-c', 'for i in 1 2 3; do echo line $i; sleep 0.3; done']);
      await must('wait --for=jsonpath={.status.containerStatuses[0].image} pod/counter --timeout=30s');
      await until('it has begun', async () => (await run('logs counter')).code === 0);
      expect(await must('logs -f counter')).toBe('line 1\nline 2\nline 3\n');
      expect(await must('logs counter --tail=1')).toBe('line 3\n');
      expect(await must('logs counter --timestamps')).toMatch(/^\d{4}-\d\d-\d\dT\S+Z line 1\n/);
      expect((await run('logs counter -c nope')).stderr).toContain('container nope is not valid for pod counter');
    });

    test('logs of the run before, and since a time', async () => {
      await must(['run', 'again', '--image=coracle.local/busybox:1', '--', 'sh', '-c', 'test -e /dev/shm/ran && { echo second run; sleep 1.2; echo later; sleep 3600; }; touch /dev/shm/ran; echo first run; exit 1']);
      await until('the second run has spoken', async () => (await run('logs again')).stdout.includes('later'));
      expect(await must('logs again --previous')).toBe('first run\n');
      expect(await must('logs again')).toBe('second run\nlater\n');
      const spoken = /^(\S+) later$/m.exec(await must('logs again --timestamps'))?.[1] as string;
      expect(await must(`logs again --since-time=${spoken}`)).toBe('later\n');
      expect(await must('logs again --since=1h')).toBe('second run\nlater\n');
      expect((await run('logs counter --previous')).stderr).toContain('previous terminated container "counter" in pod "counter" not found');
      await must('delete pod again --grace-period=1');
    });

    test('exec: output, input, a terminal, exit codes', async () => {
      const plain = await run(['exec', 'deploy/web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3']);
      expect([plain.code, plain.stdout]).toEqual([3, 'out\n']);
      expect(plain.stderr).toContain('err\n');
      const piped = await run(['exec', '-i', 'deploy/web', '--', 'wc', '-c'], 'x'.repeat(100_000));
      expect([piped.code, piped.stdout.trim()]).toEqual([0, '100000']);
      // `script` gives kubectl the terminal that it asks for.
      const words = ['stty cols 91 rows 31;', kubectl.path, '-n', namespace, 'exec', '-it', 'deploy/web', '--', 'sh', '-c', '"sleep 0.5; tty; stty size; exit 4"'].join(' ');
      const terminal = await cluster.net.run('script', ['-qec', words, '/dev/null'], { env: { KUBECONFIG: cluster.kubeconfig, HOME: cluster.directory } });
      expect(terminal.stdout).toMatch(/\/dev\/pts\/0\s+31 91/);
      expect(terminal.code).toBe(4);
      expect((await run(['exec', 'deploy/web', '--', 'no-such-program'])).stderr).toContain('executable file not found');
    });

    test('cp there and back', async () => {
      const pod = (await must('get pods -l app=web -o name')).split('\n')[0]?.replace('pod/', '') as string;
      const folder = join(cluster.directory, namespace);
      mkdirSync(folder);
      const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251));
      writeFileSync(join(folder, 'there'), content);
      expect((await run(['cp', join(folder, 'there'), `${pod}:/tmp/there`])).code).toBe(0);
      expect((await run(['cp', `${pod}:/tmp/there`, join(folder, 'back')])).code).toBe(0);
      expect(readFileSync(join(folder, 'back')).equals(content)).toBe(true);
    });

    test('port-forward', async () => {
      const child = cluster.net.spawn(kubectl.path, ['port-forward', '-n', namespace, 'deploy/web', '18080:8080'], { env: { KUBECONFIG: cluster.kubeconfig, HOME: cluster.directory } });
      try {
        for (let i = 0; i < 3; i++) expect(await until('the forwarded port answers', () => cluster.fetch('http://127.0.0.1:18080/'))).toBe('served\n');
      } finally {
        child.kill();
      }
    });

    test('scale, rollout status, history and undo', async () => {
      await must('scale deployment/web --replicas=3');
      await must('rollout status deployment/web --timeout=60s');
      expect(await must(['get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}'])).toBe('3');
      const wrong = await run('scale deployment/web --current-replicas=9 --replicas=1');
      expect(wrong.code).toBe(1);
      await must('set env deployment/web B=1');
      await must('rollout status deployment/web --timeout=60s');
      const revisions = (await must('rollout history deployment/web')).split('\n').filter((line) => /^\d/.test(line));
      await must('rollout undo deployment/web');
      await must('rollout status deployment/web --timeout=60s');
      expect((await must('rollout history deployment/web')).split('\n').filter((line) => /^\d/.test(line))).toHaveLength(revisions.length);
      expect(await must(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].env[*].name}'])).toBe('A');
    }, 180_000);

    test('expose makes a Service that answers', async () => {
      expect(await must('expose deployment web --port=80 --target-port=8080')).toBe('service/web exposed\n');
      const address = await must(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
      expect(await until('it answers', () => cluster.fetch(`http://${address}/`))).toBe('served\n');
    });

    test('wait, and delete that waits', async () => {
      await must('run waited --image=coracle.local/busybox:1 -- sleep 3600');
      expect(await must('wait --for=condition=Ready pod/waited --timeout=60s')).toBe('pod/waited condition met\n');
      expect(await must('delete pod waited --wait=true --grace-period=1')).toContain('pod "waited"');
      expect((await run('get pod waited')).code).toBe(1);
    }, 90_000);

    test('api-resources, api-versions, explain', async () => {
      const resources = await must('api-resources');
      expect(resources).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
      expect(resources).toMatch(/^nodes +no +v1 +false +Node$/m);
      expect(await must('api-versions')).toContain('networking.k8s.io/v1\n');
      const text = await must('explain deployment.spec.strategy.rollingUpdate.maxSurge');
      expect(text).toContain('maxSurge');
      expect(text).toMatch(/DESCRIPTION:\s+The maximum number of pods/);
    });

    test('auth can-i', async () => {
      expect(await must('auth can-i delete nodes')).toBe('yes\n');
      const other = await run('auth can-i list secrets --as=system:serviceaccount:default:default');
      expect([other.code, other.stdout]).toEqual([1, 'no\n']);
      await must('create role reader --verb=get,list --resource=secrets');
      await must(`create rolebinding reader --role=reader --serviceaccount=${namespace}:default`);
      expect(await until('the binding works', async () => {
        const { code, stdout } = await run(`auth can-i list secrets --as=system:serviceaccount:${namespace}:default`);
        return code === 0 && stdout;
      })).toBe('yes\n');
    });

    test('top shows what nodes and pods use', async () => {
      const rows = async (what: string): Promise<string[]> => {
        const { code, stdout } = await run(`top ${what} --no-headers`);
        return code === 0 ? stdout.trim().split('\n') : [];
      };
      const pods = await until('there are measurements', async () => {
        const found = await rows('pods -l app=web');
        return found.length > 0 && found;
      });
      for (const row of pods) expect(row).toMatch(/^web-\S+ +\d+m +\d+Mi/);
      expect(await rows('nodes')).toEqual([expect.stringMatching(/^\S+ +\d+m +\d+% +[1-9]\d*Mi +[1-9]\d*%/)]);
    });
  });
});
