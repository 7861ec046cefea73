/** All controllers, in the order in which they are started. */
import { attachDetachController } from './attach-detach.ts';
import { bootstrapSignerController, tokenCleanerController } from './bootstrap-tokens.ts';
import { requestApprovingController } from './certificatesigningrequest-approving.ts';
import { requestCleanerController } from './certificatesigningrequest-cleaner.ts';
import { requestSigningController, type SigningOptions } from './certificatesigningrequest-signing.ts';
import { clusterRoleAggregationController } from './clusterrole-aggregation.ts';
import type { Controller, FreeController } from './controller.ts';
import { cronJobController } from './cronjob.ts';
import { daemonSetController } from './daemonset.ts';
import { deploymentController } from './deployment.ts';
import { deviceTaintEvictionController } from './device-taint-eviction.ts';
import { disruptionController, staleDisruptionController } from './disruption.ts';
import { endpointsController } from './endpoints.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring.ts';
import { endpointSliceController, type EndpointSliceOptions } from './endpointslice.ts';
import { ephemeralVolumeController } from './ephemeral-volume.ts';
import { garbageCollector } from './garbage-collector.ts';
import { horizontalPodAutoscalerController, type AutoscalerOptions } from './horizontalpodautoscaler.ts';
import { jobController } from './job.ts';
import { legacyTokenCleaner, type LegacyTokenOptions } from './legacy-token-cleaner.ts';
import { localPathController, type LocalPathOptions } from './local-path.ts';
import { namespaceController } from './namespace.ts';
import { nodeIpamController } from './node-ipam.ts';
import { nodeLifecycleController, type NodeLifecycleOptions } from './node-lifecycle.ts';
import { nodeTtlController } from './node-ttl.ts';
import { volumeBinderController, type VolumeBinderOptions } from './persistentvolume-binder.ts';
import { podGcController, type PodGcOptions } from './pod-gc.ts';
import { replicaSetController } from './replicaset.ts';
import { replicationController } from './replicationcontroller.ts';
import { resourceClaimController } from './resource-claim.ts';
import { resourceQuotas, type ResourceQuotaOptions } from './resourcequota.ts';
import { rootCaController } from './root-ca.ts';
import { serviceLoadBalancerController } from './service-lb.ts';
import { serviceAccountController } from './serviceaccount.ts';
import { serviceAccountTokenController } from './serviceaccount-token.ts';
import { statefulSetController } from './statefulset.ts';
import { taintEvictionController } from './taint-eviction.ts';
import { ttlAfterFinishedController } from './ttl-after-finished.ts';
import { volumeExpanderController } from './volume-expander.ts';
import { attributesClassProtectionController, claimProtectionController, volumeProtectionController } from './volume-protection.ts';

export interface ControllerOptions {
  /** As in `--controllers`: names, `*` for all that are on by default, `-name` for one that is not to run. Absent: `*`. */
  readonly chosen?: readonly string[];
  /** The authority of the API server's certificate, for `kube-root-ca.crt`; absent: none is published. */
  readonly rootCa?: string;
  /** Where pod addresses come from; absent: nodes are given none. */
  readonly clusterCidr?: string;
  readonly nodeMaskSize?: number;
  /** True: every node is given pod addresses; false: none; absent: those that have a container runtime. */
  readonly allocateNodeCidrs?: boolean;
  readonly nodeLifecycle?: NodeLifecycleOptions;
  readonly podGc?: PodGcOptions;
  readonly autoscaler?: AutoscalerOptions;
  readonly volumeBinder?: VolumeBinderOptions;
  readonly localPath?: LocalPathOptions;
  /** Without an authority nobody signs. */
  readonly signing?: SigningOptions;
  readonly legacyTokens?: LegacyTokenOptions;
  readonly quota?: ResourceQuotaOptions;
  readonly endpointSlice?: EndpointSliceOptions;
  /** How many keys at a time, by the controller's name, where it differs from the default. */
  readonly workers?: Readonly<Record<string, number>>;
  /** How long changes are gathered, by the controller's name; absent: not at all. */
  readonly batchMs?: Readonly<Record<string, number>>;
}

export function controllers(options: ControllerOptions): readonly (Controller | FreeController)[] {
  const { rootCa, clusterCidr, nodeMaskSize = 24, allocateNodeCidrs, signing } = options;
  const authority = signing?.authority;
  return [
    serviceAccountController,
    serviceAccountTokenController(),
    ...(rootCa !== undefined ? [rootCaController({ caPem: rootCa })] : []),
    ...(clusterCidr && allocateNodeCidrs !== false ? [nodeIpamController({ clusterCidr, nodeMaskSize, everyNode: allocateNodeCidrs === true })] : []),
    nodeLifecycleController(options.nodeLifecycle),
    taintEvictionController(),
    deploymentController,
    replicaSetController,
    replicationController,
    daemonSetController(),
    statefulSetController,
    jobController(),
    cronJobController,
    ttlAfterFinishedController,
    horizontalPodAutoscalerController(options.autoscaler),
    endpointsController,
    endpointSliceController(options.endpointSlice),
    endpointSliceMirroringController,
    podGcController(options.podGc),
    namespaceController,
    clusterRoleAggregationController,
    ...(authority ? [requestApprovingController(authority), requestSigningController({ ...signing, authority })] : []),
    requestCleanerController,
    resourceQuotas(options.quota),
    disruptionController,
    staleDisruptionController,
    nodeTtlController(),
    volumeBinderController(options.volumeBinder),
    ephemeralVolumeController(),
    volumeExpanderController(),
    attachDetachController(),
    localPathController(options.localPath),
    serviceLoadBalancerController(),
    resourceClaimController(),
    deviceTaintEvictionController(),
    legacyTokenCleaner(options.legacyTokens),
    tokenCleanerController,
    bootstrapSignerController,
    claimProtectionController,
    volumeProtectionController,
    attributesClassProtectionController,
    garbageCollector,
  ];
}
