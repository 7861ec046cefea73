/** Which kinds have rules of their own, by `Kind` or `Kind.group`. */
import { mutatingadmissionpolicy, mutatingadmissionpolicybinding, validatingadmissionpolicy, validatingadmissionpolicybinding } from './admissionregistration/policies.ts';
import { mutatingwebhookconfiguration, validatingwebhookconfiguration } from './admissionregistration/webhooks.ts';
import { customresourcedefinition } from './apiextensions/customresourcedefinition.ts';
import { apiservice } from './apiregistration/apiservice.ts';
import { controllerrevision } from './apps/controllerrevision.ts';
import { daemonset } from './apps/daemonset.ts';
import { deployment } from './apps/deployment.ts';
import { replicaset } from './apps/replicaset.ts';
import { statefulset } from './apps/statefulset.ts';
import { horizontalpodautoscaler } from './autoscaling/horizontalpodautoscaler.ts';
import { cronjob } from './batch/cronjob.ts';
import { job } from './batch/job.ts';
import { certificatesigningrequest } from './certificates/certificatesigningrequest.ts';
import { lease } from './coordination/lease.ts';
import { componentstatus } from './core/componentstatus.ts';
import { configmap } from './core/configmap.ts';
import { endpoints } from './core/endpoints.ts';
import { event } from './core/event.ts';
import { limitrange } from './core/limitrange.ts';
import { namespace } from './core/namespace.ts';
import { node } from './core/node.ts';
import { persistentvolume } from './core/persistentvolume.ts';
import { persistentvolumeclaim } from './core/persistentvolumeclaim.ts';
import { pod } from './core/pod.ts';
import { podtemplate } from './core/podtemplate.ts';
import { replicationcontroller } from './core/replicationcontroller.ts';
import { resourcequota } from './core/resourcequota.ts';
import { secret } from './core/secret.ts';
import { service } from './core/service.ts';
import { serviceaccount } from './core/serviceaccount.ts';
import { endpointslice } from './discovery/endpointslice.ts';
import { eventsEvent } from './events/event.ts';
import { flowschema } from './flowcontrol/flowschema.ts';
import { prioritylevelconfiguration } from './flowcontrol/prioritylevelconfiguration.ts';
import type { KindRules } from './kind-rules.ts';
import { ingress } from './networking/ingress.ts';
import { networkpolicy } from './networking/networkpolicy.ts';
import { ingressclass, ipaddress, servicecidr } from './networking/others.ts';
import { runtimeclass } from './node/runtimeclass.ts';
import { poddisruptionbudget } from './policy/poddisruptionbudget.ts';
import { clusterrole } from './rbac/clusterrole.ts';
import { clusterrolebinding } from './rbac/clusterrolebinding.ts';
import { role } from './rbac/role.ts';
import { rolebinding } from './rbac/rolebinding.ts';
import { deviceclass, resourceclaim, resourceclaimtemplate, resourceslice } from './resource/kinds.ts';
import { priorityclass } from './scheduling/priorityclass.ts';
import { csidriver } from './storage/csidriver.ts';
import { csinode, csistoragecapacity, volumeattachment, volumeattributesclass } from './storage/others.ts';
import { storageclass } from './storage/storageclass.ts';

export const KIND_RULES: Readonly<Record<string, KindRules>> = {
  ComponentStatus: componentstatus,
  ConfigMap: configmap,
  Endpoints: endpoints,
  Event: event,
  LimitRange: limitrange,
  Namespace: namespace,
  Node: node,
  PersistentVolume: persistentvolume,
  PersistentVolumeClaim: persistentvolumeclaim,
  Pod: pod,
  PodTemplate: podtemplate,
  ReplicationController: replicationcontroller,
  ResourceQuota: resourcequota,
  Secret: secret,
  Service: service,
  ServiceAccount: serviceaccount,
  'MutatingAdmissionPolicy.admissionregistration.k8s.io': mutatingadmissionpolicy,
  'MutatingAdmissionPolicyBinding.admissionregistration.k8s.io': mutatingadmissionpolicybinding,
  'MutatingWebhookConfiguration.admissionregistration.k8s.io': mutatingwebhookconfiguration,
  'ValidatingAdmissionPolicy.admissionregistration.k8s.io': validatingadmissionpolicy,
  'ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io': validatingadmissionpolicybinding,
  'ValidatingWebhookConfiguration.admissionregistration.k8s.io': validatingwebhookconfiguration,
  'CustomResourceDefinition.apiextensions.k8s.io': customresourcedefinition,
  'APIService.apiregistration.k8s.io': apiservice,
  'ControllerRevision.apps': controllerrevision,
  'DaemonSet.apps': daemonset,
  'Deployment.apps': deployment,
  'ReplicaSet.apps': replicaset,
  'StatefulSet.apps': statefulset,
  'HorizontalPodAutoscaler.autoscaling': horizontalpodautoscaler,
  'CronJob.batch': cronjob,
  'Job.batch': job,
  'CertificateSigningRequest.certificates.k8s.io': certificatesigningrequest,
  'Lease.coordination.k8s.io': lease,
  'EndpointSlice.discovery.k8s.io': endpointslice,
  'Event.events.k8s.io': eventsEvent,
  'FlowSchema.flowcontrol.apiserver.k8s.io': flowschema,
  'PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io': prioritylevelconfiguration,
  'Ingress.networking.k8s.io': ingress,
  'IngressClass.networking.k8s.io': ingressclass,
  'IPAddress.networking.k8s.io': ipaddress,
  'NetworkPolicy.networking.k8s.io': networkpolicy,
  'ServiceCIDR.networking.k8s.io': servicecidr,
  'RuntimeClass.node.k8s.io': runtimeclass,
  'PodDisruptionBudget.policy': poddisruptionbudget,
  'ClusterRole.rbac.authorization.k8s.io': clusterrole,
  'ClusterRoleBinding.rbac.authorization.k8s.io': clusterrolebinding,
  'Role.rbac.authorization.k8s.io': role,
  'RoleBinding.rbac.authorization.k8s.io': rolebinding,
  'DeviceClass.resource.k8s.io': deviceclass,
  'ResourceClaim.resource.k8s.io': resourceclaim,
  'ResourceClaimTemplate.resource.k8s.io': resourceclaimtemplate,
  'ResourceSlice.resource.k8s.io': resourceslice,
  'PriorityClass.scheduling.k8s.io': priorityclass,
  'CSIDriver.storage.k8s.io': csidriver,
  'CSINode.storage.k8s.io': csinode,
  'CSIStorageCapacity.storage.k8s.io': csistoragecapacity,
  'StorageClass.storage.k8s.io': storageclass,
  'VolumeAttachment.storage.k8s.io': volumeattachment,
  'VolumeAttributesClass.storage.k8s.io': volumeattributesclass,
};
