/** Each API server keeps a Lease in kube-system while it runs, so that others know who is there; those long gone are taken away. */
import { createHash } from 'node:crypto';
import { leases } from '../../api/resources.ts';
import type { ApiObject } from '../../api/kind.ts';
import { isReason } from '../../api/status.ts';
import { every } from '../../std/clock.ts';
import { uuid } from '../../std/random.ts';
import type { Core } from '../core.ts';
import { Conflict } from '../storage/store.ts';

const NAMESPACE = 'kube-system';
const RENEW_MS = 10_000;
const DURATION_SECONDS = 3_600;
const COLLECT_MS = 3_600_000;
const IDENTITY_LABEL = 'apiserver.kubernetes.io/identity';
const IDENTITY = 'kube-apiserver';
const HASH_BYTES = 16;

/** `host` names this server among its like. */
export async function keepIdentityLease(core: Core, host: string): Promise<{ close(): void }> {
  const { clock, random, log } = core;
  const name = leaseName(host);
  const holder = `${name}_${uuid(random)}`;
  const renew = (): Promise<void> => writeLease(core, { name, host, holder });
  await renew();
  const timers = [
    every(clock, RENEW_MS, renew, (error) => log.error('the identity lease of this server', error)),
    every(clock, COLLECT_MS, () => removeExpired(core), (error) => log.error('identity leases of servers that are gone', error)),
  ];
  await removeExpired(core);
  return {
    close() {
      for (const timer of timers) timer.cancel();
    },
  };
}

/** `apiserver-` and 26 letters of the host's hash, as upstream's. */
export function leaseName(host: string): string {
  return `apiserver-${base32(createHash('sha256').update(host).digest().subarray(0, HASH_BYTES))}`;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

function base32(bytes: Buffer): string {
  let out = '';
  let value = 0;
  let bits = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += LETTERS[(value >> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? out + LETTERS[(value << (5 - bits)) & 31] : out;
}

interface Self {
  readonly name: string;
  readonly host: string;
  readonly holder: string;
}

async function writeLease({ reader, writer, clock }: Core, { name, host, holder }: Self): Promise<void> {
  const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: holder, leaseDurationSeconds: DURATION_SECONDS, renewTime };
  const current = await reader.getFresh(leases, NAMESPACE, name);
  try {
    if (current) await writer.update(leases, { ...current, spec: { ...current.spec, ...spec } } as unknown as ApiObject);
    else {
      const metadata = { name, namespace: NAMESPACE, labels: { [IDENTITY_LABEL]: IDENTITY, 'kubernetes.io/hostname': host } };
      await writer.create(leases, { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata, spec });
    }
  } catch (error) {
    if (!isReason(error, 'Conflict') && !isReason(error, 'AlreadyExists')) throw error;
  }
}

async function removeExpired({ registry, store, clock }: Core): Promise<void> {
  const resource = registry.hub(leases.group, leases.resource);
  if (!resource) return;
  await resource.cache.fresh();
  for (const { key, revision, labels, object } of resource.cache.list({ namespace: NAMESPACE }).items) {
    if (labels[IDENTITY_LABEL] !== IDENTITY) continue;
    const { renewTime, leaseDurationSeconds = DURATION_SECONDS } = (object as unknown as { spec?: { renewTime?: string; leaseDurationSeconds?: number } }).spec ?? {};
    if (renewTime !== undefined && Date.parse(renewTime) + leaseDurationSeconds * 1000 >= clock.now()) continue;
    try {
      await store.write(key, revision, undefined);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}
