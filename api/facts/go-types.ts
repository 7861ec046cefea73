/**
 * Which fields have a Go type with a name of its own: what errors of decoding call them, where JSON knows only texts, lists and maps.
 *
 * By package one text: `Struct field=type field=type; Struct …`. Facts of k8s.io/api, apimachinery, apiextensions-apiserver and kube-aggregator v0.36.
 */
const NAMED: Readonly<Record<string, string>> = {
  'io.k8s.api.admission.v1':
    'AdmissionRequest uid=types.UID operation=v1.Operation; AdmissionResponse uid=types.UID patchType=v1.PatchType',
  'io.k8s.api.admission.v1beta1':
    'AdmissionRequest uid=types.UID operation=v1beta1.Operation; AdmissionResponse uid=types.UID patchType=v1beta1.PatchType',
  'io.k8s.api.admissionregistration.v1':
    'MatchResources matchPolicy=v1.MatchPolicyType; MutatingAdmissionPolicySpec failurePolicy=v1.FailurePolicyType reinvocationPolicy=v1.ReinvocationPolicyType; ' +
    'MutatingWebhook failurePolicy=v1.FailurePolicyType matchPolicy=v1.MatchPolicyType sideEffects=v1.SideEffectClass reinvocationPolicy=v1.ReinvocationPolicyType; ' +
    'Mutation patchType=v1.PatchType; ParamRef parameterNotFoundAction=v1.ParameterNotFoundActionType; Rule scope=v1.ScopeType; ' +
    'RuleWithOperations operations=[]v1.OperationType; ValidatingAdmissionPolicyBindingSpec validationActions=[]v1.ValidationAction; ' +
    'ValidatingAdmissionPolicySpec failurePolicy=v1.FailurePolicyType; ' +
    'ValidatingWebhook failurePolicy=v1.FailurePolicyType matchPolicy=v1.MatchPolicyType sideEffects=v1.SideEffectClass; Validation reason=v1.StatusReason',
  'io.k8s.api.admissionregistration.v1alpha1':
    'MatchResources matchPolicy=v1alpha1.MatchPolicyType; ' +
    'MutatingAdmissionPolicySpec failurePolicy=v1alpha1.FailurePolicyType matchConditions=[]v1alpha1.MatchCondition reinvocationPolicy=v1alpha1.ReinvocationPolicyType; ' +
    'Mutation patchType=v1alpha1.PatchType; ParamRef parameterNotFoundAction=v1alpha1.ParameterNotFoundActionType; ' +
    'ValidatingAdmissionPolicyBindingSpec validationActions=[]v1alpha1.ValidationAction; ' +
    'ValidatingAdmissionPolicySpec failurePolicy=v1alpha1.FailurePolicyType matchConditions=[]v1alpha1.MatchCondition; Validation reason=v1.StatusReason',
  'io.k8s.api.admissionregistration.v1beta1':
    'MatchResources matchPolicy=v1beta1.MatchPolicyType; ' +
    'MutatingAdmissionPolicySpec failurePolicy=v1beta1.FailurePolicyType reinvocationPolicy=v1beta1.ReinvocationPolicyType; ' +
    'MutatingWebhook rules=[]v1beta1.RuleWithOperations failurePolicy=v1beta1.FailurePolicyType matchPolicy=v1beta1.MatchPolicyType sideEffects=v1beta1.SideEffectClass reinvocationPolicy=v1beta1.ReinvocationPolicyType; ' +
    'Mutation patchType=v1beta1.PatchType; ParamRef parameterNotFoundAction=v1beta1.ParameterNotFoundActionType; ' +
    'ValidatingAdmissionPolicyBindingSpec validationActions=[]v1beta1.ValidationAction; ValidatingAdmissionPolicySpec failurePolicy=v1beta1.FailurePolicyType; ' +
    'ValidatingWebhook rules=[]v1beta1.RuleWithOperations failurePolicy=v1beta1.FailurePolicyType matchPolicy=v1beta1.MatchPolicyType sideEffects=v1beta1.SideEffectClass; ' +
    'Validation reason=v1.StatusReason',
  'io.k8s.api.apidiscovery.v2':
    'APIResourceDiscovery scope=v2.ResourceScope; APIVersionDiscovery freshness=v2.DiscoveryFreshness',
  'io.k8s.api.apidiscovery.v2beta1':
    'APIResourceDiscovery scope=v2beta1.ResourceScope; APIVersionDiscovery freshness=v2beta1.DiscoveryFreshness',
  'io.k8s.api.apiserverinternal.v1alpha1':
    'StorageVersionCondition type=v1alpha1.StorageVersionConditionType status=v1alpha1.ConditionStatus',
  'io.k8s.api.apps.v1':
    'DaemonSetCondition type=v1.DaemonSetConditionType status=v1.ConditionStatus; DaemonSetUpdateStrategy type=v1.DaemonSetUpdateStrategyType; ' +
    'DeploymentCondition type=v1.DeploymentConditionType status=v1.ConditionStatus; DeploymentStrategy type=v1.DeploymentStrategyType; ' +
    'ReplicaSetCondition type=v1.ReplicaSetConditionType status=v1.ConditionStatus; StatefulSetCondition type=v1.StatefulSetConditionType status=v1.ConditionStatus; ' +
    'StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted=v1.PersistentVolumeClaimRetentionPolicyType whenScaled=v1.PersistentVolumeClaimRetentionPolicyType; ' +
    'StatefulSetSpec podManagementPolicy=v1.PodManagementPolicyType; StatefulSetUpdateStrategy type=v1.StatefulSetUpdateStrategyType',
  'io.k8s.api.apps.v1beta1':
    'DeploymentCondition type=v1beta1.DeploymentConditionType status=v1.ConditionStatus; DeploymentStrategy type=v1beta1.DeploymentStrategyType; ' +
    'StatefulSetCondition type=v1beta1.StatefulSetConditionType status=v1.ConditionStatus; ' +
    'StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted=v1beta1.PersistentVolumeClaimRetentionPolicyType whenScaled=v1beta1.PersistentVolumeClaimRetentionPolicyType; ' +
    'StatefulSetSpec podManagementPolicy=v1beta1.PodManagementPolicyType; StatefulSetUpdateStrategy type=v1beta1.StatefulSetUpdateStrategyType',
  'io.k8s.api.apps.v1beta2':
    'DaemonSetCondition type=v1beta2.DaemonSetConditionType status=v1.ConditionStatus; DaemonSetUpdateStrategy type=v1beta2.DaemonSetUpdateStrategyType; ' +
    'DeploymentCondition type=v1beta2.DeploymentConditionType status=v1.ConditionStatus; DeploymentStrategy type=v1beta2.DeploymentStrategyType; ' +
    'ReplicaSetCondition type=v1beta2.ReplicaSetConditionType status=v1.ConditionStatus; ' +
    'StatefulSetCondition type=v1beta2.StatefulSetConditionType status=v1.ConditionStatus; ' +
    'StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted=v1beta2.PersistentVolumeClaimRetentionPolicyType whenScaled=v1beta2.PersistentVolumeClaimRetentionPolicyType; ' +
    'StatefulSetSpec podManagementPolicy=v1beta2.PodManagementPolicyType; StatefulSetUpdateStrategy type=v1beta2.StatefulSetUpdateStrategyType',
  'io.k8s.api.authentication.v1':
    'BoundObjectReference uid=types.UID; UserInfo extra=map[string]v1.ExtraValue',
  'io.k8s.api.authentication.v1beta1':
    'UserInfo extra=map[string]v1beta1.ExtraValue',
  'io.k8s.api.authorization.v1':
    'SubjectAccessReviewSpec extra=map[string]v1.ExtraValue',
  'io.k8s.api.authorization.v1beta1':
    'SubjectAccessReviewSpec extra=map[string]v1beta1.ExtraValue',
  'io.k8s.api.autoscaling.v2':
    'ContainerResourceMetricSource name=v1.ResourceName; ContainerResourceMetricStatus name=v1.ResourceName; HPAScalingPolicy type=v2.HPAScalingPolicyType; ' +
    'HPAScalingRules selectPolicy=v2.ScalingPolicySelect; HorizontalPodAutoscalerCondition type=v2.HorizontalPodAutoscalerConditionType status=v1.ConditionStatus; ' +
    'MetricSpec type=v2.MetricSourceType; MetricStatus type=v2.MetricSourceType; MetricTarget type=v2.MetricTargetType; ResourceMetricSource name=v1.ResourceName; ' +
    'ResourceMetricStatus name=v1.ResourceName',
  'io.k8s.api.batch.v1':
    'CronJobSpec concurrencyPolicy=v1.ConcurrencyPolicy; JobCondition type=v1.JobConditionType status=v1.ConditionStatus; ' +
    'JobSpec completionMode=v1.CompletionMode podReplacementPolicy=v1.PodReplacementPolicy; ' +
    'PodFailurePolicyOnExitCodesRequirement operator=v1.PodFailurePolicyOnExitCodesOperator; ' +
    'PodFailurePolicyOnPodConditionsPattern type=v1.PodConditionType status=v1.ConditionStatus; PodFailurePolicyRule action=v1.PodFailurePolicyAction; ' +
    'UncountedTerminatedPods succeeded=[]types.UID failed=[]types.UID',
  'io.k8s.api.batch.v1beta1':
    'CronJobSpec concurrencyPolicy=v1beta1.ConcurrencyPolicy',
  'io.k8s.api.certificates.v1':
    'CertificateSigningRequestCondition type=v1.RequestConditionType status=v1.ConditionStatus; ' +
    'CertificateSigningRequestSpec usages=[]v1.KeyUsage extra=map[string]v1.ExtraValue',
  'io.k8s.api.certificates.v1beta1':
    'CertificateSigningRequestCondition type=v1beta1.RequestConditionType status=v1.ConditionStatus; ' +
    'CertificateSigningRequestSpec usages=[]v1beta1.KeyUsage extra=map[string]v1beta1.ExtraValue; ' +
    'PodCertificateRequestSpec podUID=types.UID serviceAccountUID=types.UID nodeName=types.NodeName nodeUID=types.UID',
  'io.k8s.api.coordination.v1':
    'LeaseSpec strategy=v1.CoordinatedLeaseStrategy',
  'io.k8s.api.coordination.v1alpha2':
    'LeaseCandidateSpec strategy=v1.CoordinatedLeaseStrategy',
  'io.k8s.api.coordination.v1beta1':
    'LeaseCandidateSpec strategy=v1.CoordinatedLeaseStrategy; LeaseSpec strategy=v1.CoordinatedLeaseStrategy',
  'io.k8s.api.core.v1':
    'AppArmorProfile type=v1.AppArmorProfileType; AttachedVolume name=v1.UniqueVolumeName; ' +
    'AzureDiskVolumeSource cachingMode=v1.AzureDataDiskCachingMode kind=v1.AzureDataDiskKind; Capabilities add=[]v1.Capability drop=[]v1.Capability; ' +
    'ComponentCondition type=v1.ComponentConditionType status=v1.ConditionStatus; ConfigMapNodeConfigSource uid=types.UID; ' +
    'Container restartPolicy=v1.ContainerRestartPolicy terminationMessagePolicy=v1.TerminationMessagePolicy imagePullPolicy=v1.PullPolicy; ' +
    'ContainerPort protocol=v1.Protocol; ContainerResizePolicy resourceName=v1.ResourceName restartPolicy=v1.ResourceResizeRestartPolicy; ' +
    'ContainerRestartRule action=v1.ContainerRestartRuleAction; ContainerRestartRuleOnExitCodes operator=v1.ContainerRestartRuleOnExitCodesOperator; ' +
    'ContainerStatus allocatedResources=v1.ResourceList stopSignal=v1.Signal; EmptyDirVolumeSource medium=v1.StorageMedium; EndpointPort protocol=v1.Protocol; ' +
    'EphemeralContainerCommon restartPolicy=v1.ContainerRestartPolicy terminationMessagePolicy=v1.TerminationMessagePolicy imagePullPolicy=v1.PullPolicy; ' +
    'HTTPGetAction scheme=v1.URIScheme; HostPathVolumeSource type=v1.HostPathType; ImageVolumeSource pullPolicy=v1.PullPolicy; Lifecycle stopSignal=v1.Signal; ' +
    'LimitRangeItem type=v1.LimitType max=v1.ResourceList min=v1.ResourceList default=v1.ResourceList defaultRequest=v1.ResourceList maxLimitRequestRatio=v1.ResourceList; ' +
    'LoadBalancerIngress ipMode=v1.LoadBalancerIPMode; ModifyVolumeStatus status=v1.PersistentVolumeClaimModifyVolumeStatus; ' +
    'NamespaceCondition type=v1.NamespaceConditionType status=v1.ConditionStatus; NamespaceSpec finalizers=[]v1.FinalizerName; ' +
    'NamespaceStatus phase=v1.NamespacePhase; NodeAddress type=v1.NodeAddressType; ' +
    'NodeAllocatableResourceClaimStatus resources=map[v1.ResourceName]resource.Quantity; NodeCondition type=v1.NodeConditionType status=v1.ConditionStatus; ' +
    'NodeSelectorRequirement operator=v1.NodeSelectorOperator; ' +
    'NodeStatus capacity=v1.ResourceList allocatable=v1.ResourceList phase=v1.NodePhase volumesInUse=[]v1.UniqueVolumeName; ObjectReference uid=types.UID; ' +
    'PersistentVolumeClaimCondition type=v1.PersistentVolumeClaimConditionType status=v1.ConditionStatus; ' +
    'PersistentVolumeClaimSpec accessModes=[]v1.PersistentVolumeAccessMode volumeMode=v1.PersistentVolumeMode; ' +
    'PersistentVolumeClaimStatus phase=v1.PersistentVolumeClaimPhase accessModes=[]v1.PersistentVolumeAccessMode capacity=v1.ResourceList allocatedResources=v1.ResourceList allocatedResourceStatuses=map[v1.ResourceName]v1.ClaimResourceStatus; ' +
    'PersistentVolumeSpec capacity=v1.ResourceList accessModes=[]v1.PersistentVolumeAccessMode persistentVolumeReclaimPolicy=v1.PersistentVolumeReclaimPolicy volumeMode=v1.PersistentVolumeMode; ' +
    'PersistentVolumeStatus phase=v1.PersistentVolumePhase; PodCondition type=v1.PodConditionType status=v1.ConditionStatus; PodOS name=v1.OSName; ' +
    'PodReadinessGate conditionType=v1.PodConditionType; ' +
    'PodSecurityContext supplementalGroupsPolicy=v1.SupplementalGroupsPolicy fsGroupChangePolicy=v1.PodFSGroupChangePolicy seLinuxChangePolicy=v1.PodSELinuxChangePolicy; ' +
    'PodSpec restartPolicy=v1.RestartPolicy dnsPolicy=v1.DNSPolicy preemptionPolicy=v1.PreemptionPolicy overhead=v1.ResourceList; ' +
    'PodStatus phase=v1.PodPhase qosClass=v1.PodQOSClass resize=v1.PodResizeStatus allocatedResources=v1.ResourceList; PortStatus protocol=v1.Protocol; ' +
    'ReplicationControllerCondition type=v1.ReplicationControllerConditionType status=v1.ConditionStatus; ' +
    'ResourceHealth resourceID=v1.ResourceID health=v1.ResourceHealthStatus; ResourceQuotaSpec hard=v1.ResourceList scopes=[]v1.ResourceQuotaScope; ' +
    'ResourceQuotaStatus hard=v1.ResourceList used=v1.ResourceList; ResourceRequirements limits=v1.ResourceList requests=v1.ResourceList; ' +
    'ResourceStatus name=v1.ResourceName; ScopedResourceSelectorRequirement scopeName=v1.ResourceQuotaScope operator=v1.ScopeSelectorOperator; ' +
    'SeccompProfile type=v1.SeccompProfileType; Secret type=v1.SecretType; SecurityContext procMount=v1.ProcMountType; ServicePort protocol=v1.Protocol; ' +
    'ServiceSpec type=v1.ServiceType sessionAffinity=v1.ServiceAffinity externalTrafficPolicy=v1.ServiceExternalTrafficPolicy ipFamilies=[]v1.IPFamily ipFamilyPolicy=v1.IPFamilyPolicy internalTrafficPolicy=v1.ServiceInternalTrafficPolicy; ' +
    'Taint effect=v1.TaintEffect; Toleration operator=v1.TolerationOperator effect=v1.TaintEffect; ' +
    'TopologySpreadConstraint whenUnsatisfiable=v1.UnsatisfiableConstraintAction nodeAffinityPolicy=v1.NodeInclusionPolicy nodeTaintsPolicy=v1.NodeInclusionPolicy; ' +
    'VolumeMount recursiveReadOnly=v1.RecursiveReadOnlyMode mountPropagation=v1.MountPropagationMode; VolumeMountStatus recursiveReadOnly=v1.RecursiveReadOnlyMode; ' +
    'VolumeResourceRequirements limits=v1.ResourceList requests=v1.ResourceList',
  'io.k8s.api.discovery.v1':
    'EndpointPort protocol=v1.Protocol; EndpointSlice addressType=v1.AddressType',
  'io.k8s.api.discovery.v1beta1':
    'EndpointPort protocol=v1.Protocol; EndpointSlice addressType=v1beta1.AddressType',
  'io.k8s.api.extensions.v1beta1':
    'DaemonSetCondition type=v1beta1.DaemonSetConditionType status=v1.ConditionStatus; DaemonSetUpdateStrategy type=v1beta1.DaemonSetUpdateStrategyType; ' +
    'DeploymentCondition type=v1beta1.DeploymentConditionType status=v1.ConditionStatus; DeploymentStrategy type=v1beta1.DeploymentStrategyType; ' +
    'HTTPIngressPath pathType=v1beta1.PathType; IngressPortStatus protocol=v1.Protocol; NetworkPolicyPort protocol=v1.Protocol; ' +
    'NetworkPolicySpec policyTypes=[]v1beta1.PolicyType; ReplicaSetCondition type=v1beta1.ReplicaSetConditionType status=v1.ConditionStatus',
  'io.k8s.api.flowcontrol.v1':
    'FlowDistinguisherMethod type=v1.FlowDistinguisherMethodType; FlowSchemaCondition type=v1.FlowSchemaConditionType status=v1.ConditionStatus; ' +
    'LimitResponse type=v1.LimitResponseType; PriorityLevelConfigurationCondition type=v1.PriorityLevelConfigurationConditionType status=v1.ConditionStatus; ' +
    'PriorityLevelConfigurationSpec type=v1.PriorityLevelEnablement; Subject kind=v1.SubjectKind',
  'io.k8s.api.flowcontrol.v1beta1':
    'FlowDistinguisherMethod type=v1beta1.FlowDistinguisherMethodType; FlowSchemaCondition type=v1beta1.FlowSchemaConditionType status=v1beta1.ConditionStatus; ' +
    'LimitResponse type=v1beta1.LimitResponseType; ' +
    'PriorityLevelConfigurationCondition type=v1beta1.PriorityLevelConfigurationConditionType status=v1beta1.ConditionStatus; ' +
    'PriorityLevelConfigurationSpec type=v1beta1.PriorityLevelEnablement; Subject kind=v1beta1.SubjectKind',
  'io.k8s.api.flowcontrol.v1beta2':
    'FlowDistinguisherMethod type=v1beta2.FlowDistinguisherMethodType; FlowSchemaCondition type=v1beta2.FlowSchemaConditionType status=v1beta2.ConditionStatus; ' +
    'LimitResponse type=v1beta2.LimitResponseType; ' +
    'PriorityLevelConfigurationCondition type=v1beta2.PriorityLevelConfigurationConditionType status=v1beta2.ConditionStatus; ' +
    'PriorityLevelConfigurationSpec type=v1beta2.PriorityLevelEnablement; Subject kind=v1beta2.SubjectKind',
  'io.k8s.api.flowcontrol.v1beta3':
    'FlowDistinguisherMethod type=v1beta3.FlowDistinguisherMethodType; FlowSchemaCondition type=v1beta3.FlowSchemaConditionType status=v1beta3.ConditionStatus; ' +
    'LimitResponse type=v1beta3.LimitResponseType; ' +
    'PriorityLevelConfigurationCondition type=v1beta3.PriorityLevelConfigurationConditionType status=v1beta3.ConditionStatus; ' +
    'PriorityLevelConfigurationSpec type=v1beta3.PriorityLevelEnablement; Subject kind=v1beta3.SubjectKind',
  'io.k8s.api.networking.v1':
    'HTTPIngressPath pathType=v1.PathType; IngressPortStatus protocol=v1.Protocol; NetworkPolicyPort protocol=v1.Protocol; ' +
    'NetworkPolicySpec policyTypes=[]v1.PolicyType',
  'io.k8s.api.networking.v1beta1':
    'HTTPIngressPath pathType=v1beta1.PathType; IngressPortStatus protocol=v1.Protocol',
  'io.k8s.api.node.v1':
    'Overhead podFixed=v1.ResourceList',
  'io.k8s.api.node.v1alpha1':
    'Overhead podFixed=v1.ResourceList',
  'io.k8s.api.node.v1beta1':
    'Overhead podFixed=v1.ResourceList',
  'io.k8s.api.policy.v1':
    'PodDisruptionBudgetSpec unhealthyPodEvictionPolicy=v1.UnhealthyPodEvictionPolicyType',
  'io.k8s.api.policy.v1beta1':
    'PodDisruptionBudgetSpec unhealthyPodEvictionPolicy=v1beta1.UnhealthyPodEvictionPolicyType',
  'io.k8s.api.resource.v1':
    'CapacityRequirements requests=map[v1.QualifiedName]resource.Quantity; ' +
    'Device attributes=map[v1.QualifiedName]v1.DeviceAttribute capacity=map[v1.QualifiedName]v1.DeviceCapacity nodeAllocatableResourceMappings=map[v1.ResourceName]v1.NodeAllocatableResourceMapping; ' +
    'DeviceAllocationConfiguration source=v1.AllocationConfigSource; DeviceConstraint matchAttribute=v1.FullyQualifiedName distinctAttribute=v1.FullyQualifiedName; ' +
    'DeviceRequestAllocationResult shareID=types.UID consumedCapacity=map[v1.QualifiedName]resource.Quantity; ' +
    'DeviceSubRequest allocationMode=v1.DeviceAllocationMode; DeviceTaint effect=v1.DeviceTaintEffect; ' +
    'DeviceToleration operator=v1.DeviceTolerationOperator effect=v1.DeviceTaintEffect; ExactDeviceRequest allocationMode=v1.DeviceAllocationMode; ' +
    'NodeAllocatableResourceMapping capacityKey=v1.QualifiedName; ResourceClaimConsumerReference uid=types.UID',
  'io.k8s.api.resource.v1alpha3':
    'DeviceTaint effect=v1alpha3.DeviceTaintEffect',
  'io.k8s.api.resource.v1beta1':
    'BasicDevice attributes=map[v1beta1.QualifiedName]v1beta1.DeviceAttribute capacity=map[v1beta1.QualifiedName]v1beta1.DeviceCapacity nodeAllocatableResourceMappings=map[v1.ResourceName]v1beta1.NodeAllocatableResourceMapping; ' +
    'CapacityRequirements requests=map[v1beta1.QualifiedName]resource.Quantity; DeviceAllocationConfiguration source=v1beta1.AllocationConfigSource; ' +
    'DeviceConstraint matchAttribute=v1beta1.FullyQualifiedName distinctAttribute=v1beta1.FullyQualifiedName; ' +
    'DeviceRequest allocationMode=v1beta1.DeviceAllocationMode; ' +
    'DeviceRequestAllocationResult shareID=types.UID consumedCapacity=map[v1beta1.QualifiedName]resource.Quantity; ' +
    'DeviceSubRequest allocationMode=v1beta1.DeviceAllocationMode; DeviceTaint effect=v1beta1.DeviceTaintEffect; ' +
    'DeviceToleration operator=v1beta1.DeviceTolerationOperator effect=v1beta1.DeviceTaintEffect; NodeAllocatableResourceMapping capacityKey=v1beta1.QualifiedName; ' +
    'ResourceClaimConsumerReference uid=types.UID',
  'io.k8s.api.resource.v1beta2':
    'CapacityRequirements requests=map[v1beta2.QualifiedName]resource.Quantity; ' +
    'Device attributes=map[v1beta2.QualifiedName]v1beta2.DeviceAttribute capacity=map[v1beta2.QualifiedName]v1beta2.DeviceCapacity nodeAllocatableResourceMappings=map[v1.ResourceName]v1beta2.NodeAllocatableResourceMapping; ' +
    'DeviceAllocationConfiguration source=v1beta2.AllocationConfigSource; ' +
    'DeviceConstraint matchAttribute=v1beta2.FullyQualifiedName distinctAttribute=v1beta2.FullyQualifiedName; ' +
    'DeviceRequestAllocationResult shareID=types.UID consumedCapacity=map[v1beta2.QualifiedName]resource.Quantity; ' +
    'DeviceSubRequest allocationMode=v1beta2.DeviceAllocationMode; DeviceTaint effect=v1beta2.DeviceTaintEffect; ' +
    'DeviceToleration operator=v1beta2.DeviceTolerationOperator effect=v1beta2.DeviceTaintEffect; ExactDeviceRequest allocationMode=v1beta2.DeviceAllocationMode; ' +
    'NodeAllocatableResourceMapping capacityKey=v1beta2.QualifiedName; ResourceClaimConsumerReference uid=types.UID',
  'io.k8s.api.scheduling.v1':
    'PriorityClass preemptionPolicy=v1.PreemptionPolicy',
  'io.k8s.api.scheduling.v1alpha2':
    'PodGroupSpec disruptionMode=v1alpha2.DisruptionMode; PodGroupTemplate disruptionMode=v1alpha2.DisruptionMode',
  'io.k8s.api.scheduling.v1beta1':
    'PriorityClass preemptionPolicy=v1.PreemptionPolicy',
  'io.k8s.api.storage.v1':
    'CSIDriverSpec volumeLifecycleModes=[]v1.VolumeLifecycleMode fsGroupPolicy=v1.FSGroupPolicy; ' +
    'StorageClass reclaimPolicy=v1.PersistentVolumeReclaimPolicy volumeBindingMode=v1.VolumeBindingMode',
  'io.k8s.api.storage.v1beta1':
    'CSIDriverSpec volumeLifecycleModes=[]v1beta1.VolumeLifecycleMode fsGroupPolicy=v1beta1.FSGroupPolicy; ' +
    'StorageClass reclaimPolicy=v1.PersistentVolumeReclaimPolicy volumeBindingMode=v1beta1.VolumeBindingMode',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1':
    'ConversionRequest uid=types.UID; ConversionResponse uid=types.UID; CustomResourceConversion strategy=v1.ConversionStrategyType; ' +
    'CustomResourceDefinitionCondition type=v1.CustomResourceDefinitionConditionType status=v1.ConditionStatus; CustomResourceDefinitionSpec scope=v1.ResourceScope; ' +
    'JSONSchemaProps $schema=v1.JSONSchemaURL dependencies=v1.JSONSchemaDependencies definitions=v1.JSONSchemaDefinitions x-kubernetes-validations=v1.ValidationRules; ' +
    'ValidationRule reason=v1.FieldValueErrorReason',
  'io.k8s.apimachinery.pkg.apis.meta.v1':
    'APIResource verbs=v1.Verbs; Condition status=v1.ConditionStatus; DeleteOptions propagationPolicy=v1.DeletionPropagation; ' +
    'FieldSelectorRequirement operator=v1.FieldSelectorOperator; LabelSelectorRequirement operator=v1.LabelSelectorOperator; ' +
    'ListOptions resourceVersionMatch=v1.ResourceVersionMatch; ManagedFieldsEntry operation=v1.ManagedFieldsOperationType; ObjectMeta uid=types.UID; ' +
    'OwnerReference uid=types.UID; Preconditions uid=types.UID; Status reason=v1.StatusReason; StatusCause reason=v1.CauseType; StatusDetails uid=types.UID; ' +
    'TableOptions includeObject=v1.IncludeObjectPolicy; TableRowCondition type=v1.RowConditionType status=v1.ConditionStatus',
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1':
    'APIServiceCondition type=v1.APIServiceConditionType status=v1.ConditionStatus',
};

const read = new Map<string, ReadonlyMap<string, string>>();

/** The name of a field's type, `v1.RestartPolicy`, `[]v1.Capability`; undefined where it has none. Types are given in full. */
export function namedGoType(struct: string, field: string): string | undefined {
  const at = struct.lastIndexOf('.');
  const home = struct.slice(0, at);
  let known = read.get(home);
  if (!known) read.set(home, (known = readPackage(NAMED[home] ?? '')));
  return known.get(`${struct.slice(at + 1)}.${field}`);
}

function readPackage(text: string): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  for (const one of text.split('; ')) {
    const [struct, ...fields] = one.split(' ');
    for (const field of fields) {
      const at = field.indexOf('=');
      types.set(`${struct}.${field.slice(0, at)}`, field.slice(at + 1));
    }
  }
  return types;
}
