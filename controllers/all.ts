/** All controllers, in the order in which they are started. */
import { clusterRoleAggregationController } from './clusterrole-aggregation.ts';
import type { Controller, FreeController } from './controller.ts';
import { cronJobController } from './cronjob.ts';
import { daemonSetController } from './daemonset.ts';
import { deploymentController } from './deployment.ts';
import { disruptionController, staleDisruptionController } from './disruption.ts';
import { endpointsController } from './endpoints.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring.ts';
import { endpointSliceController } from './endpointslice.ts';
import { garbageCollector } from './garbage-collector.ts';
import { jobController } from './job.ts';
import { namespaceController } from './namespace.ts';
import { nodeIpamController } from './node-ipam.ts';
import { nodeLifecycleController, type NodeLifecycleOptions } from './node-lifecycle.ts';
import { nodeTtlController } from './node-ttl.ts';
import { podGcController, type PodGcOptions } from './pod-gc.ts';
import { replicaSetController } from './replicaset.ts';
import { replicationController } from './replicationcontroller.ts';
import { resourceQuotaController } from './resourcequota.ts';
import { rootCaController } from './root-ca.ts';
import { serviceAccountController } from './serviceaccount.ts';
import { statefulSetController } from './statefulset.ts';
import { taintEvictionController } from './taint-eviction.ts';
import { ttlAfterFinishedController } from './ttl-after-finished.ts';
import { claimProtectionController, volumeProtectionController } from './volume-protection.ts';

export interface ControllerOptions {
  /** The authority of the API server's certificate, for `kube-root-ca.crt`; absent: none is published. */
  readonly rootCa?: string;
  /** Where pod addresses come from; absent: nodes are given none. */
  readonly clusterCidr?: string;
  readonly nodeMaskSize?: number;
  readonly nodeLifecycle?: NodeLifecycleOptions;
  readonly podGc?: PodGcOptions;
}

export function controllers(options: ControllerOptions): readonly (Controller | FreeController)[] {
  const { rootCa, clusterCidr, nodeMaskSize = 24 } = options;
  return [
    serviceAccountController,
    ...(rootCa ? [rootCaController({ caPem: rootCa })] : []),
    ...(clusterCidr ? [nodeIpamController({ clusterCidr, nodeMaskSize })] : []),
    nodeLifecycleController(options.nodeLifecycle),
    taintEvictionController(),
    deploymentController,
    replicaSetController,
    replicationController,
    daemonSetController(),
    statefulSetController,
    jobController,
    cronJobController,
    ttlAfterFinishedController,
    endpointsController,
    endpointSliceController,
    endpointSliceMirroringController,
    podGcController(options.podGc),
    namespaceController,
    clusterRoleAggregationController,
    resourceQuotaController(),
    disruptionController,
    staleDisruptionController,
    nodeTtlController(),
    claimProtectionController,
    volumeProtectionController,
    garbageCollector,
  ];
}
