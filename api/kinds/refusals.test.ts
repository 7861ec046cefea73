import { createErrors, kindOf } from './testing.ts';

/** Of a certificate, in base64. */
const REQUEST = 'MIHFMG4CAQAwDDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMn40hIh1hx+TIhl8cvi6/w+ApJxYWEsqbyiU6dk/M3DzQcp0Cc9cRbi+qhb6fFdwkOwsF95ao24P3+wqrLMgEegADAKBggqhkjOPQQDAgNHADBEAiASQp9aAlAljDKS0gbuqiLbWfhprSFiwZawFtadPDjXVgIgAJiSHWoHp/VM2pujpjHsDX7DnPZVvwCfXFHJ23+EtRs=';

/** One mistake each: what the kind says to it. */
const REFUSED: readonly (readonly [kind: string, group: string, object: object, errors: readonly string[]])[] = [
  ['IngressClass', 'networking.k8s.io', { spec: { controller: 'a.b/c', parameters: { kind: 'K', name: 'n', scope: 'a&b' } } }, ['spec.parameters.scope: Unsupported value: "a&b": supported values: "Cluster", "Namespace"']],
  ['NetworkPolicy', 'networking.k8s.io', { spec: { podSelector: {}, policyTypes: ['a&b'] } }, ['spec.policyTypes[0]: Unsupported value: "a\\u0026b": supported values: "Ingress", "Egress"']],
  ['NetworkPolicy', 'networking.k8s.io', { spec: { podSelector: { matchExpressions: [{ key: 'a', operator: '<' }] } } }, ['spec.podSelector.matchExpressions[0].operator: Invalid value: "\\u003c": not a valid selector operator']],
  ['DaemonSet', 'apps', { spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }, updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: '-1%' } } } }, ["spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: \"-1%\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"]],
  ['APIService', 'apiregistration.k8s.io', { metadata: { name: 'v1.a.example' }, spec: { group: 'a.example', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1, service: { name: 's', namespace: 'n', port: 443 }, insecureSkipTLSVerify: true } }, []],
  ['ConfigMap', '', { data: { 'a b': '' } }, ["data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"]],
  ['Secret', '', { type: 'kubernetes.io/ssh-auth' }, ['data[ssh-privatekey]: Required value']],
  ['Namespace', '', { metadata: { name: 'a.b' } }, ['metadata.name: Invalid value: "a.b": must not contain dots']],
  ['Role', 'rbac.authorization.k8s.io', { rules: [{ verbs: [], resources: ['pods'], apiGroups: [''] }] }, ['rules[0].verbs: Required value: verbs must contain at least one value']],
  ['RoleBinding', 'rbac.authorization.k8s.io', { subjects: [{ kind: 'Robot', name: 'r' }], roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' } }, ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"']],
  ['Ingress', 'networking.k8s.io', { spec: {} }, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
  ['Ingress', 'networking.k8s.io', { spec: { defaultBackend: { service: { name: 'web', port: {} } } } }, ['spec.defaultBackend: Required value: port name or number is required']],
  ['Ingress', 'networking.k8s.io', { spec: { rules: [{ http: { paths: [{ path: '/', pathType: '', backend: { service: { name: 'web', port: { number: 80 } } } }] } }] } }, ['spec.rules[0].http.paths[0].pathType: Unsupported value: "": supported values: "Exact", "ImplementationSpecific", "Prefix"']],
  ['Ingress', 'networking.k8s.io', { spec: { rules: [{ http: { paths: [{ path: '/', pathType: null, backend: { service: { name: 'web', port: { number: 80 } } } }] } }] } }, ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified']],
  ['Ingress', 'networking.k8s.io', { spec: { rules: [{ host: 'shop.example', http: { paths: [{ path: '/a/../b', pathType: 'Exact', backend: { service: { name: 'web', port: { number: 80 } } } }] } }] } }, ['spec.rules[0].http.paths[0].path: Invalid value: "/a/../b": must not contain \'/../\'']],
  ['NetworkPolicy', 'networking.k8s.io', { spec: { podSelector: {}, ingress: [{ from: [{}] }] } }, ['spec.ingress[0].from[0]: Required value: must specify a peer']],
  ['NetworkPolicy', 'networking.k8s.io', { spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '192.0.2.0/24', except: ['198.51.100.0/25'] } }] }] } }, ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "198.51.100.0/25": must be a strict subset of `cidr`']],
  ['NetworkPolicy', 'networking.k8s.io', { spec: { podSelector: {}, ingress: [{ ports: [{ port: 90, endPort: 80 }] }] } }, ['spec.ingress[0].ports[0].endPort: Invalid value: 90: must be greater than or equal to `port`']],
  ['HorizontalPodAutoscaler', 'autoscaling', { spec: { maxReplicas: 1, minReplicas: 2, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } } }, ['spec.maxReplicas: Invalid value: 1: must be greater than or equal to `minReplicas`']],
  ['HorizontalPodAutoscaler', 'autoscaling', { spec: { maxReplicas: 1, scaleTargetRef: { kind: 'Deployment', name: 'web' } } }, ['spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group']],
  ['PodDisruptionBudget', 'policy', { spec: { minAvailable: 1, maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } } }, ['spec: Invalid value: {"MinAvailable":1,"Selector":{"matchLabels":{"app":"web"}},"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set']],
  ['PriorityClass', 'scheduling.k8s.io', { value: 2_000_000_000 }, ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']],
  ['StorageClass', 'storage.k8s.io', { provisioner: 'disks.example', reclaimPolicy: 'Burn' }, ['reclaimPolicy: Unsupported value: "Burn": supported values: "Delete", "Retain"']],
  ['ValidatingWebhookConfiguration', 'admissionregistration.k8s.io', { webhooks: [{ name: 'hook', sideEffects: 'None', admissionReviewVersions: ['v1'], clientConfig: { url: 'https://hook.example' } }] }, ['webhooks[0].name: Invalid value: "hook": should be a domain with at least three segments separated by dots']],
  ['CertificateSigningRequest', 'certificates.k8s.io', { spec: { request: btoa(`-----BEGIN CERTIFICATE REQUEST-----\n${REQUEST}\n-----END CERTIFICATE REQUEST-----`), signerName: 'plain', usages: ['client auth'] } }, ["spec.signerName: Invalid value: \"plain\": must be a fully qualified domain and path of the form 'example.com/signer-name'"]],
  ['EndpointSlice', 'discovery.k8s.io', { addressType: 'IPv4', endpoints: [{ addresses: ['127.0.0.1'] }] }, ['endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)']],
  ['Lease', 'coordination.k8s.io', { spec: { leaseDurationSeconds: 0 } }, ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0']],
];

test.each(REFUSED.map(([kind, group, object, errors]) => [kind, JSON.stringify(object), group, object, errors] as const))('%s %s', (kind, _text, group, object, errors) => {
  expect(createErrors(kindOf(kind, group), object)).toEqual(errors);
});

test.each([
  ['ConfigMap', '', { data: { key: 'value' } }],
  ['ServiceAccount', '', {}],
  ['LimitRange', '', { spec: { limits: [{ type: 'Container', default: { cpu: '1' } }] } }],
  ['ResourceQuota', '', { spec: { hard: { pods: '3' } } }],
  ['ClusterRole', 'rbac.authorization.k8s.io', { rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] }],
  ['RuntimeClass', 'node.k8s.io', { handler: 'runc' }],
  ['IPAddress', 'networking.k8s.io', { metadata: { name: '192.0.2.1' }, spec: { parentRef: { resource: 'services', namespace: 'ns', name: 'web' } } }],
  ['CSIDriver', 'storage.k8s.io', { spec: {} }],
])('%s is fine', (kind, group, object) => {
  expect(createErrors(kindOf(kind, group), object)).toEqual([]);
});
