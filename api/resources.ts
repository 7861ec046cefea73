/** One typed reference per served resource, written by tools/facts/write-types.ts from the facts table. */
import type * as admissionregistration_v1 from './types/admissionregistration.v1.ts';
import type * as apiextensions_v1 from './types/apiextensions.v1.ts';
import type * as apiregistration_v1 from './types/apiregistration.v1.ts';
import type * as apps_v1 from './types/apps.v1.ts';
import type * as authentication_v1 from './types/authentication.v1.ts';
import type * as authorization_v1 from './types/authorization.v1.ts';
import type * as autoscaling_v1 from './types/autoscaling.v1.ts';
import type * as autoscaling_v2 from './types/autoscaling.v2.ts';
import type * as batch_v1 from './types/batch.v1.ts';
import type * as certificates_v1 from './types/certificates.v1.ts';
import type * as coordination_v1 from './types/coordination.v1.ts';
import type * as core_v1 from './types/core.v1.ts';
import type * as discovery_v1 from './types/discovery.v1.ts';
import type * as events_v1 from './types/events.v1.ts';
import type * as flowcontrol_v1 from './types/flowcontrol.v1.ts';
import type * as networking_v1 from './types/networking.v1.ts';
import type * as node_v1 from './types/node.v1.ts';
import type * as policy_v1 from './types/policy.v1.ts';
import type * as rbac_v1 from './types/rbac.v1.ts';
import type * as resource_v1 from './types/resource.v1.ts';
import type * as scheduling_v1 from './types/scheduling.v1.ts';
import type * as storage_v1 from './types/storage.v1.ts';

/** Names a resource and carries the TypeScript type of its objects. */
export interface ResourceRef<T> {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Only for the compiler. */
  readonly object?: T;
}

function ref<T>(names: ResourceRef<T>): ResourceRef<T> {
  return names;
}

