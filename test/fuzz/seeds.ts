/** Valid requests, of every sort that the server answers: what the fuzzer starts from. */

export interface Seed {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** What the body is: patches come in forms of their own. */
  readonly type?: string;
}

const NS = '/api/v1/namespaces/fuzz';
const APPS = '/apis/apps/v1/namespaces/fuzz';
const MERGE = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

const container = { name: 'c', image: 'example.org/app:1', ports: [{ containerPort: 80, name: 'http', protocol: 'TCP' }], env: [{ name: 'A', value: 'b' }], resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '1Gi' } }, readinessProbe: { httpGet: { path: '/', port: 'http' } } };
const podSpec = {
  containers: [container], volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'a' } }] } }], tolerations: [{ key: 'k', operator: 'Exists' }],
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }] } } },
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'a' } } }],
};
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [container] } };
const selector = { matchLabels: { app: 'a' } };
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', labels: { app: 'a' }, annotations: { x: 'y' } }, spec: podSpec };
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { app: 'a' }, finalizers: ['example.com/x'] }, data: { k: 'v' }, binaryData: { b: 'aGVsbG8=' } };
const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, type: 'Opaque', stringData: { k: 'v' } };
const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { selector: { app: 'a' }, type: 'NodePort', ports: [{ name: 'http', port: 80, targetPort: 'http', nodePort: 30100 }, { name: 'dns', port: 53, protocol: 'UDP' }] } };
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec: { replicas: 2, selector, template, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } } } };
const statefulSet = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'a' }, spec: { serviceName: 'a', selector, template, volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }] } };
const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a' }, spec: { completions: 2, template: { spec: { restartPolicy: 'Never', containers: [container] } }, podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [1] } }] } } };
const cronJob = { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'a' }, spec: { schedule: '*/5 * * * *', timeZone: 'Etc/UTC', jobTemplate: { spec: { template: job.spec.template } } } };
const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'a' }, spec: { defaultBackend: { resource: { kind: 'K', name: 'n' } }, rules: [{ host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }] } }] } };
const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'a' }, spec: { podSelector: selector, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/24', except: ['10.0.0.128/25'] } }], ports: [{ port: 80, endPort: 90 }] }] } };
const scaler = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'a' }, spec: { minReplicas: 1, maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' }, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }], behavior: { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }] } } } };
const oldScaler = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'b', annotations: { 'autoscaling.alpha.kubernetes.io/metrics': '[{"type":"Pods","pods":{"metricName":"x","targetAverageValue":"1"}}]' } }, spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'a' }, targetCPUUtilizationPercentage: 50 } };
const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'a' }, spec: { minAvailable: '50%', selector } };
const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard: { pods: '50', 'requests.cpu': '50', 'count/configmaps': '80' }, scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'Exists' }] } } };
const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'a' }, rules: [{ apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get', '*'] }] };
const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'a' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'a' }, subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'fuzz' }, { kind: 'User', name: 'u' }] };
const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'a' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, dataSource: { kind: 'PersistentVolumeClaim', name: 'b' } } };
const volume = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'fuzz-a' }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], csi: { driver: 'd.example.com', volumeHandle: 'h', controllerPublishSecretRef: { name: 'a', namespace: 'b' } }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] }] } } } };
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'fuzz-n' }, spec: { podCIDR: '10.9.0.0/24', taints: [{ key: 'a', effect: 'NoSchedule' }] }, status: { capacity: { cpu: '4' }, addresses: [{ type: 'InternalIP', address: '127.0.0.1' }] } };
const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'a' }, spec: { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: '2026-01-02T03:04:05.000000Z' } };
const event = { apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'a' }, eventTime: '2026-01-02T03:04:05.000000Z', reportingController: 'example.com/c', reportingInstance: 'i', action: 'A', reason: 'R', type: 'Normal', regarding: { kind: 'Pod', namespace: 'fuzz', name: 'a' }, note: 'n' };
const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'a' }, addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true }, hints: { forZones: [{ name: 'z' }] } }], ports: [{ name: 'http', port: 80 }] };
const devices = { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name: 'fuzz-a' }, spec: { driver: 'gpu.example.com', nodeName: 'n', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'g', attributes: { model: { string: 'a' } }, capacity: { memory: { value: '1Gi', requestPolicy: { default: '1Gi', validRange: { min: '1', step: '1' } } } }, allowMultipleAllocations: true }] } };
const deviceClaim = { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name: 'a' }, spec: { devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'gpu', selectors: [{ cel: { expression: 'device.driver == "x"' } }] } }], constraints: [{ requests: ['a'], matchAttribute: 'example.com/m' }] } } };
const signing = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'fuzz-a' }, spec: { signerName: 'example.com/s', usages: ['client auth'], request: 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUFBPQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K' } };
const flow = { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name: 'fuzz-a' }, spec: { priorityLevelConfiguration: { name: 'workload-low' }, matchingPrecedence: 9000, rules: [{ subjects: [{ kind: 'User', user: { name: 'nobody' } }], resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['fuzz'] }] }] } };
const webhook = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'fuzz-a' }, webhooks: [{ name: 'a.example.com', admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Ignore', clientConfig: { url: 'https://127.0.0.1:1/x' }, rules: [{ apiGroups: ['nothing.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }], matchConditions: [{ name: 'c', expression: 'object.metadata.name == "x"' }] }] };
const admission = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'fuzz-a' }, spec: { matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }] }, variables: [{ name: 'n', expression: 'size(object.metadata.name)' }], validations: [{ expression: 'variables.n < 300 && !object.metadata.name.startsWith("zzz")', messageExpression: '"no " + object.metadata.name' }] } };
const admissionBinding = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'fuzz-a' }, spec: { policyName: 'fuzz-a', validationActions: ['Warn', 'Audit'], matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'fuzz' } } } } };

