/** The flags of the API server under load, under the names that kube-apiserver gives them, and what each sets. */
import { InvalidArgumentError, type Command } from 'commander';
import { GOAWAY_LIMIT } from '../apiserver/http/serving.ts';
import { duration } from './duration.ts';
import { flagsOf, truth } from './named-flags.ts';

export interface ServingFlags {
  readonly enablePriorityAndFairness?: boolean;
  readonly maxRequestsInflight?: number;
  readonly maxMutatingRequestsInflight?: number;
  readonly requestTimeout?: number;
  readonly minRequestTimeout?: number;
  readonly http2MaxStreamsPerConnection?: number;
  readonly goawayChance?: number;
  readonly corsAllowedOrigins?: string;
  readonly shutdownDelayDuration?: number;
  readonly shutdownSendRetryAfter?: boolean;
  readonly shutdownWatchTerminationGracePeriod?: number;
  readonly serviceNodePortRange?: { readonly from: number; readonly to: number };
  readonly auditPolicyFile?: string;
  readonly auditLogPath?: string;
  readonly auditLogMaxage?: number;
  readonly auditLogMaxbackup?: number;
  readonly auditLogMaxsize?: number;
  readonly auditLogFormat?: 'json' | 'legacy';
  readonly auditLogTruncateEnabled?: boolean;
  readonly auditLogTruncateMaxEventSize?: number;
  readonly auditWebhookConfigFile?: string;
  readonly auditWebhookInitialBackoff?: number;
  readonly auditWebhookBatchBufferSize?: number;
  readonly auditWebhookBatchMaxSize?: number;
  readonly auditWebhookBatchMaxWait?: number;
  readonly auditWebhookBatchThrottleEnable?: boolean;
  readonly auditWebhookBatchThrottleQps?: number;
  readonly auditWebhookBatchThrottleBurst?: number;
  readonly auditWebhookTruncateMaxBatchSize?: number;
  readonly auditWebhookTruncateEnabled?: boolean;
  readonly auditWebhookTruncateMaxEventSize?: number;
  readonly tracingConfigFile?: string;
}

export function withServing(command: Command, { quiet = false } = {}): Command {
  const add = flagsOf(command, quiet);
  add('--enable-priority-and-fairness <bool>', 'priority levels share the seats (true); else the two limits stand for themselves', truth);
  add('--max-requests-inflight <n>', 'seats for reading requests (400)', count);
  add('--max-mutating-requests-inflight <n>', 'seats for writing requests (200)', count);
  add('--request-timeout <time>', 'an answer is given within this time (1m)', duration);
  add('--min-request-timeout <seconds>', 'a watch that names no time lasts at least so long (1800)', count);
  add('--http2-max-streams-per-connection <n>', 'requests at the same time over one connection (250)', count);
  add('--goaway-chance <part>', 'chance of a request to make its client connect anew', chance);
  add('--cors-allowed-origins <patterns>', 'comma-separated regular expressions: origins whose pages may ask');
  add('--shutdown-delay-duration <time>', 'how long a server that is told to stop goes on, not ready', duration);
  add('--shutdown-send-retry-after', 'send new requests away while stopping, instead of closing the port');
  add('--shutdown-watch-termination-grace-period <time>', 'watches end spread over this time', duration);
  add('--service-node-port-range <range>', 'ports of Services on nodes, as 30000-32767', portRange);
  add('--audit-policy-file <file>', 'what is recorded of requests');
  add('--audit-log-path <file>', 'where records are written; - is standard output');
  add('--audit-log-maxage <days>', 'how long old files of records are kept', count);
  add('--audit-log-maxbackup <n>', 'how many old files of records are kept', count);
  add('--audit-log-maxsize <megabytes>', 'when a file of records is turned over (100)', count);
  add('--audit-log-format <format>', 'json (default) or legacy', logFormat);
  add('--audit-log-truncate-enabled [bool]', 'whether large records go without what was sent and answered', truth);
  add('--audit-log-truncate-max-event-size <bytes>', 'how large a record may be (102400)', count);
  add('--audit-webhook-config-file <file>', 'where records are sent, in the form of a kubeconfig');
  add('--audit-webhook-initial-backoff <time>', 'before the second attempt (10s)', duration);
  add('--audit-webhook-batch-buffer-size <n>', 'records that wait at most (10000)', count);
  add('--audit-webhook-batch-max-size <n>', 'records sent at a time (400)', count);
  add('--audit-webhook-batch-max-wait <time>', 'before fewer are sent (30s)', duration);
  add('--audit-webhook-batch-throttle-enable [bool]', 'whether there is a limit to batches a second (true)', truth);
  add('--audit-webhook-batch-throttle-qps <n>', 'batches a second on average (10)', positive);
  add('--audit-webhook-batch-throttle-burst <n>', 'batches at once after a pause (15)', positive);
  add('--audit-webhook-truncate-max-batch-size <bytes>', 'how large a batch may be (10485760)', count);
  add('--audit-webhook-truncate-enabled [bool]', 'whether large records go without what was sent and answered', truth);
  add('--audit-webhook-truncate-max-event-size <bytes>', 'how large a record may be (102400)', count);
  add('--tracing-config-file <file>', 'a TracingConfiguration: where traces go, as OTLP over gRPC');
  return command;
}

function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it must be a whole number.');
  return Number(text);
}

function positive(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !(number > 0)) throw new InvalidArgumentError('it must be a positive number.');
  return number;
}

function chance(text: string): number {
  const part = Number(text);
  if (text.trim() === '' || !(part >= 0 && part <= GOAWAY_LIMIT)) throw new InvalidArgumentError(`it must be from 0 to ${GOAWAY_LIMIT}.`);
  return part;
}

function portRange(text: string): { readonly from: number; readonly to: number } {
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const range = { from: Number(from), to: Number(to) };
  if (!(range.from >= 1 && range.from <= range.to && range.to <= 65_535)) throw new InvalidArgumentError('it must be two ports, as 30000-32767.');
  return range;
}

function logFormat(text: string): string {
  if (text !== 'json' && text !== 'legacy') throw new InvalidArgumentError('records are written as json or legacy.');
  return text;
}
