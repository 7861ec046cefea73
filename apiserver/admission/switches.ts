/** Which admission plugins are on, by the names that kube-apiserver's flags give them. Pure. Provenance: kubeapiserver/options/plugins.go of v1.36. */

/** On without being asked for. NodeRestriction is off upstream until a flag says otherwise; here kubelets are always held to it. */
const ON = [
  'NamespaceLifecycle', 'LimitRanger', 'ServiceAccount', 'NodeRestriction', 'TaintNodesByCondition', 'PodSecurity', 'Priority', 'DefaultTolerationSeconds', 'DefaultStorageClass',
  'StorageObjectInUseProtection', 'PersistentVolumeClaimResize', 'RuntimeClass', 'CertificateApproval', 'CertificateSigning', 'CertificateSubjectRestriction', 'DefaultIngressClass',
  'PodTopologyLabels', 'PodResizeValidator', 'MutatingAdmissionPolicy', 'MutatingAdmissionWebhook', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionWebhook', 'ResourceQuota',
];
/** Nothing is left to do for them: they let everything through, or serve APIs that are off. */
const IDLE = ['AlwaysAdmit', 'ClusterTrustBundleAttest', 'PodGroupProtection', 'PodGroupWorkloadExists', 'NodeDeclaredFeatureValidator', 'JobValidation'];
const MISSING = [
  'AlwaysDeny', 'AlwaysPullImages', 'DenyServiceExternalIPs', 'EventRateLimit', 'ExtendedResourceToleration', 'ImagePolicyWebhook', 'LimitPodHardAntiAffinityTopology', 'NamespaceAutoProvision',
  'NamespaceExists', 'OwnerReferencesPermissionEnforcement', 'PodNodeSelector', 'PodTolerationRestriction',
];

export interface AdmissionSwitches {
  readonly enable: readonly string[];
  readonly disable: readonly string[];
}

/** The names of those that are off. Throws a sentence, in upstream's words where upstream refuses as well. */
export function pluginsOff({ enable, disable }: AdmissionSwitches): readonly string[] {
  for (const [flag, names] of [['enable', enable], ['disable', disable]] as const) {
    const unknown = names.find((name) => !ON.includes(name) && !IDLE.includes(name) && !MISSING.includes(name));
    if (unknown !== undefined) throw new Error(`${flag}-admission-plugins plugin ${JSON.stringify(unknown)} is unknown`);
  }
  const both = [...new Set(enable)].filter((name) => disable.includes(name)).sort();
  if (both.length > 0) throw new Error(`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`);
  const missing = enable.find((name) => MISSING.includes(name));
  if (missing !== undefined) throw new Error(`--enable-admission-plugins: ${missing} is not supported`);
  return disable;
}
