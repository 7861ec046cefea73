/** Pods in real containers: our own containerd in a network namespace of its own. Needs root, containerd, runc, CNI plugins, iptables and busybox. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { CNI_PLUGIN_DIRECTORIES } from './cni.ts';
import { missingPrograms } from './runtime/containerd.ts';

const PACKAGES = 'containerd runc containernetworking-plugins iptables busybox-static';
const missing = [
  ...(await missingPrograms()),
  ...(existsSync('/bin/busybox') ? [] : ['busybox']),
  ...(CNI_PLUGIN_DIRECTORIES.some((directory) => existsSync(join(directory, 'bridge'))) ? [] : ['CNI plugins']),
  ...(process.getuid?.() === 0 ? [] : ['root']),
];
if (missing.length > 0 && process.env['CI'] === 'true') throw new Error(`this test needs ${missing.join(', ')} (Debian: apt-get install ${PACKAGES})`);
if (missing.length > 0) process.stderr.write(`containers.test.ts is skipped: it needs ${missing.join(', ')} (Debian: apt-get install ${PACKAGES})\n`);
jest.setTimeout(30_000);
const suite = missing.length > 0 ? describe.skip : describe;

const namespace = `coracle-kubelet-${process.pid}`;
let child: ChildProcess;
let asked = 0;

function ask<T>(command: string, ...args: unknown[]): Promise<T> {
  const id = ++asked;
  return new Promise((resolve, reject) => {
    const listen = (answer: { id: number; value: T; error?: string }): void => {
      if (answer.id !== id) return;
      child.off('message', listen);
      if (answer.error) reject(new Error(answer.error));
      else resolve(answer.value);
    };
    child.on('message', listen);
    child.send({ id, command, args });
  });
}

type Status = {
  readonly phase: string;
  readonly podIP: string;
  readonly containerStatuses: readonly { readonly restartCount: number; readonly containerID: string; readonly state: Record<string, Record<string, unknown>>; readonly lastState: Record<string, Record<string, unknown>> }[];
};

const sh = (script: string, more: object = {}): object => ({ name: 'app', command: ['sh', '-c', script], ...more });
/** Runs until it is asked to end, and then ends at once. */
const WAIT = 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done';

