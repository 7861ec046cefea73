/** Devices: each has one claim, and a pod is placed only where all of its claims have theirs, kept for it. */
import type { Raw } from '../picture.ts';
import { UNHEARD_MS, isDeleting, keyOf, type Rule, type Scene, type Write } from './rule.ts';

interface ClaimStatus {
  readonly allocation?: { readonly devices?: { readonly results?: readonly { readonly driver: string; readonly pool: string; readonly device: string }[] } };
  readonly reservedFor?: readonly { readonly uid: string }[];
}

/** Undefined: one of them has no name yet. */
export function deviceClaimsOf({ metadata: { namespace }, spec, status }: Raw): (string | undefined)[] {
  const wanted = (spec?.['resourceClaims'] as readonly { readonly name: string; readonly resourceClaimName?: string }[] | undefined) ?? [];
  const named = (status?.['resourceClaimStatuses'] as readonly { readonly name: string; readonly resourceClaimName?: string }[] | undefined) ?? [];
  return wanted.map((one) => {
    const name = one.resourceClaimName ?? named.find((other) => other.name === one.name)?.resourceClaimName;
    return name === undefined ? undefined : `${namespace}/${name}`;
  });
}

/** Pools are named after their nodes. */
export function devicesOf(claim: Raw): readonly { readonly id: string; readonly node: string }[] {
  return ((claim.status ?? {}) as ClaimStatus).allocation?.devices?.results?.map(({ driver, pool, device }) => ({ id: `${driver}/${pool}/${device}`, node: pool })) ?? [];
}

export function reservedFor({ status }: Raw): readonly string[] {
  return ((status ?? {}) as ClaimStatus).reservedFor?.map(({ uid }) => uid) ?? [];
}

export function deviceRule(scene: Scene): Rule {
  const claims = new Map<string, Raw>();
  /** Pods that are placed, live and want devices. */
  const pods = new Map<string, Raw>();
  let unsureUntil = -Infinity;

  const claimSet = ({ now, before }: Write): void => {
    const raw = (now ?? before) as Raw;
    const text = `claim ${keyOf(raw)}`;
    const users = before ? reservedFor(before).filter((uid) => pods.has(uid)) : [];
    const kept = now ? reservedFor(now) : [];
    for (const uid of users) if (!kept.includes(uid)) scene.say(`${text} is no longer kept for ${pods.get(uid)?.metadata.name}, which uses it`);
    if (!now) return void claims.delete(raw.metadata.uid);
    claims.set(raw.metadata.uid, now);
    const [is, was] = [devicesOf(now), before ? devicesOf(before) : []];
    if (was.length > 0 && is.length > 0 && was.some(({ id }, i) => is[i]?.id !== id)) scene.say(`${text} went from ${was.map(({ id }) => id).join()} to ${is.map(({ id }) => id).join()}`);
    if (was.length > 0 || scene.isRelaxed() || unsureUntil > scene.monotonic()) return;
    for (const { id } of is) {
      const rival = [...claims.values()].find((other) => other.metadata.uid !== now.metadata.uid && devicesOf(other).some((device) => device.id === id));
      if (rival) scene.say(`${text} was given ${id}, which ${keyOf(rival)} has`);
    }
  };

  const placed = (pod: Raw, node: string): void => {
    const text = `pod ${keyOf(pod)} was put on ${node}`;
    const byKey = new Map([...claims.values()].map((claim) => [keyOf(claim), claim]));
    for (const key of deviceClaimsOf(pod)) {
      const claim = key === undefined ? undefined : byKey.get(key);
      if (!claim) scene.say(`${text} without its claim ${key}`);
      else if (!reservedFor(claim).includes(pod.metadata.uid)) scene.say(`${text}, though ${key} is not kept for it`);
      else if (devicesOf(claim).length === 0 || devicesOf(claim).some((device) => device.node !== node)) scene.say(`${text}, though ${key} has ${devicesOf(claim).map(({ id }) => id).join() || 'nothing'}`);
    }
  };

  const podSet = ({ now, before }: Write): void => {
    const raw = (now ?? before) as Raw;
    if (deviceClaimsOf(raw).length === 0) return;
    const phase = now?.status?.['phase'];
    const lives = now !== undefined && phase !== 'Succeeded' && phase !== 'Failed';
    const node = raw.spec?.['nodeName'] as string | undefined;
    if (lives && node !== undefined) pods.set(raw.metadata.uid, now);
    else pods.delete(raw.metadata.uid);
    if (lives && node !== undefined && before && before.spec?.['nodeName'] === undefined && !isDeleting(now)) placed(now, node);
  };

  return {
    unsure({ resource }) {
      if (resource === 'resourceclaims') unsureUntil = scene.monotonic() + UNHEARD_MS;
    },
    changed(write) {
      const { kind } = (write.now ?? write.before) as Raw;
      if (kind === 'Pod') podSet(write);
      if (kind === 'ResourceClaim') claimSet(write);
    },
  };
}
