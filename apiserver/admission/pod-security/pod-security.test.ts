import type { ApiObject } from '../../../api/kind.ts';
import { namespaces, pods } from '../../../api/resources.ts';
import { FakeReader } from '../../auth/fake-reader.ts';
import { requestFor } from '../admit.ts';
import { podSecurity } from './pod-security.ts';

const LABEL = 'pod-security.kubernetes.io/';

function namespace(labels: Record<string, string>): ApiObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'd', labels: Object.fromEntries(Object.entries(labels).map(([mode, value]) => [LABEL + mode, value])) } };
}

/** The refusal without its head, then the warnings. */
function check(labels: Record<string, string>, what: string, object: object, old?: object): string[] {
  const plugin = podSecurity(new FakeReader().set(namespaces, namespace(labels)));
  const request = requestFor(what, object, old ? { old: old as ApiObject } : {});
  try {
    if (plugin.handles(request)) plugin.validate?.(request) as unknown;
    return request.warnings;
  } catch (error) {
    return [(error as Error).message.replace(/^.* is forbidden: violates PodSecurity /, ''), ...request.warnings];
  }
}

function pod(spec: object, container: object = {}): object {
  return { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec } };
}

const secure = { allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } };

describe('baseline', () => {
  const rows: [object, string][] = [
    [pod({}), ''],
    [pod({ hostNetwork: true }), 'host namespaces (hostNetwork=true)'],
    [pod({ hostPID: true, hostIPC: true }), 'host namespaces (hostPID=true, hostIPC=true)'],
    [pod({}, { ports: [{ containerPort: 80, hostPort: 80 }] }), 'hostPort (container "c" uses hostPort 80)'],
    [pod({ volumes: [{ name: 'h', hostPath: { path: '/x' } }] }), 'hostPath volumes (volume "h")'],
    [pod({ securityContext: { windowsOptions: { hostProcess: true } }, hostNetwork: true }), 'host namespaces (hostNetwork=true), hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)'],
    [pod({}, { livenessProbe: { httpGet: { host: '1.2.3.4', port: 80 } } }), 'probe or lifecycle host (container "c" uses probe or lifecycle host "1.2.3.4")'],
    [pod({}, { securityContext: { privileged: true } }), 'privileged (container "c" must not set securityContext.privileged=true)'],
    [pod({}, { securityContext: { capabilities: { add: ['NET_ADMIN', 'SYS_TIME', 'CHOWN'] } } }), 'non-default capabilities (container "c" must not include "NET_ADMIN", "SYS_TIME" in securityContext.capabilities.add)'],
    [pod({}, { securityContext: { procMount: 'Unmasked' } }), 'procMount (container "c" must not set securityContext.procMount to "Unmasked")'],
    [pod({ hostUsers: false }, { securityContext: { procMount: 'Unmasked' } }), ''],
    [pod({ securityContext: { seccompProfile: { type: 'Unconfined' } } }), 'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")'],
    [pod({}, { securityContext: { seccompProfile: { type: 'Unconfined' } } }), 'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")'],
    [pod({ securityContext: { seLinuxOptions: { type: 'spc_t', user: 'u', role: 'r' } } }), 'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)'],
    [pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }, { name: 'net.ipv4.tcp_syncookies', value: '1' }] } }), 'forbidden sysctls (kernel.msgmax)'],
    [pod({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }), 'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")'],
    [pod({ initContainers: [{ name: 'i', securityContext: { privileged: true } }] }, { securityContext: { privileged: true } }), 'privileged (containers "i", "c" must not set securityContext.privileged=true)'],
  ];
  test.each(rows)('%j: %s', (object, expected) => {
    expect(check({ enforce: 'baseline' }, 'pods', object)).toEqual(expected ? [`"baseline:latest": ${expected}`] : []);
  });

  test('an older version knows fewer rules', () => {
    const probe = pod({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } }, { livenessProbe: { httpGet: { host: '1.2.3.4', port: 80 } } });
    expect(check({ enforce: 'baseline', 'enforce-version': 'v1.31' }, 'pods', probe)).toEqual(['"baseline:v1.31": forbidden sysctls (net.ipv4.tcp_rmem)']);
  });
});

