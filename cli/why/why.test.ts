import type { Deployment, ReplicaSet } from '../../api/types/apps.v1.ts';
import type { Container, ContainerStatus, Node, NodeSpec, Pod, PodSpec, PodStatus, Service, ServiceSpec } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import { type Finding, linesOf } from './finding.ts';
import type { Picture } from './picture.ts';
import { whyPod } from './pod.ts';
import { whyService } from './service.ts';
import { whyDeployment } from './workload.ts';

const meta = (name: string, more: object = {}): Stored<object>['metadata'] => ({ name, namespace: 'd', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...more });

function node(name: string, { cpu = '2', labels = {}, ready = true, ...spec }: NodeSpec & { cpu?: string; labels?: Record<string, string>; ready?: boolean } = {}): Stored<Node> {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'Unknown', message: ready ? '' : 'Kubelet stopped posting node status.' }];
  return { metadata: { ...meta(name), labels: { 'kubernetes.io/hostname': name, ...labels } }, spec, status: { allocatable: { cpu, memory: '4Gi', pods: '110' }, conditions } } as Stored<Node>;
}

interface PodInput extends Partial<PodSpec> {
  readonly labels?: Record<string, string>;
  readonly cpu?: string;
  readonly container?: Partial<Container>;
  readonly status?: PodStatus;
  readonly owner?: string;
  readonly more?: object;
}

function pod(name: string, { labels, cpu = '100m', container, status, owner, more, ...spec }: PodInput = {}): Stored<Pod> {
  const ownerReferences = owner && [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }];
  return {
    metadata: meta(name, { ...(labels && { labels }), ...(ownerReferences && { ownerReferences }), ...more }),
    spec: { containers: [{ name: 'app', image: 'shop:1', resources: { requests: { cpu } }, ...container }], ...spec },
    ...(status && { status }),
  } as Stored<Pod>;
}

const ready: PodStatus = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };

function state(one: Partial<ContainerStatus>): PodStatus {
  return { phase: 'Pending', conditions: [{ type: 'Ready', status: 'False' }], containerStatuses: [{ name: 'app', image: 'shop:1', imageID: '', ready: false, restartCount: 0, ...one }] };
}

function picture(more: Partial<Record<keyof Picture, unknown>> = {}): Picture {
  const none = { pods: [], namespaces: [], volumes: [], classes: [], budgets: [], claims: [], events: [], services: [], slices: [], policies: [], deployments: [], replicaSets: [], statefulSets: [], replicationControllers: [], quotas: [] };
  return { now: Date.UTC(2026, 0, 1), namespace: 'd', nodes: [node('n1'), node('n2')], configMaps: new Set(), secrets: new Set(), ...none, ...more } as Picture;
}

const event = (about: string, reason: string, message: string): object => ({ metadata: meta(`${about}.1`), involvedObject: { uid: about }, type: 'Warning', reason, message });
const text = (finding: Finding): string => linesOf([finding]).join('\n');

