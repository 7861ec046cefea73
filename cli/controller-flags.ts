/** The flags of the controllers, under the names that kube-controller-manager gives them, and what each sets. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ControllerOptions } from '../controllers/all.ts';
import { duration } from './duration.ts';

type Setting = (value: never) => Partial<ControllerOptions>;

interface Row {
  readonly flag: string;
  readonly value: 'duration' | 'number' | 'count' | 'switch' | 'text';
  readonly says: string;
  readonly set: Setting;
}

function row<T>(flag: string, value: Row['value'], says: string, set: (value: T) => Partial<ControllerOptions>): Row {
  return { flag, value, says, set: set as Setting };
}

function period(flag: string, says: string, set: (ms: number) => Partial<ControllerOptions>): Row {
  return row(flag, 'duration', says, set);
}

function workers(flag: string, ...controllers: readonly string[]): Row {
  return row<number>(flag, 'count', `how many at a time: ${controllers.join(', ')}`, (count) => ({ workers: Object.fromEntries(controllers.map((name) => [name, count])) }));
}

const ROWS: readonly Row[] = [
  row<string>('controllers', 'text', 'which controllers run: names, * for all, -name for all but this one', (list) => ({ chosen: list.split(',').map((name) => name.trim()).filter(Boolean) })),
  period('node-monitor-period', 'how often nodes that are not well are looked at', (ms) => ({ nodeLifecycle: { monitorPeriodMs: ms } })),
  period('node-monitor-grace-period', 'how long a node may be silent', (ms) => ({ nodeLifecycle: { monitorGracePeriodMs: ms } })),
  period('node-startup-grace-period', 'how long a node may take to say anything at all', (ms) => ({ nodeLifecycle: { startupGracePeriodMs: ms } })),
  row<number>('node-eviction-rate', 'number', 'nodes per second whose pods are driven off', (rate) => ({ nodeLifecycle: { evictionRate: rate } })),
  row<number>('secondary-node-eviction-rate', 'number', 'the same where a zone is unhealthy', (rate) => ({ nodeLifecycle: { secondaryEvictionRate: rate } })),
  row<number>('unhealthy-zone-threshold', 'number', 'share of nodes not ready that makes a zone unhealthy', (share) => ({ nodeLifecycle: { unhealthyZoneThreshold: share } })),
  row<number>('large-cluster-size-threshold', 'count', 'nodes from which a zone is large', (size) => ({ nodeLifecycle: { largeClusterSize: size } })),
  period('horizontal-pod-autoscaler-sync-period', 'how often an autoscaler is looked at', (ms) => ({ autoscaler: { syncPeriodMs: ms } })),
  period('horizontal-pod-autoscaler-downscale-stabilization', 'how far back recommendations keep the size up', (ms) => ({ autoscaler: { downscaleStabilizationMs: ms } })),
  row<number>('horizontal-pod-autoscaler-tolerance', 'number', 'deviation from the target that changes nothing', (tolerance) => ({ autoscaler: { tolerance } })),
  period('horizontal-pod-autoscaler-cpu-initialization-period', 'how long CPU use may be that of a start', (ms) => ({ autoscaler: { cpuInitializationMs: ms } })),
  period('horizontal-pod-autoscaler-initial-readiness-delay', 'how long readiness may change before it counts', (ms) => ({ autoscaler: { initialReadinessDelayMs: ms } })),
  period('pvclaimbinder-sync-period', 'how often claims and volumes are looked at', (ms) => ({ volumeBinder: { syncPeriodMs: ms } })),
  row<boolean>('enable-dynamic-provisioning', 'switch', 'make volumes for claims of classes with a provisioner', (enabled) => ({ volumeBinder: { dynamicProvisioning: enabled } })),
  row<number>('terminated-pod-gc-threshold', 'count', 'ended pods that are kept; 0: all', (terminatedPodThreshold) => ({ podGc: { terminatedPodThreshold } })),
  period('resource-quota-sync-period', 'how often quotas are counted anew', (ms) => ({ quota: { syncPeriodMs: ms } })),
  period('cluster-signing-duration', 'how long certificates are signed for at most', (ms) => ({ signing: { durationMs: ms } })),
  period('legacy-service-account-token-clean-up-period', 'how long token Secrets may be unused', (ms) => ({ legacyTokens: { cleanUpPeriodMs: ms } })),
  row<boolean>('allocate-node-cidrs', 'switch', 'give nodes pod addresses', (allocate) => ({ allocateNodeCidrs: allocate })),
  row<string>('cluster-cidr', 'text', 'where pod addresses come from', (clusterCidr) => ({ clusterCidr })),
  row<number>('node-cidr-mask-size', 'count', "mask of a node's pod addresses", (nodeMaskSize) => ({ nodeMaskSize })),
  row<number>('max-endpoints-per-slice', 'count', 'endpoints in one EndpointSlice', (maxPerSlice) => ({ endpointSlice: { maxPerSlice } })),
  period('endpoint-updates-batch-period', 'how long changes of pods are gathered for Endpoints', (ms) => ({ batchMs: { 'endpoints-controller': ms } })),
  period('endpointslice-updates-batch-period', 'the same for EndpointSlices', (ms) => ({ batchMs: { 'endpointslice-controller': ms } })),
  workers('concurrent-device-taint-eviction-syncs', 'device-taint-eviction-controller'),
  workers('concurrent-service-syncs', 'service-lb-controller'),
  workers('concurrent-deployment-syncs', 'deployment-controller'),
  workers('concurrent-replicaset-syncs', 'replicaset-controller'),
  workers('concurrent-rc-syncs', 'replicationcontroller-controller'),
  workers('concurrent-daemonset-syncs', 'daemonset-controller'),
  workers('concurrent-statefulset-syncs', 'statefulset-controller'),
  workers('concurrent-job-syncs', 'job-controller'),
  workers('concurrent-cron-job-syncs', 'cronjob-controller'),
  workers('concurrent-ttl-after-finished-syncs', 'ttl-after-finished-controller'),
  workers('concurrent-endpoint-syncs', 'endpoints-controller'),
  workers('concurrent-service-endpoint-syncs', 'endpointslice-controller'),
  workers('mirroring-concurrent-service-endpoint-syncs', 'endpointslice-mirroring-controller'),
  workers('concurrent-ephemeralvolume-syncs', 'ephemeral-volume-controller'),
  workers('concurrent-gc-syncs', 'garbage-collector-controller'),
  workers('concurrent-horizontal-pod-autoscaler-syncs', 'horizontal-pod-autoscaler-controller'),
  workers('concurrent-namespace-syncs', 'namespace-controller'),
  workers('concurrent-resource-quota-syncs', 'resourcequota-controller'),
  workers('concurrent-resourceclaim-syncs', 'resourceclaim-controller'),
  workers('concurrent-serviceaccount-token-syncs', 'serviceaccount-token-controller'),
  workers('concurrent-validating-admission-policy-status-syncs', 'validatingadmissionpolicy-status-controller'),
];

const SIGNING = [
  ['cluster-signing-cert-file', 'certificate of the authority that signs certificate requests; in one process with the API server that is its own'],
  ['cluster-signing-key-file', 'key of that authority'],
] as const;

export interface SigningFlags {
  readonly clusterSigningCertFile?: string;
  readonly clusterSigningKeyFile?: string;
}

/** Adds the flags to a command; `quiet` keeps them out of its help. */
export function withControllers(command: Command, { quiet = false } = {}): Command {
  for (const { flag, value, says } of ROWS) {
    const option = value === 'switch' ? new Option(`--${flag} [bool]`, says).argParser(truth).preset('true') : new Option(`--${flag} <${value}>`, says).argParser(PARSE[value]);
    command.addOption(quiet ? option.hideHelp() : option);
  }
  for (const [flag, says] of SIGNING) {
    const option = new Option(`--${flag} <file>`, says);
    command.addOption(quiet ? option.hideHelp() : option);
  }
  return command;
}

/** What the flags say, as options of the controllers. */
export function controllerOptionsOf(flags: object): Partial<ControllerOptions> {
  const given = flags as Readonly<Record<string, unknown>>;
  let options: Record<string, unknown> = {};
  for (const { flag, set } of ROWS) {
    const value = given[camelCase(flag)];
    if (value === undefined) continue;
    for (const [name, setting] of Object.entries(set(value as never))) {
      options = { ...options, [name]: isRecord(setting) ? { ...(options[name] as object | undefined), ...setting } : setting };
    }
  }
  return options;
}

const PARSE: Readonly<Record<Exclude<Row['value'], 'switch'>, (text: string) => unknown>> = {
  duration,
  number(text) {
    if (text.trim() === '' || !Number.isFinite(Number(text))) throw new InvalidArgumentError('it must be a number.');
    return Number(text);
  },
  count(text) {
    if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it must be a whole number.');
    return Number(text);
  },
  text: (text) => text,
};

function truth(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw new InvalidArgumentError('it must be true or false.');
}

function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
