/**
 * Looks after ServiceCIDR objects: makes the server's own, marks them ready, and lets one go only when no address needs it.
 * Provenance: pkg/controlplane/controller/defaultservicecidr and pkg/controller/servicecidrs of v1.36.
 */
import { servicecidrs } from '../../api/resources.ts';
import type { ApiObject } from '../../api/kind.ts';
import { isReason } from '../../api/status.ts';
import { isStrictlyWithin, parseCidr } from '../../api/kinds/shared/ip-address.ts';
import type { ServiceCIDR } from '../../api/types/networking.v1.ts';
import { every } from '../../std/clock.ts';
import type { Stored } from '../auth/reader.ts';
import type { Core } from '../core.ts';
import { timestamp } from '../../api/timestamp.ts';
import { groupVersion } from '../registry/resource.ts';
import { ADDRESSES } from './reservations.ts';
import { OWN_NAME, type ServiceRanges } from './service-ranges.ts';

const PERIOD_MS = 60_000;
/** Other servers hear of a deletion within this time, and give nothing out of the range any more. */
const GRACE_MS = 10_000;
const FINALIZER = 'networking.k8s.io/service-cidr-finalizer';

export async function keepServiceCidrs(core: Core, ranges: ServiceRanges): Promise<{ close(): void }> {
  const { registry, reader, clock, log } = core;
  if (!registry.find(servicecidrs.group, servicecidrs.version, servicecidrs.resource)) return { close: () => undefined };
  const report = (error: unknown): void => log.error('ServiceCIDRs', error);
  let running = Promise.resolve();
  let queued = false;
  // One round at a time, and one more when something changed meanwhile.
  const round = (): Promise<void> => {
    if (queued) return running;
    queued = true;
    return (running = running.then(async () => {
      queued = false;
      if (await look(core, ranges)) clock.after(GRACE_MS, () => void round().catch(report));
    }));
  };
  await round();
  const following = reader.onChange(servicecidrs, () => void clock.after(0, () => void round().catch(report)));
  const timer = every(clock, PERIOD_MS, round, report);
  return {
    close() {
      following.close();
      timer.cancel();
    },
  };
}

/** True: one of them is on its way out, and is to be looked at again soon. */
async function look(core: Core, ranges: ServiceRanges): Promise<boolean> {
  const cidrs = ranges.own.map(({ text }) => text);
  const own = await core.reader.getFresh(servicecidrs, '', OWN_NAME);
  if (!own) await tolerant(() => makeOwn(core, cidrs));
  const objects = core.reader.list(servicecidrs);
  const all = own && !objects.some(({ metadata }) => metadata.name === OWN_NAME) ? [...objects, own] : objects;
  for (const object of all) {
    await tolerant(() => (object.metadata.deletionTimestamp === undefined ? open(core, object, cidrs) : close(core, object)));
  }
  return all.some(({ metadata }) => metadata.deletionTimestamp !== undefined);
}

/** Whoever makes it says at once that it is ready; the one that looks after all of them takes over from there. */
async function makeOwn({ writer, clock }: Core, cidrs: readonly string[]): Promise<void> {
  const made = await writer.create(servicecidrs, { kind: 'ServiceCIDR', apiVersion: groupVersion(servicecidrs.group, servicecidrs.version), metadata: { name: OWN_NAME }, spec: { cidrs } });
  const ready = { type: 'Ready', status: 'True', message: 'Kubernetes default Service CIDR is ready', lastTransitionTime: timestamp(clock.now()) };
  await writer.applyStatus(servicecidrs, { ...headOf(made), status: { conditions: [ready] } }, DEFAULT_MANAGER);
}

async function open({ writer, clock }: Core, object: Stored<ServiceCIDR>, own: readonly string[]): Promise<void> {
  let current = object;
  const finalizers = current.metadata.finalizers ?? [];
  const cidrs = current.spec?.cidrs ?? [];
  const becomesDual = current.metadata.name === OWN_NAME && own.length === 2 && cidrs.length === 1 && cidrs[0] === own[0];
  if (!finalizers.includes(FINALIZER) || becomesDual) {
    const metadata = { ...current.metadata, finalizers: [...new Set([FINALIZER, ...finalizers])] };
    current = await writer.update(servicecidrs, { ...current, metadata, spec: { cidrs: becomesDual ? own : cidrs } } as unknown as ApiObject, undefined, { manager: becomesDual ? 'kube-apiserver' : 'kube-controller-manager' });
  }
  await tell(writer, current, { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' }, clock.now());
}

async function close(core: Core, object: Stored<ServiceCIDR>): Promise<void> {
  const { writer, clock } = core;
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(FINALIZER)) return;
  if (await isNeeded(core, object)) {
    const message = 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';
    return tell(writer, object, { status: 'False', reason: 'Terminating', message }, clock.now());
  }
  if (clock.now() - Date.parse(object.metadata.deletionTimestamp ?? '') < GRACE_MS) return;
  await writer.update(servicecidrs, { ...object, metadata: { ...object.metadata, finalizers: finalizers.filter((name) => name !== FINALIZER) } } as unknown as ApiObject, undefined, { manager: 'kube-controller-manager' });
}

/** Whether some address stands in no other range. */
async function isNeeded({ store, reader }: Core, object: Stored<ServiceCIDR>): Promise<boolean> {
  const others = reader.list(servicecidrs).filter(({ metadata }) => metadata.name !== object.metadata.name && metadata.deletionTimestamp === undefined).flatMap(({ spec }) => spec?.cidrs ?? []);
  const orphaned = (object.spec?.cidrs ?? []).filter((cidr) => !others.some((other) => other === cidr || isWithin(cidr, other)));
  if (orphaned.length === 0) return false;
  for (const { key } of (await store.list(ADDRESSES)).entries) {
    const address = key.slice(ADDRESSES.length);
    const alone = `${address}/${address.includes(':') ? 128 : 32}`;
    if (orphaned.some((cidr) => isWithin(alone, cidr)) && !others.some((cidr) => isWithin(alone, cidr))) return true;
  }
  return false;
}

function isWithin(part: string, whole: string): boolean {
  const [a, b] = [parseCidr(part), parseCidr(whole)];
  return a !== undefined && b !== undefined && isStrictlyWithin(a, b);
}

/** What its status is owned by, which upstream's controllers look after. */
const MANAGER = 'service-cidr-controller';
const DEFAULT_MANAGER = 'kubernetes-service-cidr-controller';

function headOf({ metadata: { name } }: Stored<ServiceCIDR>): ApiObject {
  return { kind: 'ServiceCIDR', apiVersion: groupVersion(servicecidrs.group, servicecidrs.version), metadata: { name } };
}

interface Ready {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

async function tell(writer: Core['writer'], object: Stored<ServiceCIDR>, ready: Ready, nowMs: number): Promise<void> {
  const conditions = object.status?.conditions ?? [];
  const known = conditions.find(({ type }) => type === 'Ready');
  if (known?.status === ready.status && (known.reason ?? '') === ready.reason && known.message === ready.message) return;
  const condition = { type: 'Ready', ...ready, lastTransitionTime: known?.status === ready.status ? known.lastTransitionTime : timestamp(nowMs) };
  await writer.applyStatus(servicecidrs, { ...headOf(object), status: { conditions: [condition] } }, MANAGER);
}

/** Another server does the same. */
async function tolerant(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isReason(error, 'AlreadyExists') && !isReason(error, 'Conflict') && !isReason(error, 'NotFound')) throw error;
  }
}