describe('why a pod', () => {
  const on = { nodeName: 'n1' };
  const rows: [string, Stored<Pod>, Partial<Record<keyof Picture, unknown>>, string[]][] = [
    ['is held back', pod('a', { schedulingGates: [{ name: 'x/wait' }] }), {}, ['Pod a is not to be placed yet: scheduling gates hold it back (x/wait).', '  → whoever set x/wait takes it off spec.schedulingGates when the pod may start']],
    ['waits for another scheduler', pod('a', { schedulerName: 'mine' }), {}, ['Pod a waits for a scheduler called mine, which has not looked at it.', '  → start that scheduler, or leave spec.schedulerName out for default-scheduler']],
    ['meets no nodes', pod('a'), { nodes: [] }, ['Pod a is not placed: the cluster has no nodes.', '  → add a node']],
    ['will be placed', pod('a', { nodeSelector: { 'kubernetes.io/hostname': 'n2' } }), {}, ['Pod a has no node yet, but n2 would take it now: the scheduler will come to it.']],
    [
      'asks for more than there is',
      pod('a', { cpu: '3' }),
      { pods: [pod('b', { cpu: '500m', nodeName: 'n1' }), pod('c', { cpu: '1', nodeName: 'n2' })] },
      ['Pod a fits on none of 2 nodes:', '  2 nodes (n1 and n2): too little cpu: the pod asks for 3, at most 1500m is free; even an empty one has only 2.', '  → asking for at most 1500m cpu it would go to n1'],
    ],
    [
      'meets a closed and a tainted node',
      pod('a'),
      { nodes: [node('n1', { unschedulable: true }), node('n2', { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] })] },
      [
        'Pod a fits on none of 2 nodes:',
        '  1 node (n1): closed for new pods.',
        '    → kubectl uncordon n1',
        '  1 node (n2): tainted with dedicated=db:NoSchedule, which the pod does not tolerate.',
        '    → give the pod a toleration of dedicated=db:NoSchedule, or take the taint away: kubectl taint node n2 dedicated=db:NoSchedule-',
      ],
    ],
    ['wants a label that no node has', pod('a', { nodeSelector: { disk: 'fast' } }), { nodes: [node('n1')] }, ['Pod a fits on none of 1 node:', "  1 node (n1): not what the pod's node selector or affinity asks for (disk=fast).", '  → without its node selector and required node affinity it would go to n1']],
    [
      'keeps away from its own kind',
      pod('a', { labels: { app: 'db' }, affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } }] } } }),
      { nodes: [node('n1')], pods: [pod('b', { labels: { app: 'db' }, nodeName: 'n1' })] },
      ['Pod a fits on none of 1 node:', "  1 node (n1): didn't match pod anti-affinity rules.", '  → without its required anti-affinity to other pods it would go to n1'],
    ],
    ['needs a claim that is not there', pod('a', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] }), {}, ['Pod a fits nowhere: persistentvolumeclaim "data" not found.']],
    [
      'is worth an eviction',
      pod('a', { cpu: '2', priority: 10 }),
      { nodes: [node('n1')], pods: [pod('b', { cpu: '1', nodeName: 'n1' })] },
      ['Pod a fits on none of 1 node:', '  1 node (n1): too little cpu: the pod asks for 2, at most 1 is free.', '  → asking for at most 1 cpu it would go to n1', '  → the scheduler makes room on n1 by evicting d/b, which is less important'],
    ],
    [
      'cannot have its image',
      pod('a', { ...on, status: state({ state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "shop:1"' } } }) }),
      {},
      ['Pod a is on node n1 and is not ready:', '  container app: its image shop:1 cannot be had: Back-off pulling image "shop:1"', '    → see that the name is right and the registry has it, then: kubectl set image pod/a app=NAME'],
    ],
    [
      'lacks its configuration',
      pod('a', { ...on, container: { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'settings', key: 'x' } } }] }, status: state({ state: { waiting: { reason: 'CreateContainerConfigError', message: 'configmap "settings" not found' } } }) }),
      {},
      ['Pod a is on node n1 and is not ready:', '  container app cannot be made: configmap "settings" not found', '    → create ConfigMap settings in namespace d'],
    ],
    [
      'crashes',
      pod('a', { ...on, status: state({ restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 127, reason: 'Error' } } }) }),
      {},
      ['Pod a is on node n1 and is not ready:', '  container app ends with exit code 127 (its command was not found), restarted 4 times', '    → read what it said: kubectl logs a -c app --previous -n d'],
    ],
    [
      'used too much memory',
      pod('a', { ...on, status: state({ restartCount: 1, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }) }),
      {},
      ['Pod a is on node n1 and is not ready:', '  container app used more memory than its limit and was killed, restarted 1 time', '    → raise resources.limits.memory of the container, or have it use less', '    → read what it said: kubectl logs a -c app --previous -n d'],
    ],
    [
      'fails its probe',
      pod('a', { ...on, container: { readinessProbe: { httpGet: { path: '/up', port: 80 } } }, status: state({ started: true, state: { running: {} } }) }),
      { events: [event('a', 'Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503')] },
      [
        'Pod a is on node n1 and is not ready:',
        '  container app runs, but its readiness probe (GET /up on port 80) does not succeed: Readiness probe failed: HTTP probe failed with statuscode: 503',
        "    → make the program answer the probe, or correct the probe's path, port or times (initialDelaySeconds, timeoutSeconds, failureThreshold)",
      ],
    ],
    ['is on a silent node', pod('a', on), { nodes: [node('n1', { ready: false })] }, ['Pod a is on node n1, which is not ready: Kubelet stopped posting node status.', '  → look at the node: kubectl describe node n1']],
    ['waits for a readiness gate', pod('a', { ...on, readinessGates: [{ conditionType: 'x/ready' }], status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } }), {}, ['Pod a is on node n1 and is not ready:', '  readiness gate x/ready is not True', '    → whoever is to set the condition x/ready of the pod does so']],
    [
      'cannot mount',
      pod('a', { ...on, volumes: [{ name: 'v', secret: { secretName: 'key' } }], status: { phase: 'Pending' } }),
      { events: [event('a', 'FailedMount', 'MountVolume.SetUp failed for volume "v" : secret "key" not found')] },
      ['Pod a is starting on node n1: FailedMount: MountVolume.SetUp failed for volume "v" : secret "key" not found', '  → create Secret key in namespace d'],
    ],
    ['cannot go', pod('a', { ...on, more: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x/hold'] } }), {}, ['Pod a is being deleted, and x/hold must let it go.', '  → whoever set x/hold removes it from metadata.finalizers when its work is done']],
    ['is fine', pod('a', { ...on, status: ready }), {}, ['Pod a runs on node n1 and is ready.']],
  ];
  test.each(rows)('%s', (_, one, more, lines) => {
    expect(text(whyPod(picture(more), one))).toBe(lines.join('\n'));
  });
});

