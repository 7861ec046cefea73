/** What the flags of the API server mean: limits, audit, traces. What a server does not use is not loaded. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { AuditBackend, AuditOptions } from '../apiserver/audit/audit.ts';
import { openCors } from '../apiserver/chain/cors.ts';
import { leaseName } from '../apiserver/upkeep/identity-lease.ts';
import { FLOW_LIMITS } from '../apiserver/flow/flow-control.ts';
import type { ApiServerOptions } from '../apiserver/server.ts';
import { DRAIN_MS, type ServingOptions } from '../apiserver/http/serving.ts';
import type { Clock } from '../std/clock.ts';
import { flagTexts } from './flag-texts.ts';
import { DEFAULT_PORT } from './flags.ts';
import type { Log } from './log.ts';
import type { ServingFlags } from './server-flags.ts';

/** What the flags mean for a server. Throws on files that cannot be read. */
export async function servingOptions(flags: ServingFlags & { readonly port?: number }, { clock, log }: { readonly clock: Clock; readonly log: Log }): Promise<Partial<ApiServerOptions>> {
  const { minRequestTimeout, corsAllowedOrigins } = flags;
  const serving: ServingOptions = {
    ...(flags.requestTimeout !== undefined && { requestTimeoutMs: flags.requestTimeout }),
    ...(minRequestTimeout !== undefined && { minRequestTimeoutMs: minRequestTimeout * 1000 }),
    ...(flags.http2MaxStreamsPerConnection && { streamsPerConnection: flags.http2MaxStreamsPerConnection }),
    ...(flags.goawayChance !== undefined && { goawayChance: flags.goawayChance }),
    cors: openCors((corsAllowedOrigins ?? '').split(',').map((text) => text.trim()).filter(Boolean)),
    ...(flags.shutdownDelayDuration !== undefined && { shutdownDelayMs: flags.shutdownDelayDuration }),
    ...(flags.shutdownSendRetryAfter && { shutdownSendsRetryAfter: true }),
    ...(flags.shutdownWatchTerminationGracePeriod !== undefined && { watchGraceMs: flags.shutdownWatchTerminationGracePeriod }),
  };
  const limits = { reading: flags.maxRequestsInflight ?? FLOW_LIMITS.reading, writing: flags.maxMutatingRequestsInflight ?? FLOW_LIMITS.writing, ...(flags.enablePriorityAndFairness === false && { unfair: true }) };
  if (limits.reading + limits.writing === 0) throw new Error('--max-requests-inflight and --max-mutating-requests-inflight are both 0: nothing would be answered');
  return {
    serving, flags: flagTexts(flags), flowLimits: limits, identity: identityOf(flags.port), audit: await auditOptions(flags, clock, log),
    ...(flags.serviceNodePortRange && { nodePortRange: flags.serviceNodePortRange }),
    ...(flags.tracingConfigFile && { tracing: await tracingOptions(flags.tracingConfigFile, { clock, log, port: flags.port }) }),
  };
}

/** Of several servers on one machine each has its own. */
export function identityOf(port = DEFAULT_PORT): string {
  const host = hostname().toLowerCase();
  return port === DEFAULT_PORT ? host : `${host}-${port}`;
}

/** How long stopping may take with these flags. */
export function stopLimitMs({ shutdownDelayDuration = 0, shutdownWatchTerminationGracePeriod = 0 }: ServingFlags): number {
  return shutdownDelayDuration + shutdownWatchTerminationGracePeriod + DRAIN_MS + STOP_SPARE_MS;
}

const STOP_SPARE_MS = 1_000;