export const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object', required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 0, maximum: 10, default: 1 }, name: { type: 'string', pattern: '^[a-z]+$', maxLength: 20 }, port: { 'x-kubernetes-int-or-string': true },
        list: { type: 'array', maxItems: 5, items: { type: 'object', required: ['key'], properties: { key: { type: 'string' }, value: { type: 'string', nullable: true } } }, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['key'] },
        any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, map: { type: 'object', additionalProperties: { type: 'number' } },
      },
      'x-kubernetes-validations': [{ rule: 'self.size < 9', message: 'too big' }, { rule: 'self.size >= oldSelf.size - 5' }],
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' } } },
  },
};
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'toys.fuzz.example.com' },
  spec: { group: 'fuzz.example.com', scope: 'Namespaced', names: { plural: 'toys', singular: 'toy', kind: 'Toy', shortNames: ['ty'] }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' } }, additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }], selectableFields: [{ jsonPath: '.spec.name' }] }] },
};
const toy = { apiVersion: 'fuzz.example.com/v1', kind: 'Toy', metadata: { name: 'a' }, spec: { size: 3, name: 'abc', port: '80', list: [{ key: 'a', value: 'b' }], any: { x: 1 }, map: { a: 1.5 } } };

/** What the server holds before the first case: the definition of `toys`, and one object of most kinds. */
export const FIRST: readonly Seed[] = [
  { method: 'POST', path: '/api/v1/namespaces', body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fuzz' } } },
  { method: 'POST', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', body: definition },
  { method: 'POST', path: `${NS}/serviceaccounts`, body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } } },
];