describe('why a Deployment', () => {
  const deployment = (spec: object = {}, status: object = {}): Stored<Deployment> => ({ metadata: meta('web'), spec: { replicas: 2, ...spec }, status }) as unknown as Stored<Deployment>;
  const set = (status: object): Stored<ReplicaSet> => ({ metadata: meta('web-1', { ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'web', controller: true }] }), spec: { replicas: 2 }, status }) as unknown as Stored<ReplicaSet>;
  const failure = (message: string): Stored<ReplicaSet> => set({ replicas: 0, conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }] });
  const quota = { metadata: meta('small'), status: { hard: { pods: '3' }, used: { pods: '3' } } };
  const rows: [string, Stored<Deployment>, Partial<Record<keyof Picture, unknown>>, string[]][] = [
    ['runs nothing on purpose', deployment({ replicas: 0 }), {}, ['Deployment web runs no pods because it is told to: spec.replicas is 0.', '  → kubectl scale deployment web -n d --replicas=1']],
    [
      'is stopped by a quota',
      deployment(),
      { quotas: [quota], replicaSets: [failure('pods "web-1-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3')] },
      [
        'Deployment web has 0 of 2 pods ready, none is there:',
        '  its pods are refused: pods "web-1-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3',
        '    → raise the quota (kubectl edit quota small -n d; used are pods: 3 of 3), delete what is not needed, or ask for less',
      ],
    ],
    [
      'is refused for what a quota wants to know',
      deployment(),
      { quotas: [quota], replicaSets: [failure('pods "web-1-x" is forbidden: failed quota: small: must specify limits.cpu for: app')] },
      ['Deployment web has 0 of 2 pods ready, none is there:', '  its pods are refused: pods "web-1-x" is forbidden: failed quota: small: must specify limits.cpu for: app', '    → give every container limits.cpu'],
    ],
    [
      'is told so by an event only',
      deployment(),
      { replicaSets: [set({ replicas: 0 })], events: [event('web-1', 'FailedCreate', 'Error creating: pods "web-1-" is forbidden: error looking up service account d/robot: serviceaccount "robot" not found')] },
      ['Deployment web has 0 of 2 pods ready, none is there:', '  its pods are refused: pods "web-1-" is forbidden: error looking up service account d/robot: serviceaccount "robot" not found', '    → create the ServiceAccount, or correct spec.template.spec.serviceAccountName'],
    ],
    [
      'has pods that all suffer from the same',
      deployment({}, { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] }),
      { nodes: [node('n1')], replicaSets: [set({ replicas: 2 })], pods: ['p', 'q'].map((name) => pod(name, { owner: 'web-1', nodeSelector: { disk: 'fast' } })) },
      [
        'Deployment web has 0 of 2 pods ready:',
        '  its rollout made no progress for 600 s',
        '    → go back to what ran before: kubectl rollout undo deployment/web -n d',
        '  Pod p (and 1 more like it) fits on none of 1 node:',
        "    1 node (n1): not what the pod's node selector or affinity asks for (disk=fast).",
        '    → without its node selector and required node affinity it would go to n1',
      ],
    ],
    ['is fine', deployment({ replicas: 1 }), { replicaSets: [set({ replicas: 1 })], pods: [pod('p', { owner: 'web-1', nodeName: 'n1', status: ready })] }, ['Deployment web has all 1 pod ready.']],
  ];
  test.each(rows)('%s', (_, one, more, lines) => {
    expect(text(whyDeployment(picture(more), one))).toBe(lines.join('\n'));
  });
});

