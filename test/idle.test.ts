import { createCluster, type Cluster } from '../cluster/cluster.ts';
import { events } from '../api/resources.ts';
import { builtinResources, resourceText } from '../controllers/served.ts';

/** What the clock itself moves: heartbeats, and events, which are looked at on their own. */
const MOVING = new Set(['leases.coordination.k8s.io', 'nodes', 'events']);

/** Objects that nothing good can come of. */
const ODD = `
apiVersion: v1
kind: Namespace
metadata: {name: strict, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Namespace
metadata: {name: small}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: q, namespace: small}
spec: {hard: {pods: "2"}}
---
# More than the quota lets through.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: small}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "web:1"}]}}
---
# A template that admission refuses.
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: refused, namespace: strict}
spec:
  serviceName: x
  replicas: 2
  selector: {matchLabels: {app: r}}
  template: {metadata: {labels: {app: r}}, spec: {containers: [{name: c, image: "r:1", securityContext: {privileged: true}}]}}
---
# A webhook that nobody answers.
apiVersion: v1
kind: Namespace
metadata: {name: hooked, labels: {hooked: "yes"}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: dead}
webhooks:
- name: dead.example.com
  clientConfig: {url: "https://127.0.0.1:1/"}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  namespaceSelector: {matchLabels: {hooked: "yes"}}
  failurePolicy: Fail
  sideEffects: None
  admissionReviewVersions: [v1]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: hooked}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "web:1"}]}}
---
# A selector that nothing can match, and a Service that selects nothing.
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: nowhere, namespace: default}
spec:
  selector: {matchLabels: {app: none-there}}
  template: {metadata: {labels: {app: none-there}}, spec: {nodeSelector: {there: is-none}, containers: [{name: c, image: "n:1"}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: impossible, namespace: default}
spec: {minAvailable: 3, selector: {matchExpressions: [{key: a, operator: Exists}, {key: a, operator: DoesNotExist}]}}
---
# Autoscalers of something without a scale, of nothing, and without metrics.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: of-daemons, namespace: default}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: DaemonSet, name: nowhere}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: of-nothing, namespace: default}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: example.com/v1, kind: Boat, name: x}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: blind, namespace: small}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: External, external: {metric: {name: jobs}, target: {type: Value, value: "1"}}}]
---
# Claims of no class, of one that is not there, and of one that waits for ever.
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: classless, namespace: default}
spec: {storageClassName: "", accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: unknown, namespace: default}
spec: {storageClassName: gone, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shared, namespace: default}
spec: {storageClassName: local-path, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: waiting, namespace: default}
spec: {containers: [{name: c, image: "x:1"}], volumes: [{name: v, persistentVolumeClaim: {claimName: shared}}]}
---
# Owners that own each other, and one that is not there.
apiVersion: v1
kind: ConfigMap
metadata: {name: chicken, namespace: default}
---
apiVersion: v1
kind: Service
metadata: {name: balanced, namespace: default}
spec: {type: LoadBalancer, selector: {app: none}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: same-port, namespace: default}
spec: {type: LoadBalancer, selector: {app: none}, ports: [{port: 80}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: never, namespace: default}
spec: {schedule: "0 0 30 2 *", timeZone: Europe/Berlin, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "x:1"}]}}}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: refused, namespace: strict}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "x:1", securityContext: {privileged: true}}]}}}
---
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: foreign}
spec: {signerName: example.com/own, usages: [client auth], request: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIYU1JR0JBZ0VBTUI4eERUQUxCZ05WQkFvTUJIUmxZVzB4RGpBTUJnTlZCQU1NQlhKdlltOTBNRmt3RXdZSApLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFM2pEdTBwK1dzZUdNc0JsOWFDRE82cTU2dVk1NWZmQnhYQmdRCmQxMDRpMmprcGgvQkxad2N0NHozQ3drWUJBNVhSSm9OZzV5aFJhdVc1UGdWNlF1NFBhQUFNQW9HQ0NxR1NNNDkKQkFNQ0EwZ0FNRVVDSUdVK2tUUEtES0RaNC85SUR6MGtGNkVTcjEzUGF4UXIwMXhqd3d0TE1LcGFBaUVBaFRORwp1cm8wR2VoR2M4VWpVUUh1Q0h3UlZ0Y0ROWTIzanRiRmJaVlJSMms9Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=}
`;

