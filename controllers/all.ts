/** All controllers, in the order in which they are started. */
import type { Controller, FreeController } from './controller.ts';
import { deploymentController } from './deployment.ts';
import { endpointsController } from './endpoints.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring.ts';
import { endpointSliceController } from './endpointslice.ts';
import { nodeIpamController } from './node-ipam.ts';
import { replicaSetController } from './replicaset.ts';

export interface ControllerOptions {
  /** Where pod addresses come from; absent: nodes are given none. */
  readonly clusterCidr?: string;
  readonly nodeMaskSize?: number;
}

export function controllers(options: ControllerOptions): readonly (Controller | FreeController)[] {
  const { clusterCidr, nodeMaskSize = 24 } = options;
  return [
    ...(clusterCidr ? [nodeIpamController({ clusterCidr, nodeMaskSize })] : []),
    deploymentController,
    replicaSetController,
    endpointsController,
    endpointSliceController,
    endpointSliceMirroringController,
  ];
}
