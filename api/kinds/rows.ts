/** What discovery says of every resource that a v1.36 server serves by default, one line each, in discovery's order. */

/** `[name, verbs, group/version/Kind it speaks when not its own]`. */
export type SubresourceRow = readonly [name: string, verbs: string, speaks?: string];

/** A resource of one version. Without `verbs`: all of them. */
export interface ResourceRow {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly type: string;
  readonly namespaced: boolean;
  readonly singular?: string;
  readonly verbs?: string;
  readonly short?: string;
  readonly categories?: string;
  readonly hash?: string;
  readonly sub?: readonly SubresourceRow[];
}

/** Verbs of most resources. */
export const ALL_VERBS = 'create delete deletecollection get list patch update watch';

const STATUS: SubresourceRow = ['status', 'get patch update'];
const SCALE: SubresourceRow = ['scale', 'get patch update', 'autoscaling/v1/Scale'];

export const RESOURCE_ROWS: readonly ResourceRow[] = [
  { group: '', version: 'v1', plural: 'bindings', kind: 'Binding', type: 'io.k8s.api.core.v1.Binding', namespaced: true, verbs: 'create' },
  { group: '', version: 'v1', plural: 'componentstatuses', kind: 'ComponentStatus', type: 'io.k8s.api.core.v1.ComponentStatus', namespaced: false, verbs: 'get list', short: 'cs' },
  { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', type: 'io.k8s.api.core.v1.ConfigMap', namespaced: true, short: 'cm', hash: 'qFsyl6wFWjQ=' },
  { group: '', version: 'v1', plural: 'endpoints', kind: 'Endpoints', type: 'io.k8s.api.core.v1.Endpoints', namespaced: true, short: 'ep', hash: 'fWeeMqaN/OA=' },
  { group: '', version: 'v1', plural: 'events', kind: 'Event', type: 'io.k8s.api.core.v1.Event', namespaced: true, short: 'ev', hash: 'r2yiGXH7wu8=' },
  { group: '', version: 'v1', plural: 'limitranges', kind: 'LimitRange', type: 'io.k8s.api.core.v1.LimitRange', namespaced: true, short: 'limits', hash: 'EBKMFVe6cwo=' },
  { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', type: 'io.k8s.api.core.v1.Namespace', namespaced: false, verbs: 'create delete get list patch update watch', short: 'ns', hash: 'Q3oi5N2YM8M=', sub: [['finalize', 'update'], STATUS] },
  { group: '', version: 'v1', plural: 'nodes', kind: 'Node', type: 'io.k8s.api.core.v1.Node', namespaced: false, short: 'no', hash: 'XwShjMxG9Fs=', sub: [['proxy', 'create delete get patch update', '/v1/NodeProxyOptions'], STATUS] },
  { group: '', version: 'v1', plural: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim', type: 'io.k8s.api.core.v1.PersistentVolumeClaim', namespaced: true, short: 'pvc', hash: 'QWTyNDq0dC4=', sub: [STATUS] },
  { group: '', version: 'v1', plural: 'persistentvolumes', kind: 'PersistentVolume', type: 'io.k8s.api.core.v1.PersistentVolume', namespaced: false, short: 'pv', hash: 'HN/zwEC+JgM=', sub: [STATUS] },
  { group: '', version: 'v1', plural: 'pods', kind: 'Pod', type: 'io.k8s.api.core.v1.Pod', namespaced: true, short: 'po', categories: 'all', hash: 'xPOwRZ+Yhw8=', sub: [['attach', 'create get', '/v1/PodAttachOptions'], ['binding', 'create', '/v1/Binding'], ['ephemeralcontainers', 'get patch update'], ['eviction', 'create', 'policy/v1/Eviction'], ['exec', 'create get', '/v1/PodExecOptions'], ['log', 'get'], ['portforward', 'create get', '/v1/PodPortForwardOptions'], ['proxy', 'create delete get patch update', '/v1/PodProxyOptions'], ['resize', 'get patch update'], STATUS] },
  { group: '', version: 'v1', plural: 'podtemplates', kind: 'PodTemplate', type: 'io.k8s.api.core.v1.PodTemplate', namespaced: true, hash: 'LIXB2x4IFpk=' },
  { group: '', version: 'v1', plural: 'replicationcontrollers', kind: 'ReplicationController', type: 'io.k8s.api.core.v1.ReplicationController', namespaced: true, short: 'rc', categories: 'all', hash: 'Jond2If31h0=', sub: [SCALE, STATUS] },
  { group: '', version: 'v1', plural: 'resourcequotas', kind: 'ResourceQuota', type: 'io.k8s.api.core.v1.ResourceQuota', namespaced: true, short: 'quota', hash: '8uhSgffRX6w=', sub: [STATUS] },
  { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', type: 'io.k8s.api.core.v1.Secret', namespaced: true, hash: 'S6u1pOWzb84=' },
  { group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', type: 'io.k8s.api.core.v1.ServiceAccount', namespaced: true, short: 'sa', hash: 'pbx9ZvyFpBE=', sub: [['token', 'create', 'authentication.k8s.io/v1/TokenRequest']] },
  { group: '', version: 'v1', plural: 'services', kind: 'Service', type: 'io.k8s.api.core.v1.Service', namespaced: true, short: 'svc', categories: 'all', hash: '0/CO1lhkEBI=', sub: [['proxy', 'create delete get patch update', '/v1/ServiceProxyOptions'], STATUS] },
  { group: 'apiregistration.k8s.io', version: 'v1', plural: 'apiservices', kind: 'APIService', type: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService', namespaced: false, categories: 'api-extensions', hash: 'InPBPD7+PqM=', sub: [STATUS] },
  { group: 'apps', version: 'v1', plural: 'controllerrevisions', kind: 'ControllerRevision', type: 'io.k8s.api.apps.v1.ControllerRevision', namespaced: true, hash: '85nkx63pcBU=' },
  { group: 'apps', version: 'v1', plural: 'daemonsets', kind: 'DaemonSet', type: 'io.k8s.api.apps.v1.DaemonSet', namespaced: true, short: 'ds', categories: 'all', hash: 'dd7pWHUlMKQ=', sub: [STATUS] },
  { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', type: 'io.k8s.api.apps.v1.Deployment', namespaced: true, short: 'deploy', categories: 'all', hash: '8aSe+NMegvE=', sub: [SCALE, STATUS] },
  { group: 'apps', version: 'v1', plural: 'replicasets', kind: 'ReplicaSet', type: 'io.k8s.api.apps.v1.ReplicaSet', namespaced: true, short: 'rs', categories: 'all', hash: 'P1RzHs8/mWQ=', sub: [SCALE, STATUS] },
  { group: 'apps', version: 'v1', plural: 'statefulsets', kind: 'StatefulSet', type: 'io.k8s.api.apps.v1.StatefulSet', namespaced: true, short: 'sts', categories: 'all', hash: 'H+vl74LkKdo=', sub: [SCALE, STATUS] },
  { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', type: 'io.k8s.api.events.v1.Event', namespaced: true, short: 'ev', hash: 'r2yiGXH7wu8=' },
  { group: 'authentication.k8s.io', version: 'v1', plural: 'selfsubjectreviews', kind: 'SelfSubjectReview', type: 'io.k8s.api.authentication.v1.SelfSubjectReview', namespaced: false, verbs: 'create' },
  { group: 'authentication.k8s.io', version: 'v1', plural: 'tokenreviews', kind: 'TokenReview', type: 'io.k8s.api.authentication.v1.TokenReview', namespaced: false, verbs: 'create' },
  { group: 'authorization.k8s.io', version: 'v1', plural: 'localsubjectaccessreviews', kind: 'LocalSubjectAccessReview', type: 'io.k8s.api.authorization.v1.LocalSubjectAccessReview', namespaced: true, verbs: 'create' },
  { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview', type: 'io.k8s.api.authorization.v1.SelfSubjectAccessReview', namespaced: false, verbs: 'create' },
  { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectrulesreviews', kind: 'SelfSubjectRulesReview', type: 'io.k8s.api.authorization.v1.SelfSubjectRulesReview', namespaced: false, verbs: 'create' },
  { group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews', kind: 'SubjectAccessReview', type: 'io.k8s.api.authorization.v1.SubjectAccessReview', namespaced: false, verbs: 'create' },
  { group: 'autoscaling', version: 'v2', plural: 'horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', type: 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler', namespaced: true, short: 'hpa', categories: 'all', hash: 'qwQve8ut294=', sub: [STATUS] },
  { group: 'autoscaling', version: 'v1', plural: 'horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', type: 'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler', namespaced: true, short: 'hpa', categories: 'all', hash: 'qwQve8ut294=', sub: [STATUS] },
  { group: 'batch', version: 'v1', plural: 'cronjobs', kind: 'CronJob', type: 'io.k8s.api.batch.v1.CronJob', namespaced: true, short: 'cj', categories: 'all', hash: 'sd5LIXh4Fjs=', sub: [STATUS] },
  { group: 'batch', version: 'v1', plural: 'jobs', kind: 'Job', type: 'io.k8s.api.batch.v1.Job', namespaced: true, categories: 'all', hash: 'mudhfqk/qZY=', sub: [STATUS] },
  { group: 'certificates.k8s.io', version: 'v1', plural: 'certificatesigningrequests', kind: 'CertificateSigningRequest', type: 'io.k8s.api.certificates.v1.CertificateSigningRequest', namespaced: false, short: 'csr', hash: '95fRKMXA+00=', sub: [['approval', 'get patch update'], STATUS] },
  { group: 'networking.k8s.io', version: 'v1', plural: 'ingressclasses', kind: 'IngressClass', type: 'io.k8s.api.networking.v1.IngressClass', namespaced: false, hash: 'l/iqIbDgFyQ=' },
  { group: 'networking.k8s.io', version: 'v1', plural: 'ingresses', kind: 'Ingress', type: 'io.k8s.api.networking.v1.Ingress', namespaced: true, short: 'ing', hash: '39NQlfNR+bo=', sub: [STATUS] },
  { group: 'networking.k8s.io', version: 'v1', plural: 'ipaddresses', kind: 'IPAddress', type: 'io.k8s.api.networking.v1.IPAddress', namespaced: false, short: 'ip', hash: '3f/plJFChNE=' },
  { group: 'networking.k8s.io', version: 'v1', plural: 'networkpolicies', kind: 'NetworkPolicy', type: 'io.k8s.api.networking.v1.NetworkPolicy', namespaced: true, short: 'netpol', hash: 'YpfwF18m1G8=' },
  { group: 'networking.k8s.io', version: 'v1', plural: 'servicecidrs', kind: 'ServiceCIDR', type: 'io.k8s.api.networking.v1.ServiceCIDR', namespaced: false, hash: 'gNLvruQhW2g=', sub: [STATUS] },
  { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', type: 'io.k8s.api.policy.v1.PodDisruptionBudget', namespaced: true, short: 'pdb', hash: 'EVWiDmWqyJw=', sub: [STATUS] },
  { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterrolebindings', kind: 'ClusterRoleBinding', type: 'io.k8s.api.rbac.v1.ClusterRoleBinding', namespaced: false, hash: '48tpQ8gZHFc=' },
  { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterroles', kind: 'ClusterRole', type: 'io.k8s.api.rbac.v1.ClusterRole', namespaced: false, hash: 'bYE5ZWDrJ44=' },
  { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'rolebindings', kind: 'RoleBinding', type: 'io.k8s.api.rbac.v1.RoleBinding', namespaced: true, hash: 'eGsCzGH6b1g=' },
  { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'roles', kind: 'Role', type: 'io.k8s.api.rbac.v1.Role', namespaced: true, hash: '7FuwZcIIItM=' },
  { group: 'storage.k8s.io', version: 'v1', plural: 'csidrivers', kind: 'CSIDriver', type: 'io.k8s.api.storage.v1.CSIDriver', namespaced: false, hash: 'hL6j/rwBV5w=' },
  { group: 'storage.k8s.io', version: 'v1', plural: 'csinodes', kind: 'CSINode', type: 'io.k8s.api.storage.v1.CSINode', namespaced: false, hash: 'Pe62DkZtjuo=' },
  { group: 'storage.k8s.io', version: 'v1', plural: 'csistoragecapacities', kind: 'CSIStorageCapacity', type: 'io.k8s.api.storage.v1.CSIStorageCapacity', namespaced: true, hash: 'xeVl+2Ly1kE=' },
  { group: 'storage.k8s.io', version: 'v1', plural: 'storageclasses', kind: 'StorageClass', type: 'io.k8s.api.storage.v1.StorageClass', namespaced: false, short: 'sc', hash: 'K+m6uJwbjGY=' },
  { group: 'storage.k8s.io', version: 'v1', plural: 'volumeattachments', kind: 'VolumeAttachment', type: 'io.k8s.api.storage.v1.VolumeAttachment', namespaced: false, hash: 'tJx/ezt6UDU=', sub: [STATUS] },
  { group: 'storage.k8s.io', version: 'v1', plural: 'volumeattributesclasses', kind: 'VolumeAttributesClass', type: 'io.k8s.api.storage.v1.VolumeAttributesClass', namespaced: false, short: 'vac', hash: 'tIjydgKBC5w=' },
  { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'mutatingadmissionpolicies', kind: 'MutatingAdmissionPolicy', type: 'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy', namespaced: false, categories: 'api-extensions', hash: 'LYmCf+UMVdg=' },
  { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'mutatingadmissionpolicybindings', kind: 'MutatingAdmissionPolicyBinding', type: 'io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding', namespaced: false, categories: 'api-extensions', hash: '90V5FRZZ3Zg=' },
  { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'mutatingwebhookconfigurations', kind: 'MutatingWebhookConfiguration', type: 'io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration', namespaced: false, categories: 'api-extensions', hash: 'Sqi0GUgDaX0=' },
  { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'validatingadmissionpolicies', kind: 'ValidatingAdmissionPolicy', type: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy', namespaced: false, categories: 'api-extensions', hash: '6OxvlMmQ6is=', sub: [STATUS] },
  { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'validatingadmissionpolicybindings', kind: 'ValidatingAdmissionPolicyBinding', type: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding', namespaced: false, categories: 'api-extensions', hash: 'v9715VZqakg=' },
  { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'validatingwebhookconfigurations', kind: 'ValidatingWebhookConfiguration', type: 'io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration', namespaced: false, categories: 'api-extensions', hash: 'B0wHjQmsGNk=' },
  { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions', kind: 'CustomResourceDefinition', type: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition', namespaced: false, short: 'crd crds', categories: 'api-extensions', hash: 'jfWCUB31mvA=', sub: [STATUS] },
  { group: 'scheduling.k8s.io', version: 'v1', plural: 'priorityclasses', kind: 'PriorityClass', type: 'io.k8s.api.scheduling.v1.PriorityClass', namespaced: false, short: 'pc', hash: '1QwjyaZjj3Y=' },
  { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', type: 'io.k8s.api.coordination.v1.Lease', namespaced: true, hash: 'gqkMMb/YqFM=' },
  { group: 'node.k8s.io', version: 'v1', plural: 'runtimeclasses', kind: 'RuntimeClass', type: 'io.k8s.api.node.v1.RuntimeClass', namespaced: false, hash: 'WQTu1GL3T2Q=' },
  { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', kind: 'EndpointSlice', type: 'io.k8s.api.discovery.v1.EndpointSlice', namespaced: true, hash: 'qgS0xkrxYAI=' },
  { group: 'resource.k8s.io', version: 'v1', plural: 'deviceclasses', kind: 'DeviceClass', type: 'io.k8s.api.resource.v1.DeviceClass', namespaced: false, hash: 'Yk2PTc1Ybxk=' },
  { group: 'resource.k8s.io', version: 'v1', plural: 'resourceclaims', kind: 'ResourceClaim', type: 'io.k8s.api.resource.v1.ResourceClaim', namespaced: true, hash: 'wgAZaHcZxUg=', sub: [STATUS] },
  { group: 'resource.k8s.io', version: 'v1', plural: 'resourceclaimtemplates', kind: 'ResourceClaimTemplate', type: 'io.k8s.api.resource.v1.ResourceClaimTemplate', namespaced: true, hash: 'TuzjC49aUfM=' },
  { group: 'resource.k8s.io', version: 'v1', plural: 'resourceslices', kind: 'ResourceSlice', type: 'io.k8s.api.resource.v1.ResourceSlice', namespaced: false, hash: 'KsC072WgaEY=' },
  { group: 'flowcontrol.apiserver.k8s.io', version: 'v1', plural: 'flowschemas', kind: 'FlowSchema', type: 'io.k8s.api.flowcontrol.v1.FlowSchema', namespaced: false, hash: 'GJVAJZSZBIw=', sub: [STATUS] },
  { group: 'flowcontrol.apiserver.k8s.io', version: 'v1', plural: 'prioritylevelconfigurations', kind: 'PriorityLevelConfiguration', type: 'io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration', namespaced: false, hash: 'Kir5PVfvNeI=', sub: [STATUS] },
];
