/**
 * The admission plugins that are on by default, in the order in which they run. Provenance: kubeapiserver/options/plugins.go of v1.36.
 *
 * Of its list, ClusterTrustBundleAttest, PodGroupProtection, PodGroupWorkloadExists and JobValidation serve APIs that are off
 * by default; NodeDeclaredFeatureValidator is not there.
 */
import type { Clock } from '../../std/clock.ts';
import type { Meter } from '../../std/meter.ts';
import type { Random } from '../../std/random.ts';
import type { ClusterAuthorizer } from '../auth/authorizer.ts';
import type { Reader, Writer } from '../auth/reader.ts';
import type { AdmissionPlugin } from './admission.ts';
import { certificateApproval, certificateRequester, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import { claimResize } from './claim-resize.ts';
import { defaultIngressClass } from './default-ingress-class.ts';
import { defaultStorageClass } from './default-storage-class.ts';
import { defaultTolerations } from './default-tolerations.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podSecurity } from './pod-security/pod-security.ts';
import { podResize } from './pod-resize.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './quota/resource-quota.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccountAdmission } from './service-account.ts';
import { storageProtection } from './storage-protection.ts';
import { taintNodes } from './taint-nodes.ts';

export interface AdmissionDependencies {
  readonly reader: Reader;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly random: Random;
  readonly authorizer: ClusterAuthorizer;
  /** Policies and webhooks: they see what the built-in plugins have made of the object, and quota comes after them. */
  readonly dynamic?: readonly AdmissionPlugin[];
  readonly meter?: Meter;
}

export function builtinPlugins({ reader, writer, clock, random, authorizer, dynamic = [], meter }: AdmissionDependencies): AdmissionPlugin[] {
  return [
    namespaceLifecycle({ reader, clock }),
    limitRanger(reader),
    serviceAccountAdmission({ reader, clock, random }),
    nodeRestriction(reader, authorizer),
    taintNodes,
    podSecurity(reader, meter),
    priority(reader),
    defaultTolerations,
    defaultStorageClass(reader),
    storageProtection,
    claimResize(reader),
    runtimeClass(reader),
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    certificateSubjectRestriction,
    defaultIngressClass(reader),
    podTopologyLabels(reader),
    podResize(reader),
    ...dynamic,
    resourceQuota({ reader, writer }),
    // Not admission upstream, but between mutation and validation there too.
    certificateRequester,
    rbacEscalation(authorizer),
  ];
}
