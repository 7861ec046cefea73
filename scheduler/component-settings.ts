/** Of a KubeSchedulerConfiguration what is settled by flags of the command here: how the API is reached, and who leads. It is checked all the same, in upstream's words. */
import { formatDuration } from '../api/codec/scalars.ts';
import { type Fields, type Problems, durationOf, flagOf, numberOf, strict, textOf } from './strict.ts';

const CONNECTION = ['kubeconfig', 'acceptContentTypes', 'contentType', 'qps', 'burst'];
const ELECTION = ['leaderElect', 'leaseDuration', 'renewDeadline', 'retryPeriod', 'resourceLock', 'resourceName', 'resourceNamespace'];
const LEASES = 'leases';
/** Where nothing is said, or zero. */
const PERIODS_MS = { leaseDuration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000 } as const;

export function checkComponent(root: Fields, problems: Problems): void {
  const connection = strict(root.clientConnection ?? {}, 'clientConnection', CONNECTION);
  const burst = numberOf(connection, 'burst', 'clientConnection') ?? 0;
  if (burst < 0) problems.add('clientConnection.burst', `Invalid value: ${burst}: must be non-negative`);
  checkElection(strict(root.leaderElection ?? {}, 'leaderElection', ELECTION), problems);
}

function checkElection(fields: Fields, problems: Problems): void {
  const at = 'leaderElection';
  const period = (key: keyof typeof PERIODS_MS): number => durationOf(fields, key, at) || PERIODS_MS[key];
  const [lease, renew, retry] = [period('leaseDuration'), period('renewDeadline'), period('retryPeriod')];
  const lock = textOf(fields, 'resourceLock', at) || LEASES;
  for (const key of ['resourceName', 'resourceNamespace']) textOf(fields, key, at);
  if (flagOf(fields, 'leaderElect', at) === false) return;
  for (const [key, value] of [['leaseDuration', lease], ['renewDeadline', renew], ['retryPeriod', retry]] as const) {
    if (value < 0) problems.add(`${at}.${key}`, `Invalid value: "${formatDuration(BigInt(Math.round(value * 1e6)))}": must be greater than zero`);
  }
  if (lease <= renew) problems.add(`${at}.leaseDuration`, `Invalid value: "${formatDuration(BigInt(Math.round(renew * 1e6)))}": must be greater than \`RenewDeadline\``);
  if (lock !== LEASES) problems.add(`${at}.resourceLock`, `Invalid value: "${lock}": resourceLock value must be "${LEASES}"`);
}
