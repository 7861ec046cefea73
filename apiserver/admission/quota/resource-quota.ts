/**
 * ResourceQuota: nothing is created that its namespace's quotas do not leave room for.
 *
 * Usage stands in the quota's status and is raised with compare-and-swap before the object is written, so that any number of
 * servers and requests together never exceed it. Requests that wait for the same namespace are charged with one write. What a
 * failed write had charged is given back; what else comes free, the quota controller finds.
 */
import { deviceclasses, pods, resourceclaims, resourcequotas } from '../../../api/resources.ts';
import { ApiError, isReason } from '../../../api/status.ts';
import type { ResourceQuota } from '../../../api/types/core.v1.ts';
import { deepCopy } from '../../../std/deep.ts';
import type { Reader, Stored, Writer } from '../../auth/reader.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { amountsOf, minus, plus, textsOf } from '../../../api/quota/amounts.ts';
import type { ClaimSurroundings } from '../../../api/quota/device-claims.ts';
import type { Amounts } from '../../../api/quota/amounts.ts';
import type { Account } from './charge.ts';
import { charges, countsAgainstQuota } from './charge.ts';

/** Requests that may wait for one namespace; more are told to come again. */
const WAITING_LIMIT = 10_000;
/** How often a batch is tried again after somebody else changed a quota. */
const ATTEMPTS = 4;
/** Quotas whose own last write is remembered, until the cache has it; the oldest is forgotten. */
const REMEMBERED_LIMIT = 1000;

type Quota = Stored<ResourceQuota>;

interface Waiter {
  readonly request: AdmissionRequest;
  readonly settle: (error: unknown) => void;
}

export function resourceQuota({ reader, writer }: { readonly reader: Reader; readonly writer: Pick<Writer, 'update'> }): AdmissionPlugin {
  const waiting = new Map<string, Waiter[]>();
  const written = new Map<string, Quota>();
  const charged = new WeakMap<AdmissionRequest, { readonly quota: string; readonly amounts: Amounts }[]>();

  /** The newer of what the cache has and what this server wrote itself. */
  function newest(cached: Quota): Quota {
    const own = written.get(cached.metadata.uid);
    if (!own || Number(own.metadata.resourceVersion) <= Number(cached.metadata.resourceVersion)) return cached;
    return own;
  }

  function remember(quota: Quota): void {
    written.delete(quota.metadata.uid);
    written.set(quota.metadata.uid, quota);
    if (written.size > REMEMBERED_LIMIT) written.delete(written.keys().next().value as string);
  }

  async function raise(account: Account, quota: Quota): Promise<void> {
    const next = deepCopy(quota) as ResourceQuota;
    next.status = { ...next.status, used: textsOf(account.used) };
    remember(await writer.update(resourcequotas, next, 'status'));
  }

  function around(namespace: string): ClaimSurroundings {
    return {
      get classes() {
        return reader.list(deviceclasses);
      },
      pod: (name) => reader.get(pods, namespace, name),
      claims: () => reader.list(resourceclaims, namespace),
    };
  }

  /** Charges what waits for a namespace until nobody waits. */
  async function work(namespace: string): Promise<void> {
    for (let batch = waiting.get(namespace) ?? []; batch.length > 0; batch = waiting.get(namespace) ?? []) {
      waiting.set(namespace, []);
      try {
        await chargeBatch(batch, reader.list(resourcequotas, namespace).map(newest));
      } catch (error) {
        for (const { settle } of batch) settle(error);
      }
    }
    waiting.delete(namespace);
  }

  async function chargeBatch(batch: readonly Waiter[], quotas: readonly Quota[], attempt = 1): Promise<void> {
    const accounts = quotas.map((quota) => ({ quota, used: amountsOf(quota.status?.used) as Amounts, changed: false }));
    const accepted: Waiter[] = [];
    for (const waiter of batch) {
      try {
        const taken = charges(waiter.request, accounts, around(waiter.request.namespace));
        if (taken.length === 0 || waiter.request.dryRun) {
          waiter.settle(undefined);
          continue;
        }
        for (const { account, amounts } of taken) {
          account.used = plus(account.used, amounts);
          (account as (typeof accounts)[number]).changed = true;
        }
        const known = charged.get(waiter.request) ?? [];
        charged.set(waiter.request, [...known, ...taken.map(({ account, amounts }) => ({ quota: account.quota.metadata.name ?? '', amounts }))]);
        accepted.push(waiter);
      } catch (error) {
        giveBack(waiter.request);
        waiter.settle(error);
      }
    }
    const results = await Promise.allSettled(accounts.map(async (account, at) => account.changed && raise(account, quotas[at] as Quota)));
    const failed = results.flatMap((result, at) => (result.status === 'rejected' ? [{ quota: quotas[at] as Quota, error: result.reason as unknown }] : []));
    if (failed.length === 0) {
      for (const { settle } of accepted) settle(undefined);
      return;
    }
    // What did not get through is not charged; the rest stays so and is not looked at again.
    const names = new Set(failed.map(({ quota }) => quota.metadata.name));
    for (const { request } of accepted) charged.set(request, (charged.get(request) ?? []).filter(({ quota }) => !names.has(quota)));
    const grave = failed.find(({ error }) => !isReason(error, 'Conflict') && !isReason(error, 'NotFound'));
    if (grave || attempt === ATTEMPTS) {
      for (const { request, settle } of accepted) {
        giveBack(request);
        settle((grave ?? failed[0])?.error);
      }
      return;
    }
    const fresh = await Promise.all(failed.map(({ quota }) => reader.getFresh(resourcequotas, quota.metadata.namespace, quota.metadata.name)));
    await chargeBatch(accepted, fresh.filter((quota) => quota !== undefined), attempt + 1);
  }

  /** Best effort: what cannot be given back now, the quota controller corrects. */
  function giveBack(request: AdmissionRequest): void {
    for (const { quota, amounts } of charged.get(request) ?? []) void lower(request.namespace, quota, amounts).catch(() => undefined);
    charged.delete(request);
  }

  async function lower(namespace: string, name: string, amounts: Amounts): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const quota = await reader.getFresh(resourcequotas, namespace, name);
      if (!quota) return;
      try {
        await raise({ quota, used: minus(amountsOf(quota.status?.used), amounts) }, quota);
        return;
      } catch (error) {
        if (!isReason(error, 'Conflict')) return;
      }
    }
  }

  return {
    name: 'ResourceQuota',
    handles: countsAgainstQuota,
    validate(request) {
      if (reader.list(resourcequotas, request.namespace).length === 0) return undefined;
      const queue = waiting.get(request.namespace);
      if (queue && queue.length >= WAITING_LIMIT) {
        throw new ApiError({ code: 429, reason: 'TooManyRequests', message: `too many requests wait for the quotas of namespace ${request.namespace}`, details: { retryAfterSeconds: 1 } });
      }
      return new Promise<void>((resolve, reject) => {
        const waiter: Waiter = { request, settle: (error) => (error === undefined ? resolve() : reject(error as Error)) };
        if (queue) queue.push(waiter);
        else {
          waiting.set(request.namespace, [waiter]);
          void work(request.namespace);
        }
      });
    },
    undo: giveBack,
  };
}