/** `resource namespace/name` → resource version. */
async function versions({ client }: Cluster): Promise<Map<string, string>> {
  const lists = await Promise.all(
    builtinResources.filter((resource) => !MOVING.has(resourceText(resource))).map(async (resource) => {
      const { items } = await client.list(resource);
      return items.map(({ metadata }) => [`${resourceText(resource)} ${metadata.namespace ?? ''}/${metadata.name}`, metadata.resourceVersion] as const);
    }),
  );
  return new Map(lists.flat());
}

/** What was said of whom, and how often. */
async function said({ client }: Cluster): Promise<Map<string, number>> {
  const { items } = await client.list(events);
  const counts = new Map<string, number>();
  for (const { involvedObject, reason, count = 1 } of items) {
    const what = `${involvedObject.kind} ${involvedObject.namespace}/${involvedObject.name} ${reason}`;
    counts.set(what, (counts.get(what) ?? 0) + count);
  }
  return counts;
}

/** In twenty minutes, after half an hour of failing: the pauses are a quarter of an hour by then. */
const RETRIES = 4;
/** A Job's pauses are a minute at most. */
const JOB_RETRIES = 20;

function allowed(what: string): number {
  if (/^Job .*FailedCreate/.test(what)) return JOB_RETRIES;
  return /FailedCreate|FailedScheduling/.test(what) ? RETRIES : 0;
}

function more(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): [string, number][] {
  return [...after].map(([what, count]): [string, number] => [what, count - (before.get(what) ?? 0)]).filter(([, times]) => times > 0);
}

function differences<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): string[] {
  return [...after].filter(([key, value]) => before.get(key) !== value).map(([key, value]) => `${key}: ${String(before.get(key))} → ${String(value)}`);
}

test('in a cluster of odd objects nothing is written while nothing changes', async () => {
  const problems: string[] = [];
  const log = { info() {}, warn: (fields: object, message: string) => problems.push(`${message} ${JSON.stringify(fields)}`), error: (fields: object, message: string) => problems.push(`${message} ${JSON.stringify(fields)}`) };
  await using cluster = await createCluster({ seed: 1, nodes: 2, log });
  await cluster.apply(ODD);
  const [chicken] = await cluster.apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'egg', namespace: 'default' } }]);
  await cluster.apply([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'chicken', namespace: 'default', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'egg', uid: chicken?.metadata.uid }] } },
  ]);
  const hen = await cluster.client.call({ verb: 'get', group: '', version: 'v1', resource: 'configmaps', namespace: 'default', name: 'chicken' }) as { metadata: { uid: string } };
  await cluster.apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'egg', namespace: 'default', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'chicken', uid: hen.metadata.uid }] } }]);
  // Deadlines pass, retries space out.
  await cluster.clock.advance('35m');
  await cluster.settled();
  const before = await versions(cluster);
  const heard = await said(cluster);
  await cluster.clock.advance('20m');
  await cluster.settled();
  // Who waits for a claim says where it is to go, and every ten minutes, when that has led to nothing, no longer; as upstream's do.
  expect(differences(before, await versions(cluster)).filter((line) => !line.startsWith('pods default/waiting:'))).toEqual([]);
  // Those whose creations are refused try again, ever more rarely, and say so; as upstream's do.
  const again = more(heard, await said(cluster)).filter(([what, times]) => times > allowed(what));
  expect(again).toEqual([]);
  expect(problems.filter((line) => /has stopped|forbidden: User/.test(line))).toEqual([]);
}, 120_000);
