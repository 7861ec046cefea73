/** `/configz`: what this kubelet goes by, in the words of upstream's KubeletConfiguration. What it has nothing of is left out. Pure. */
import { EVICTION_HARD, TRANSITION_MS } from '../eviction/thresholds.ts';
import { ALLOWED_TTL_MS, REFUSED_TTL_MS, TOKEN_TTL_MS } from '../server/access.ts';

export interface Configuration {
  readonly address: string;
  readonly port: number;
  readonly maxPods: number;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly heartbeatMs: number;
  readonly taints: readonly object[];
  readonly podLogsDir?: string;
  readonly clientCaFile?: string | undefined;
  readonly evictionHard?: Readonly<Record<string, string>> | undefined;
}

export function configz({ address, port, maxPods, clusterDns, clusterDomain, heartbeatMs, taints, podLogsDir, clientCaFile, evictionHard = EVICTION_HARD }: Configuration): object {
  // Simulated nodes have neither logs nor anything that could run short.
  const isReal = podLogsDir !== undefined;
  return {
    kubeletconfig: {
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      enableServer: true,
      ...(podLogsDir && { podLogsDir }),
      syncFrequency: '1m0s',
      address,
      port,
      authentication: { x509: { ...(clientCaFile && { clientCAFile: clientCaFile }) }, webhook: { enabled: true, cacheTTL: duration(TOKEN_TTL_MS) }, anonymous: { enabled: false } },
      authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: duration(ALLOWED_TTL_MS), cacheUnauthorizedTTL: duration(REFUSED_TTL_MS) } },
      enableDebuggingHandlers: true,
      healthzPort: 0,
      clusterDomain,
      clusterDNS: clusterDns,
      nodeStatusUpdateFrequency: duration(heartbeatMs),
      nodeStatusReportFrequency: '5m0s',
      nodeLeaseDurationSeconds: 40,
      imageMinimumGCAge: '2m0s',
      imageMaximumGCAge: '0s',
      imageGCHighThresholdPercent: 85,
      imageGCLowThresholdPercent: 80,
      cgroupsPerQOS: false,
      cgroupDriver: 'cgroupfs',
      cpuManagerPolicy: 'none',
      memoryManagerPolicy: 'None',
      topologyManagerPolicy: 'none',
      runtimeRequestTimeout: '2m0s',
      hairpinMode: 'hairpin-veth',
      maxPods,
      podPidsLimit: -1,
      resolvConf: '/etc/resolv.conf',
      cpuCFSQuota: true,
      cpuCFSQuotaPeriod: '100ms',
      nodeStatusMaxImages: 50,
      serializeImagePulls: false,
      maxParallelImagePulls: 4,
      ...(isReal && { evictionHard }),
      evictionPressureTransitionPeriod: duration(TRANSITION_MS),
      enableControllerAttachDetach: true,
      failSwapOn: false,
      memorySwap: {},
      containerLogMaxSize: '10Mi',
      containerLogMaxFiles: 5,
      containerLogMaxWorkers: 1,
      containerLogMonitorInterval: '10s',
      configMapAndSecretChangeDetectionStrategy: 'Watch',
      enforceNodeAllocatable: ['none'],
      enableSystemLogHandler: true,
      enableSystemLogQuery: false,
      shutdownGracePeriod: '0s',
      shutdownGracePeriodCriticalPods: '0s',
      crashLoopBackOff: { maxContainerRestartPeriod: '5m0s' },
      enableProfilingHandler: false,
      enableDebugFlagsHandler: false,
      seccompDefault: false,
      registerNode: true,
      ...(taints.length > 0 && { registerWithTaints: taints }),
      localStorageCapacityIsolation: isReal,
      failCgroupV1: false,
    },
  };
}

/** As Go prints them: `2m0s`. */
function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds >= 60 ? `${Math.floor(seconds / 60)}m${seconds % 60}s` : `${seconds}s`;
}