async function auditOptions(flags: ServingFlags, clock: Clock, log: Log): Promise<AuditOptions | undefined> {
  const onLost = (count: number, error?: unknown): void => log.error({ count, error: error === undefined ? 'too many' : String(error) }, 'audit records are lost');
  const backends: AuditBackend[] = [];
  const { auditLogPath: path, auditWebhookConfigFile: webhook, auditPolicyFile: policyFile } = flags;
  if (policyFile === undefined) {
    if (path !== undefined || webhook !== undefined) log.warn({}, 'no --audit-policy-file is given: nothing will be recorded');
    return undefined;
  }
  const policy = await auditPolicy(policyFile);
  if (path !== undefined) {
    const { auditLogMaxage: maxAge, auditLogMaxbackup: maxBackups, auditLogMaxsize: maxSize, auditLogFormat: format } = flags;
    const { openLogFile } = await import('../apiserver/audit/log-file.ts');
    const file = openLogFile({ path, clock, onLost, ...(format && { format }), ...(maxAge !== undefined && { maxAge }), ...(maxBackups !== undefined && { maxBackups }), ...(maxSize !== undefined && { maxSize }) });
    backends.push(flags.auditLogTruncateEnabled ? await limited(file, flags.auditLogTruncateMaxEventSize, onLost) : file);
  }
  if (webhook !== undefined) {
    const { auditWebhookInitialBackoff: initialBackoffMs, auditWebhookBatchBufferSize: bufferSize, auditWebhookBatchMaxSize: maxBatchSize, auditWebhookBatchMaxWait: maxBatchWaitMs, auditWebhookTruncateMaxBatchSize: maxBatchBytes } = flags;
    const { BATCH_LIMIT_BYTES, BATCH_RATE, openWebhook, readWebhookFile } = await import('../apiserver/audit/webhook.ts');
    const { EVENT_LIMIT_BYTES } = await import('../apiserver/audit/truncate.ts');
    const [batchBytes, eventBytes] = [maxBatchBytes ?? BATCH_LIMIT_BYTES, flags.auditWebhookTruncateMaxEventSize ?? EVENT_LIMIT_BYTES];
    if (flags.auditWebhookTruncateEnabled && batchBytes < eventBytes) throw new Error(`invalid audit truncate webhook max batch size (${batchBytes}), must be greater than max event size (${eventBytes})`);
    const rate = { perSecond: flags.auditWebhookBatchThrottleQps ?? BATCH_RATE.perSecond, burst: flags.auditWebhookBatchThrottleBurst ?? BATCH_RATE.burst };
    const sender = openWebhook({
      target: readWebhookFile(webhook), clock, onLost, ...(initialBackoffMs !== undefined && { initialBackoffMs }), ...(bufferSize !== undefined && { bufferSize }),
      ...(maxBatchSize !== undefined && { maxBatchSize }), ...(maxBatchWaitMs !== undefined && { maxBatchWaitMs }), maxBatchBytes: batchBytes,
      rate: flags.auditWebhookBatchThrottleEnable === false ? undefined : rate,
    });
    backends.push(flags.auditWebhookTruncateEnabled ? await limited(sender, flags.auditWebhookTruncateMaxEventSize, onLost) : sender);
  }
  return backends.length > 0 ? { policy, backends } : undefined;
}

async function limited(backend: AuditBackend, maxEventBytes: number | undefined, onLost: (count: number, error?: unknown) => void): Promise<AuditBackend> {
  const { truncating } = await import('../apiserver/audit/truncate.ts');
  return truncating(backend, { onLost, ...(maxEventBytes !== undefined && { maxEventBytes }) });
}

export async function auditPolicy(file: string): Promise<AuditOptions['policy']> {
  const { parsePolicy } = await import('../apiserver/audit/policy.ts');
  return parsePolicy(readFileSync(file, 'utf8'));
}

async function tracingOptions(file: string, { clock, log, port }: { readonly clock: Clock; readonly log: Log; readonly port: number | undefined }): Promise<NonNullable<ApiServerOptions['tracing']>> {
  const { parseTracing } = await import('../apiserver/tracing/tracing.ts');
  const { openExporter } = await import('../apiserver/tracing/exporter.ts');
  const configuration = parseTracing(readFileSync(file, 'utf8'));
  const onLost = (count: number, error?: unknown): void => log.warn({ count, error: error === undefined ? 'too many' : String(error) }, 'traces are lost');
  return { configuration, exporter: openExporter({ endpoint: configuration.endpoint, resource: { 'service.name': 'apiserver', 'service.instance.id': leaseName(identityOf(port)) }, clock, onLost }) };
}