const TOYS = '/apis/fuzz.example.com/v1/namespaces/fuzz/toys';
const OBJECTS: readonly (readonly [collection: string, object: { readonly metadata: { readonly name: string } }])[] = [
  [`${NS}/pods`, pod], [`${NS}/configmaps`, configMap], [`${NS}/secrets`, secret], [`${NS}/services`, service], [`${APPS}/deployments`, deployment], [`${APPS}/statefulsets`, statefulSet],
  ['/apis/batch/v1/namespaces/fuzz/jobs', job], ['/apis/batch/v1/namespaces/fuzz/cronjobs', cronJob], ['/apis/networking.k8s.io/v1/namespaces/fuzz/ingresses', ingress],
  ['/apis/networking.k8s.io/v1/namespaces/fuzz/networkpolicies', policy], ['/apis/autoscaling/v2/namespaces/fuzz/horizontalpodautoscalers', scaler],
  ['/apis/autoscaling/v1/namespaces/fuzz/horizontalpodautoscalers', oldScaler], ['/apis/policy/v1/namespaces/fuzz/poddisruptionbudgets', budget], [`${NS}/resourcequotas`, quota],
  ['/apis/rbac.authorization.k8s.io/v1/namespaces/fuzz/roles', role], ['/apis/rbac.authorization.k8s.io/v1/namespaces/fuzz/rolebindings', binding], [`${NS}/persistentvolumeclaims`, claim],
  ['/api/v1/persistentvolumes', volume], ['/api/v1/nodes', node], ['/apis/coordination.k8s.io/v1/namespaces/fuzz/leases', lease], ['/apis/events.k8s.io/v1/namespaces/fuzz/events', event],
  ['/apis/discovery.k8s.io/v1/namespaces/fuzz/endpointslices', slice], ['/apis/resource.k8s.io/v1/resourceslices', devices], ['/apis/resource.k8s.io/v1/namespaces/fuzz/resourceclaims', deviceClaim],
  ['/apis/certificates.k8s.io/v1/certificatesigningrequests', signing], ['/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', flow],
  ['/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', webhook], ['/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies', admission],
  ['/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings', admissionBinding], ['/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition], [TOYS, toy], [TOYS, toy], [TOYS, toy],
];

export const SEEDS: readonly Seed[] = [
  ...OBJECTS.flatMap(([path, body]): Seed[] => [
    { method: 'POST', path, body },
    { method: 'POST', path, body, query: { dryRun: 'All', fieldValidation: 'Strict', fieldManager: 'fuzz' } },
    { method: 'PUT', path: `${path}/${body.metadata.name}`, body },
    { method: 'GET', path: `${path}/${body.metadata.name}` },
    { method: 'PATCH', path: `${path}/${body.metadata.name}`, type: APPLY, query: { fieldManager: 'fuzz', force: 'true' }, body },
    { method: 'PATCH', path: `${path}/${body.metadata.name}`, type: MERGE, body: { metadata: { labels: { a: 'b' } } } },
    { method: 'DELETE', path: `${path}/${body.metadata.name}`, body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', gracePeriodSeconds: 0 } },
  ]),
  { method: 'GET', path: '/api/v1/pods', query: { labelSelector: 'app in (a, b),!x', fieldSelector: 'spec.nodeName=,status.phase!=Failed', limit: '3' } },
  { method: 'GET', path: `${NS}/configmaps`, query: { limit: '2', resourceVersion: '1', resourceVersionMatch: 'NotOlderThan', continue: '' } },
  { method: 'GET', path: `${NS}/configmaps`, query: { watch: 'true', timeoutSeconds: '1', allowWatchBookmarks: 'true', sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' } },
  { method: 'GET', path: `${NS}/pods`, headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' }, query: { includeObject: 'Object' } },
  { method: 'GET', path: `${NS}/services`, headers: { accept: 'application/vnd.kubernetes.protobuf' } },
  { method: 'GET', path: '/apis/apps/v1/deployments', headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'accept-encoding': 'gzip' } },
  { method: 'GET', path: TOYS, query: { fieldSelector: 'spec.name=abc' } },
  { method: 'DELETE', path: `${NS}/configmaps`, query: { labelSelector: 'app=a', propagationPolicy: 'Orphan' } },
  { method: 'PATCH', path: `${NS}/pods/a`, type: STRATEGIC, body: { spec: { containers: [{ name: 'c', image: 'b' }, { name: 'x', $patch: 'delete' }], $setElementOrder: { containers: ['c'] }, volumes: [{ $patch: 'replace' }] }, metadata: { $deleteFromPrimitiveList: { finalizers: ['a'] }, annotations: { $retainKeys: ['x'] } } } },
  { method: 'PATCH', path: `${APPS}/deployments/a`, type: STRATEGIC, body: { spec: { template: { spec: { containers: [{ name: 'c', ports: [{ containerPort: 80, protocol: 'TCP' }] }] } } } } },
  { method: 'PATCH', path: `${NS}/configmaps/a`, type: JSON_PATCH, body: [{ op: 'test', path: '/data/k', value: 'v' }, { op: 'add', path: '/data/x~1y', value: '1' }, { op: 'move', from: '/data/k', path: '/data/z' }, { op: 'copy', from: '/metadata/labels', path: '/metadata/annotations' }, { op: 'remove', path: '/data/z' }] },
  { method: 'PATCH', path: `${NS}/services/a`, type: JSON_PATCH, body: [{ op: 'replace', path: '/spec/ports/0/port', value: 81 }, { op: 'add', path: '/spec/ports/-', value: { port: 1 } }] },
  { method: 'PATCH', path: `${TOYS}/a`, type: MERGE, body: { spec: { size: 4, list: null } } },
  { method: 'PUT', path: `${APPS}/deployments/a/scale`, body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a', namespace: 'fuzz' }, spec: { replicas: 3 } } },
  { method: 'PATCH', path: `${TOYS}/a/scale`, type: MERGE, body: { spec: { replicas: 2 } } },
  { method: 'PUT', path: `${TOYS}/a/status`, body: { ...toy, status: { replicas: 1, selector: 'a=b' } } },
  { method: 'PATCH', path: `${NS}/pods/a/status`, type: STRATEGIC, body: { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], podIPs: [{ ip: '127.0.0.1' }] } } },
  { method: 'PATCH', path: `${NS}/pods/a/resize`, type: MERGE, body: { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '200m' } } }] } } },
  { method: 'PATCH', path: `${NS}/pods/a/ephemeralcontainers`, type: STRATEGIC, body: { spec: { ephemeralContainers: [{ name: 'dbg', image: 'i', targetContainerName: 'c' }] } } },
  { method: 'POST', path: `${NS}/pods/a/binding`, body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'a' }, target: { kind: 'Node', name: 'nowhere' } } },
  { method: 'POST', path: `${NS}/pods/a/eviction`, body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a', namespace: 'fuzz' }, deleteOptions: { dryRun: ['All'] } } },
  { method: 'POST', path: `${NS}/serviceaccounts/default/token`, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['x'], expirationSeconds: 600 } } },
  { method: 'PUT', path: '/api/v1/namespaces/fuzz/finalize', body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fuzz' }, spec: { finalizers: ['kubernetes'] } } },
  { method: 'PATCH', path: '/apis/certificates.k8s.io/v1/certificatesigningrequests/fuzz-a/approval', type: MERGE, body: { status: { conditions: [{ type: 'Approved', status: 'True', reason: 'r' }] } } },
  { method: 'POST', path: '/apis/authorization.k8s.io/v1/subjectaccessreviews', body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: 'u', resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'fuzz', labelSelector: { requirements: [{ key: 'a', operator: 'In', values: ['b'] }] } } } } },
  { method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace: 'fuzz' } } },
  { method: 'POST', path: '/apis/authentication.k8s.io/v1/tokenreviews', body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'eyJhbGciOiJSUzI1NiJ9.e30.x', audiences: ['a'] } } },
  ...['/', '/api', '/apis', '/api/v1', '/apis/apps/v1', '/version', '/readyz', '/metrics', '/openapi/v2', '/openapi/v3', '/openapi/v3/apis/apps/v1', '/.well-known/openid-configuration', '/openid/v1/jwks'].map((path): Seed => ({ method: 'GET', path })),
  { method: 'GET', path: '/apis', headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', 'if-none-match': '"x"' } },
  { method: 'GET', path: `${NS}/pods/a/log`, query: { container: 'c', follow: 'false', tailLines: '5', sinceTime: '2026-01-02T03:04:05Z' } },
  ...['exec', 'attach', 'portforward'].map((verb): Seed => ({ method: 'GET', path: `${NS}/pods/a/${verb}`, query: { command: 'ls', stdout: 'true', ports: '80' }, headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-protocol': 'v5.channel.k8s.io' } })),
  { method: 'GET', path: `${NS}/services/http:a:80/proxy/x` },
  { method: 'GET', path: `${NS}/pods`, headers: { 'impersonate-user': 'u', 'impersonate-group': 'g', 'impersonate-extra-a%2fb': 'c' } },
];