export const bindings = ref<core_v1.Binding>({ group: '', version: 'v1', resource: 'bindings', kind: 'Binding', namespaced: true });
export const componentstatuses = ref<core_v1.ComponentStatus>({ group: '', version: 'v1', resource: 'componentstatuses', kind: 'ComponentStatus', namespaced: false });
export const configmaps = ref<core_v1.ConfigMap>({ group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', namespaced: true });
export const endpoints = ref<core_v1.Endpoints>({ group: '', version: 'v1', resource: 'endpoints', kind: 'Endpoints', namespaced: true });
export const events = ref<core_v1.Event>({ group: '', version: 'v1', resource: 'events', kind: 'Event', namespaced: true });
export const limitranges = ref<core_v1.LimitRange>({ group: '', version: 'v1', resource: 'limitranges', kind: 'LimitRange', namespaced: true });
export const namespaces = ref<core_v1.Namespace>({ group: '', version: 'v1', resource: 'namespaces', kind: 'Namespace', namespaced: false });
export const nodes = ref<core_v1.Node>({ group: '', version: 'v1', resource: 'nodes', kind: 'Node', namespaced: false });
export const persistentvolumeclaims = ref<core_v1.PersistentVolumeClaim>({ group: '', version: 'v1', resource: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim', namespaced: true });
export const persistentvolumes = ref<core_v1.PersistentVolume>({ group: '', version: 'v1', resource: 'persistentvolumes', kind: 'PersistentVolume', namespaced: false });
export const pods = ref<core_v1.Pod>({ group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true });
export const podtemplates = ref<core_v1.PodTemplate>({ group: '', version: 'v1', resource: 'podtemplates', kind: 'PodTemplate', namespaced: true });
export const replicationcontrollers = ref<core_v1.ReplicationController>({ group: '', version: 'v1', resource: 'replicationcontrollers', kind: 'ReplicationController', namespaced: true });
export const resourcequotas = ref<core_v1.ResourceQuota>({ group: '', version: 'v1', resource: 'resourcequotas', kind: 'ResourceQuota', namespaced: true });
export const secrets = ref<core_v1.Secret>({ group: '', version: 'v1', resource: 'secrets', kind: 'Secret', namespaced: true });
export const serviceaccounts = ref<core_v1.ServiceAccount>({ group: '', version: 'v1', resource: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true });
export const services = ref<core_v1.Service>({ group: '', version: 'v1', resource: 'services', kind: 'Service', namespaced: true });
export const apiservices = ref<apiregistration_v1.APIService>({ group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices', kind: 'APIService', namespaced: false });
export const controllerrevisions = ref<apps_v1.ControllerRevision>({ group: 'apps', version: 'v1', resource: 'controllerrevisions', kind: 'ControllerRevision', namespaced: true });
export const daemonsets = ref<apps_v1.DaemonSet>({ group: 'apps', version: 'v1', resource: 'daemonsets', kind: 'DaemonSet', namespaced: true });
export const deployments = ref<apps_v1.Deployment>({ group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment', namespaced: true });
export const replicasets = ref<apps_v1.ReplicaSet>({ group: 'apps', version: 'v1', resource: 'replicasets', kind: 'ReplicaSet', namespaced: true });
export const statefulsets = ref<apps_v1.StatefulSet>({ group: 'apps', version: 'v1', resource: 'statefulsets', kind: 'StatefulSet', namespaced: true });
export const events_events_v1 = ref<events_v1.Event>({ group: 'events.k8s.io', version: 'v1', resource: 'events', kind: 'Event', namespaced: true });
export const selfsubjectreviews = ref<authentication_v1.SelfSubjectReview>({ group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews', kind: 'SelfSubjectReview', namespaced: false });
export const tokenreviews = ref<authentication_v1.TokenReview>({ group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews', kind: 'TokenReview', namespaced: false });
export const localsubjectaccessreviews = ref<authorization_v1.LocalSubjectAccessReview>({ group: 'authorization.k8s.io', version: 'v1', resource: 'localsubjectaccessreviews', kind: 'LocalSubjectAccessReview', namespaced: true });
export const selfsubjectaccessreviews = ref<authorization_v1.SelfSubjectAccessReview>({ group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview', namespaced: false });
export const selfsubjectrulesreviews = ref<authorization_v1.SelfSubjectRulesReview>({ group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectrulesreviews', kind: 'SelfSubjectRulesReview', namespaced: false });
export const subjectaccessreviews = ref<authorization_v1.SubjectAccessReview>({ group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews', kind: 'SubjectAccessReview', namespaced: false });
export const horizontalpodautoscalers = ref<autoscaling_v2.HorizontalPodAutoscaler>({ group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', namespaced: true });
export const horizontalpodautoscalers_autoscaling_v1 = ref<autoscaling_v1.HorizontalPodAutoscaler>({ group: 'autoscaling', version: 'v1', resource: 'horizontalpodautoscalers', kind: 'HorizontalPodAutoscaler', namespaced: true });
export const cronjobs = ref<batch_v1.CronJob>({ group: 'batch', version: 'v1', resource: 'cronjobs', kind: 'CronJob', namespaced: true });
export const jobs = ref<batch_v1.Job>({ group: 'batch', version: 'v1', resource: 'jobs', kind: 'Job', namespaced: true });
export const certificatesigningrequests = ref<certificates_v1.CertificateSigningRequest>({ group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests', kind: 'CertificateSigningRequest', namespaced: false });
export const ingressclasses = ref<networking_v1.IngressClass>({ group: 'networking.k8s.io', version: 'v1', resource: 'ingressclasses', kind: 'IngressClass', namespaced: false });
export const ingresses = ref<networking_v1.Ingress>({ group: 'networking.k8s.io', version: 'v1', resource: 'ingresses', kind: 'Ingress', namespaced: true });
export const ipaddresses = ref<networking_v1.IPAddress>({ group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses', kind: 'IPAddress', namespaced: false });
export const networkpolicies = ref<networking_v1.NetworkPolicy>({ group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies', kind: 'NetworkPolicy', namespaced: true });
export const servicecidrs = ref<networking_v1.ServiceCIDR>({ group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs', kind: 'ServiceCIDR', namespaced: false });
export const poddisruptionbudgets = ref<policy_v1.PodDisruptionBudget>({ group: 'policy', version: 'v1', resource: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', namespaced: true });
export const clusterrolebindings = ref<rbac_v1.ClusterRoleBinding>({ group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false });
export const clusterroles = ref<rbac_v1.ClusterRole>({ group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles', kind: 'ClusterRole', namespaced: false });
export const rolebindings = ref<rbac_v1.RoleBinding>({ group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'rolebindings', kind: 'RoleBinding', namespaced: true });
export const roles = ref<rbac_v1.Role>({ group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'roles', kind: 'Role', namespaced: true });
export const csidrivers = ref<storage_v1.CSIDriver>({ group: 'storage.k8s.io', version: 'v1', resource: 'csidrivers', kind: 'CSIDriver', namespaced: false });
export const csinodes = ref<storage_v1.CSINode>({ group: 'storage.k8s.io', version: 'v1', resource: 'csinodes', kind: 'CSINode', namespaced: false });
export const csistoragecapacities = ref<storage_v1.CSIStorageCapacity>({ group: 'storage.k8s.io', version: 'v1', resource: 'csistoragecapacities', kind: 'CSIStorageCapacity', namespaced: true });
export const storageclasses = ref<storage_v1.StorageClass>({ group: 'storage.k8s.io', version: 'v1', resource: 'storageclasses', kind: 'StorageClass', namespaced: false });
export const volumeattachments = ref<storage_v1.VolumeAttachment>({ group: 'storage.k8s.io', version: 'v1', resource: 'volumeattachments', kind: 'VolumeAttachment', namespaced: false });
export const volumeattributesclasses = ref<storage_v1.VolumeAttributesClass>({ group: 'storage.k8s.io', version: 'v1', resource: 'volumeattributesclasses', kind: 'VolumeAttributesClass', namespaced: false });
export const mutatingadmissionpolicies = ref<admissionregistration_v1.MutatingAdmissionPolicy>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingadmissionpolicies', kind: 'MutatingAdmissionPolicy', namespaced: false });
export const mutatingadmissionpolicybindings = ref<admissionregistration_v1.MutatingAdmissionPolicyBinding>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingadmissionpolicybindings', kind: 'MutatingAdmissionPolicyBinding', namespaced: false });
export const mutatingwebhookconfigurations = ref<admissionregistration_v1.MutatingWebhookConfiguration>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingwebhookconfigurations', kind: 'MutatingWebhookConfiguration', namespaced: false });
export const validatingadmissionpolicies = ref<admissionregistration_v1.ValidatingAdmissionPolicy>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicies', kind: 'ValidatingAdmissionPolicy', namespaced: false });
export const validatingadmissionpolicybindings = ref<admissionregistration_v1.ValidatingAdmissionPolicyBinding>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingadmissionpolicybindings', kind: 'ValidatingAdmissionPolicyBinding', namespaced: false });
export const validatingwebhookconfigurations = ref<admissionregistration_v1.ValidatingWebhookConfiguration>({ group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingwebhookconfigurations', kind: 'ValidatingWebhookConfiguration', namespaced: false });
export const customresourcedefinitions = ref<apiextensions_v1.CustomResourceDefinition>({ group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions', kind: 'CustomResourceDefinition', namespaced: false });
export const priorityclasses = ref<scheduling_v1.PriorityClass>({ group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses', kind: 'PriorityClass', namespaced: false });
export const leases = ref<coordination_v1.Lease>({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases', kind: 'Lease', namespaced: true });
export const runtimeclasses = ref<node_v1.RuntimeClass>({ group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses', kind: 'RuntimeClass', namespaced: false });
export const endpointslices = ref<discovery_v1.EndpointSlice>({ group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', kind: 'EndpointSlice', namespaced: true });
export const deviceclasses = ref<resource_v1.DeviceClass>({ group: 'resource.k8s.io', version: 'v1', resource: 'deviceclasses', kind: 'DeviceClass', namespaced: false });
export const resourceclaims = ref<resource_v1.ResourceClaim>({ group: 'resource.k8s.io', version: 'v1', resource: 'resourceclaims', kind: 'ResourceClaim', namespaced: true });
export const resourceclaimtemplates = ref<resource_v1.ResourceClaimTemplate>({ group: 'resource.k8s.io', version: 'v1', resource: 'resourceclaimtemplates', kind: 'ResourceClaimTemplate', namespaced: true });
export const resourceslices = ref<resource_v1.ResourceSlice>({ group: 'resource.k8s.io', version: 'v1', resource: 'resourceslices', kind: 'ResourceSlice', namespaced: false });
export const flowschemas = ref<flowcontrol_v1.FlowSchema>({ group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'flowschemas', kind: 'FlowSchema', namespaced: false });
export const prioritylevelconfigurations = ref<flowcontrol_v1.PriorityLevelConfiguration>({ group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'prioritylevelconfigurations', kind: 'PriorityLevelConfiguration', namespaced: false });