suite('pods in containers', () => {
  beforeAll(async () => {
    execFileSync('ip', ['netns', 'add', namespace]);
    execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    child = fork(join(import.meta.dirname, 'containers-world.ts'), [], { execPath: 'nsenter', execArgv: [`--net=/run/netns/${namespace}`, process.execPath] });
    await ask('begin');
  }, 60_000);

  afterAll(async () => {
    try {
      await ask('end');
    } finally {
      child.kill();
      execFileSync('ip', ['netns', 'delete', namespace]);
    }
  }, 60_000);

  test('volumes, environment, hosts, names and logs are as the pod wants them', async () => {
    await ask('configMap', 'settings', { greeting: 'hello', 'other.conf': 'x=1' });
    await ask('create', 'all', {
      hostname: 'boat',
      subdomain: 'harbour',
      hostAliases: [{ ip: '192.0.2.7', hostnames: ['lighthouse'] }],
      volumes: [
        { name: 'shared', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
        { name: 'settings', configMap: { name: 'settings', items: [{ key: 'greeting', path: 'deep/greeting', mode: 0o400 }] } },
        { name: 'self', downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
      ],
      initContainers: [{ name: 'first', command: ['sh', '-c', 'echo from init > /shared/note'], volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }],
      containers: [
        sh('cat /shared/note /settings/deep/greeting; echo; cat /self/name; echo; stat -c %a /settings/deep/greeting; echo "$A $B $IP"; cat /etc/hosts | grep -E "boat|lighthouse"; hostname; grep search /etc/resolv.conf; touch /settings/x 2>&1; id -u; echo $0 $1; ' + WAIT, {
          args: ['$(A)', '$$(A)'],
          env: [
            { name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'greeting' } } },
            { name: 'B', value: '$(A) again' },
            { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          ],
          securityContext: { runAsUser: 0 },
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }, { name: 'settings', mountPath: '/settings', readOnly: true }, { name: 'self', mountPath: '/self' }],
          resources: { limits: { memory: '64Mi', cpu: '500m' } },
        }),
      ],
    });
    const { podIP } = await ask<Status>('until', 'all', 'containerStatuses.0.ready', true);
    const expected = [
      'from init', 'hello', 'all', '400', `hello hello again ${podIP}`, `${podIP}\tboat.harbour.default.svc.cluster.local\tboat`, '192.0.2.7\tlighthouse', 'boat',
      'search default.svc.cluster.local svc.cluster.local cluster.local', 'touch: /settings/x: Read-only file system', '0', 'hello $(A)',
    ];
    expect((await ask<string>('logs', 'all', expected.length)).split('\n').map((line) => (line.startsWith('search') ? line.split(' ').slice(0, 4).join(' ') : line))).toEqual(expected);
    const limits = await ask<{ stdout: string }>('exec', 'all', ['sh', '-c', 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null'], null);
    expect(limits.stdout.trim()).toBe(String(64 * 2 ** 20));
    await ask('remove', 'all', 5);
  });

  test('a change of a config map comes into the container', async () => {
    await ask('configMap', 'news', { text: 'old' });
    await ask('create', 'reader', { volumes: [{ name: 'news', configMap: { name: 'news' } }], containers: [sh(`trap "exit 0" TERM; cat /news/text; while [ "$(cat /news/text)" = old ]; do sleep 0.05; done; cat /news/text; ${WAIT}`, { volumeMounts: [{ name: 'news', mountPath: '/news' }], readinessProbe: { periodSeconds: 1, exec: { command: ['grep', 'new', '/news/text'] } } })] });
    await ask('until', 'reader', 'containerStatuses.0.started', true);
    await ask('configMap', 'news', { text: 'new' });
    await ask('until', 'reader', 'containerStatuses.0.ready', true);
    await ask('remove', 'reader', 5);
  });

  test('exit codes, messages and restarts are told', async () => {
    await ask('create', 'fails', { containers: [sh('echo attempt; echo gone > /dev/termination-log; exit 3')] });
    const { containerStatuses: [app] } = await ask<Status>('until', 'fails', 'containerStatuses.0.state.waiting.reason', 'CrashLoopBackOff');
    expect(app).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 3, reason: 'Error', message: 'gone\n' } } });
    expect([await ask('logs', 'fails', 1), await ask('logs', 'fails', 1, true)]).toEqual(['attempt', 'attempt']);
    await ask('remove', 'fails', 5);
  });

  test('a container that takes more memory than it may is killed, and that is told', async () => {
    await ask('create', 'greedy', { restartPolicy: 'Never', containers: [sh('tail /dev/zero', { resources: { limits: { memory: '24Mi' } } })] });
    const { containerStatuses: [app] } = await ask<Status>('until', 'greedy', 'phase', 'Failed');
    expect(app?.state['terminated']).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
    await ask('remove', 'greedy', 5);
  });

  test('commands and connections go into containers', async () => {
    await ask('create', 'inside', {
      containers: [sh(`echo page > /tmp/index.html; httpd -p 80 -h /tmp; ${WAIT}`, { ports: [{ containerPort: 80, hostPort: 8099 }], readinessProbe: { periodSeconds: 1, httpGet: { port: 80, path: '/index.html' } }, livenessProbe: { periodSeconds: 1, tcpSocket: { port: 80 } } })],
    });
    const { podIP } = await ask<Status>('until', 'inside', 'containerStatuses.0.ready', true);
    expect(await ask('exec', 'inside', ['sh', '-c', 'cat; echo oops >&2; exit 7'], 'typed')).toEqual({ code: 7, stdout: 'typed', stderr: 'oops\n' });
    expect(await ask('exec', 'inside', ['sh', '-c', 'sleep 0.2; stty size'], null, true)).toMatchObject({ code: 0, stdout: '33 99\r\n' });
    expect(await ask('execFails', 'inside')).toContain('no such file or directory');
    expect(await ask('portForward', 'inside', 80, 'GET /index.html HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 OK[^]*page\n$/);
    expect(podIP).toMatch(/^10\.201\.0\./);
    expect(await ask('memory', 'inside')).toBeGreaterThan(0);
    expect(await ask<string>('rotate', 'inside')).toMatch(/^0\.log\n$/);
    await ask('remove', 'inside', 5);
  });

  test('a container whose liveness probe fails is replaced', async () => {
    await ask('create', 'ill', { terminationGracePeriodSeconds: 1, containers: [sh(`touch /tmp/well; ${WAIT}`, { livenessProbe: { periodSeconds: 1, failureThreshold: 1, exec: { command: ['test', '-e', '/tmp/well'] } } })] });
    await ask('until', 'ill', 'containerStatuses.0.ready', true);
    await ask('exec', 'ill', ['rm', '/tmp/well'], null);
    const { containerStatuses: [app] } = await ask<Status>('until', 'ill', 'containerStatuses.0.restartCount', 1);
    expect(app?.lastState['terminated']).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(await ask('events', 'Unhealthy')).toContain('Liveness probe failed: ');
    await ask('remove', 'ill', 2);
  });

  test('who ends in time is not waited for, and who does not is killed', async () => {
    const preStop = { lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo last words > /proc/1/fd/1'] } } } };
    await ask('create', 'quick', { containers: [sh(`echo up; ${WAIT}`, preStop)] });
    await ask('create', 'stubborn', { containers: [sh('trap "" TERM; while :; do sleep 1; done')] });
    await ask('until', 'quick', 'phase', 'Running');
    await ask('until', 'stubborn', 'phase', 'Running');
    const [quick, stubborn] = await Promise.all([ask<number>('remove', 'quick', 60), ask<number>('remove', 'stubborn', 2)]);
    expect(quick).toBeLessThan(30_000);
    expect(stubborn).toBeGreaterThan(1500);
  });

  test('what lacks something waits and says why', async () => {
    await ask('create', 'poor', { containers: [sh(WAIT, { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'absent', key: 'a' } } }] })] });
    await ask('create', 'bare', { containers: [{ name: 'app', image: 'coracle.local/none:1', imagePullPolicy: 'Never' }] });
    await ask('create', 'root', { containers: [sh(WAIT, { securityContext: { runAsNonRoot: true } })] });
    const reason = async (name: string, value: string): Promise<unknown> => (await ask<Status>('until', name, 'containerStatuses.0.state.waiting.reason', value)).containerStatuses[0]?.state['waiting']?.['message'];
    expect(await reason('poor', 'CreateContainerConfigError')).toBe('configmap "absent" not found');
    expect(await reason('bare', 'ErrImageNeverPull')).toBe('Container image "coracle.local/none:1" is not present with pull policy of Never');
    expect(await reason('root', 'CreateContainerConfigError')).toMatch(/^container has runAsNonRoot and image will run as root \(pod: "root_default\(.*\)", container: app\)$/);
    await ask('configMap', 'absent', { a: 'b' });
    await ask('until', 'poor', 'containerStatuses.0.ready', true);
    for (const name of ['poor', 'bare', 'root']) await ask('remove', name, 2);
  });

  test('containers outlive the kubelet and containerd, and are found again', async () => {
    await ask('create', 'steady', { containers: [sh(WAIT)] });
    await ask('until', 'steady', 'containerStatuses.0.ready', true);
    const before = await ask('containerIds');
    await ask('restartKubelet');
    expect(await ask('adopt')).toBe(true);
    expect(await ask('restartContainerd')).toBe(false);
    expect(await ask('containerIds')).toEqual(before);
    expect((await ask<Status>('status', 'steady')).containerStatuses[0]?.restartCount).toBe(0);
    await ask('remove', 'steady', 5);
  });

  test('a pod goes though the removal of its network was interrupted before', async () => {
    await ask('create', 'torn', { containers: [sh(WAIT)] });
    await ask('until', 'torn', 'containerStatuses.0.ready', true);
    await ask('unmasquerade', 'torn');
    await ask('remove', 'torn', 5);
  });

  test('nothing is left of pods that are gone', async () => {
    expect(await ask('leftovers')).toEqual({ files: '', mounts: expect.not.arrayContaining([expect.stringContaining('/k/pods')]), containers: 0, sandboxes: 0 });
  });
});
