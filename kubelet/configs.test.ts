import { sandboxConfig, containerConfig } from './configs.ts';
import { parseResolvConf, podDns } from './dns.ts';
import { podOf } from './fixtures.ts';
import { hostsFile, podHostname } from './hosts-file.ts';
import type { Spec } from './pod.ts';
import { containerResources, oomScore, qosClass } from './resources.ts';
import { containerSecurity } from './security.ts';

const host = parseResolvConf('# the node\nnameserver 192.0.2.53\nsearch corp.example .\noptions edns0 timeout:2\n');
const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local', host };

describe('podDns()', () => {
  const first = { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.example'], options: ['ndots:5'] };
  const rows: Record<string, [object, object]> = {
    'ClusterFirst': [{}, first],
    'ClusterFirst in the network of the host is Default': [{ hostNetwork: true }, host],
    'ClusterFirstWithHostNet': [{ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }, first],
    'Default': [{ dnsPolicy: 'Default' }, { servers: ['192.0.2.53'], searches: ['corp.example'], options: ['edns0', 'timeout:2'] }],
    'None, with a configuration of its own': [
      { dnsPolicy: 'None', dnsConfig: { nameservers: ['192.0.2.9'], searches: ['own.example'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] } },
      { servers: ['192.0.2.9'], searches: ['own.example'], options: ['ndots:2', 'edns0'] },
    ],
    'ClusterFirst, with a configuration of its own added': [
      { dnsConfig: { nameservers: ['192.0.2.9', '10.96.0.10'], searches: ['svc.cluster.local', 'own.example'], options: [{ name: 'ndots', value: '1' }] } },
      { servers: ['10.96.0.10', '192.0.2.9'], searches: [...first.searches, 'own.example'], options: ['ndots:1'] },
    ],
  };
  test.each(Object.entries(rows))('%s', (_, [spec, expected]) => expect(podDns(podOf(spec), cluster)).toEqual(expected));
});

test('podHostname() is short, and whole where that is asked for', () => {
  const rows: [object, string, string][] = [
    [{}, 'web', 'web'],
    [{ hostname: 'boat' }, 'web', 'boat'],
    [{}, `${'a'.repeat(62)}-b`, 'a'.repeat(62)],
    [{ hostname: 'boat', subdomain: 'sea', setHostnameAsFQDN: true }, 'web', 'boat.sea.default.svc.cluster.local'],
    [{ hostnameOverride: 'other.example' }, 'web', 'other.example'],
  ];
  expect(rows.map(([spec, name]) => podHostname(podOf(spec, { name }), 'cluster.local'))).toEqual(rows.map(([, , expected]) => expected));
});

test('hostsFile() names the pod, or keeps the file of the host', () => {
  const pod = podOf({ subdomain: 'sea', hostAliases: [{ ip: '192.0.2.7', hostnames: ['a', 'b'] }] });
  const own = hostsFile({ pod, ips: ['10.0.0.5'], hostname: 'web', clusterDomain: 'cluster.local' });
  expect(own.split('\n').slice(-5)).toEqual(['10.0.0.5\tweb.sea.default.svc.cluster.local\tweb', '', '# Entries added by HostAliases.', '192.0.2.7\ta\tb', '']);
  expect(hostsFile({ pod: podOf({}), ips: [], hostname: 'web', clusterDomain: '', hostFile: '127.0.0.1 localhost\n' })).toBe('# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n');
});

describe('resources', () => {
  const spec = (limits: object = {}, requests: object = {}): Spec => ({ name: 'app', resources: { limits, requests } }) as Spec;
  const pod = (...specs: Spec[]) => podOf({ containers: specs });
  test('qosClass()', () => {
    expect([
      qosClass(pod(spec())),
      qosClass(pod(spec({}, { cpu: '1' }))),
      qosClass(pod(spec({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' }))),
      qosClass(pod(spec({ cpu: '1', memory: '1Gi' }, { cpu: '1000m', memory: '1024Mi' }))),
      qosClass(pod(spec({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' }), spec())),
      qosClass(pod(spec({ memory: '1Gi' }, { memory: '1Gi' }))),
    ]).toEqual(['BestEffort', 'Burstable', 'Guaranteed', 'Guaranteed', 'Burstable', 'Burstable']);
  });
  test('containerResources() in shares, quota and bytes', () => {
    const of = (s: Spec): object => containerResources(pod(s), s, 8 * 2 ** 30);
    expect(of(spec())).toEqual({ cpuShares: 2, oomScoreAdjust: 1000 });
    expect(of(spec({ cpu: '500m', memory: '64Mi' }, { cpu: '250m', memory: '64Mi' }))).toEqual({ cpuShares: 256, cpuPeriod: 100_000, cpuQuota: 50_000, memoryLimitBytes: 67_108_864, oomScoreAdjust: 993 });
    expect(of(spec({ cpu: '1m' }))).toMatchObject({ cpuShares: 2, cpuQuota: 1000 });
  });
  test('oomScore() by class and share of memory', () => {
    const big = spec({}, { memory: '8Gi' });
    const small = spec({}, { memory: '1Ki' });
    const guaranteed = spec({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' });
    expect([big, small, guaranteed].map((s) => oomScore(pod(s), s, 8 * 2 ** 30))).toEqual([3, 999, -997]);
  });
});

describe('containerSecurity()', () => {
  const of = (own: object, shared: object = {}, user?: { uid: number } | { name: string }) => {
    const spec = { name: 'app', securityContext: own } as Spec;
    return containerSecurity(podOf({ securityContext: shared, containers: [spec] }), spec, { id: '', tags: [], digests: [], sizeBytes: 0, user });
  };
  test('the own context wins over that of the pod', () => {
    expect(of({ runAsUser: 1 }, { runAsUser: 2, runAsGroup: 3, fsGroup: 4, supplementalGroups: [5] })).toMatchObject({ runAsUser: 1, runAsGroup: 3, supplementalGroups: [5, 4] });
    expect(of({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { add: ['A'], drop: ['ALL'] } })).toMatchObject({ noNewPrivileges: true, readOnlyRootFilesystem: true, addCapabilities: ['A'], dropCapabilities: ['ALL'] });
    expect([of({}).maskedPaths.length > 0, of({ privileged: true }).maskedPaths, of({ procMount: 'Unmasked' }).readonlyPaths]).toEqual([true, [], []]);
    expect([of({}).seccomp, of({}, { seccompProfile: { type: 'RuntimeDefault' } }).seccomp]).toEqual(['Unconfined', 'RuntimeDefault']);
  });
  test('who must not be root is not', () => {
    const where = '(pod: "web_default(u1)", container: app)';
    expect(() => of({ runAsNonRoot: true, runAsUser: 0 })).toThrow(`container's runAsUser breaks non-root policy ${where}`);
    expect(() => of({ runAsNonRoot: true })).toThrow(`container has runAsNonRoot and image will run as root ${where}`);
    expect(() => of({}, { runAsNonRoot: true }, { name: 'www' })).toThrow(`container has runAsNonRoot and image has non-numeric user (www), cannot verify user is non-root ${where}`);
    expect(of({ runAsNonRoot: true }, {}, { uid: 7 }).runAsUser).toBeUndefined();
    expect(of({ runAsNonRoot: false }, { runAsNonRoot: true }).privileged).toBe(false);
  });
});

test('sandboxConfig() and containerConfig() carry labels by which the pod is found again', () => {
  const pod = podOf({ containers: [{ name: 'app', image: 'app:1', command: ['run', '$(A)'], ports: [{ containerPort: 80, hostPort: 8080 }] }] }, { labels: { app: 'web' } });
  const sandbox = sandboxConfig({ pod, attempt: 2, logDirectory: '/logs', dns: cluster, runtimeHandler: 'kata' });
  expect(sandbox).toMatchObject({ attempt: 2, hostname: 'web', runtimeHandler: 'kata', ports: [{ protocol: 'TCP', containerPort: 80, hostPort: 8080 }] });
  expect(sandbox.labels).toEqual({ app: 'web', 'io.kubernetes.pod.name': 'web', 'io.kubernetes.pod.namespace': 'default', 'io.kubernetes.pod.uid': 'u1' });
  const config = containerConfig({ pod, spec: pod.spec.containers[0] as Spec, restartCount: 3, image: undefined, imageReference: 'app:1', environment: [{ name: 'A', value: 'x' }], mounts: [], nodeMemoryBytes: 1 });
  expect(config).toMatchObject({ attempt: 3, command: ['run', 'x'], logPath: 'app/3.log' });
});