describe('why a Service', () => {
  const service = (spec: Partial<ServiceSpec>): Stored<Service> => ({ metadata: meta('web'), spec: { ports: [{ port: 80 }], ...spec } }) as Stored<Service>;
  const slice = (...isReady: boolean[]): object => ({ metadata: meta('web-1', { labels: { 'kubernetes.io/service-name': 'web' } }), endpoints: isReady.map((one) => ({ conditions: { ready: one } })) });
  const web = (more: PodInput = {}): Stored<Pod> => pod('p', { labels: { app: 'web', tier: 'front' }, nodeName: 'n1', status: ready, ...more });
  const rows: [string, Stored<Service>, Partial<Record<keyof Picture, unknown>>, string[]][] = [
    ['selects nothing', service({ selector: { app: 'web', tier: 'back' } }), { pods: [web()] }, ['Service web leads nowhere: no pod in its namespace has the labels of its selector (app=web,tier=back).', '  → pod p comes closest: it has tier=front instead of tier=back; correct spec.selector, or the labels of the pods']],
    ['meets no pods at all', service({ selector: { app: 'web' } }), {}, ['Service web leads nowhere: no pod in its namespace has the labels of its selector (app=web).', '  → run pods with these labels: there are none in the namespace']],
    ['has no selector and no endpoints', service({}), {}, ['Service web leads nowhere: it has no selector, and nobody has written endpoints for it.', '  → give it a selector, or create an EndpointSlice with the label kubernetes.io/service-name=web']],
    ['has no pod that is ready', service({ selector: { app: 'web' } }), { pods: [web({ status: state({ state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1 } } }) })] }, ['Service web has no endpoints that are ready: none of the 1 pod that it selects is.', '  Pod p is on node n1 and is not ready:', '    container app ends with exit code 1', '      → read what it said: kubectl logs p -c app --previous -n d']],
    [
      'leads to a port that has no such name',
      service({ selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] }),
      { pods: [web({ container: { ports: [{ name: 'http', containerPort: 8080 }] } })], slices: [slice(true)] },
      ['Service web leads to 1 endpoint that is ready, but:', '  port http leads to a port called web, which none of its pods has (they have http)', '    → kubectl edit service web -n d: set targetPort to a port that the containers have, or name that port web'],
    ],
    ['leads to a number nobody mentions', service({ selector: { app: 'web' } }), { pods: [web({ container: { ports: [{ containerPort: 8080 }] } })], slices: [slice(true)] }, ['Service web leads to 1 endpoint that is ready, but:', '  port 80 leads to 80, and the containers say that they listen on 8080', '    → unless they listen on 80 all the same, set targetPort to one of these']],
    ['is behind a policy', service({ selector: { app: 'web' } }), { pods: [web()], slices: [slice(true)], policies: [{ metadata: meta('closed'), spec: { podSelector: {} } }] }, ['Service web leads to 1 endpoint that is ready, but:', '  NetworkPolicy closed lets only some reach its pods', '    → see that the policy allows where you come from']],
    ['is fine', service({ selector: { app: 'web' } }), { pods: [web()], slices: [slice(true)] }, ["Service web leads to 1 endpoint that is ready; nothing in the cluster's objects keeps it from being reached."]],
  ];
  test.each(rows)('%s', (_, one, more, lines) => {
    expect(text(whyService(picture(more), one))).toBe(lines.join('\n'));
  });
});