describe('restricted', () => {
  const rows: [object, string][] = [
    [pod({}), 'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'],
    [pod({}, { securityContext: secure }), ''],
    [pod({ securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Localhost' } } }, { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }), ''],
    [pod({ securityContext: { runAsUser: 0 } }, { securityContext: secure }), 'runAsUser=0 (pod must not set runAsUser=0)'],
    [pod({ volumes: [{ name: 'n', nfs: { server: 's', path: '/' } }] }, { securityContext: secure }), 'restricted volume types (volume "n" uses restricted volume type "nfs")'],
    [pod({ volumes: [{ name: 'h', hostPath: { path: '/' } }, { name: 's', secret: {} }] }, { securityContext: secure }), 'restricted volume types (volume "h" uses restricted volume type "hostPath")'],
    [pod({}, { securityContext: { ...secure, capabilities: { drop: ['NET_RAW'], add: ['CHOWN'] } } }), 'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include "CHOWN" in securityContext.capabilities.add)'],
    [pod({}, { securityContext: { ...secure, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } } }), ''],
    [pod({ securityContext: { runAsNonRoot: false } }, { securityContext: { ...secure, runAsNonRoot: undefined } }), 'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)'],
    [pod({ os: { name: 'windows' } }, { securityContext: { runAsNonRoot: true } }), ''],
  ];
  test.each(rows)('%j: %s', (object, expected) => {
    expect(check({ enforce: 'restricted' }, 'pods', object)).toEqual(expected ? [`"restricted:latest": ${expected}`] : []);
  });
});

test('an update is looked at only when it changes what runs', () => {
  const old = pod({ hostPID: true });
  expect(check({ enforce: 'baseline' }, 'pods', old, old)).toEqual([]);
  expect(check({ enforce: 'baseline' }, 'pods', pod({ hostPID: true }, { image: 'j' }), old)).toEqual(['"baseline:latest": host namespaces (hostPID=true)']);
  expect(check({ enforce: 'baseline' }, 'pods/ephemeralcontainers', pod({ hostPID: true, ephemeralContainers: [{ name: 'e', image: 'i' }] }), old)).toEqual(['"baseline:latest": host namespaces (hostPID=true)']);
  expect(check({ enforce: 'baseline' }, 'pods/status', pod({ hostPID: true }, { image: 'j' }), old)).toEqual([]);
});

test('workloads are warned of and never refused; a level that is enforced is warned of too', () => {
  const template = pod({ hostPID: true });
  const warning = ['would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)'];
  for (const labels of [{ warn: 'baseline' }, { enforce: 'baseline' }]) {
    expect(check(labels, 'apps/deployments', { metadata: { name: 'd' }, spec: { template } })).toEqual(warning);
  }
  expect(check({ enforce: 'baseline', warn: 'privileged' }, 'apps/deployments', { metadata: { name: 'd' }, spec: { template } })).toEqual([]);
  expect(check({ warn: 'baseline' }, 'replicationcontrollers', { metadata: { name: 'd' }, spec: { template } })).toEqual(warning);
  expect(check({ warn: 'baseline' }, 'pods', template)).toEqual(warning);
});

test('labels are checked when they change, and existing pods are warned of', async () => {
  const store = new FakeReader().set(pods, { metadata: { name: 'b', namespace: 'd' }, spec: { hostNetwork: true, containers: [] } } as never, { metadata: { name: 'a', namespace: 'd' }, spec: { hostNetwork: true, containers: [] } } as never);
  const plugin = podSecurity(store);
  const change = async (before: Record<string, string>, after: Record<string, string>): Promise<string[]> => {
    const request = requestFor('namespaces', namespace(after), { old: namespace(before), name: 'd' });
    await plugin.validate?.(request);
    return request.warnings;
  };
  expect(await change({}, { enforce: 'baseline' })).toEqual(['existing pods in namespace "d" violate the new PodSecurity enforce level "baseline:latest"', 'a (and 1 other pod): host namespaces']);
  expect(await change({ enforce: 'restricted' }, { enforce: 'baseline' })).toEqual([]);
  await expect(change({}, { enforce: 'strict', 'warn-version': '1.30' })).rejects.toThrow(
    'Namespace "d" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"]',
  );
  expect(await change({ enforce: 'strict' }, { enforce: 'strict' })).toEqual([]);
});
