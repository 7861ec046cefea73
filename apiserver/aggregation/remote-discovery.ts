/** What aggregated APIs serve, as they say it themselves, kept for discovery: the last good answer, marked stale while there is no better. */
import { ApiError } from '../../api/status.ts';
import { backoff } from '../../std/backoff.ts';
import type { APIServiceSpec } from '../../api/types/apiregistration.v1.ts';
import type { Clock, Timer } from '../../std/clock.ts';
import { fetchFrom } from './fetch.ts';
import type { Remote } from './remote.ts';
import { resourcesOf, type DiscoveredVersion } from './legacy-discovery.ts';

export interface RemoteVersion {
  readonly group: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  readonly discovered: DiscoveredVersion;
}

const REFRESH_MS = 60_000;
const RETRY = { baseMs: 500, limitMs: REFRESH_MS };
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

interface Kept {
  readonly remote: Remote;
  readonly available: () => boolean;
  version: DiscoveredVersion;
  timer: Timer | undefined;
  reading: boolean;
  again: boolean;
  failures: number;
}

export class RemoteDiscovery {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #declared = new Map<string, RemoteVersion>();
  readonly #listeners = new Set<() => void>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  get versions(): readonly RemoteVersion[] {
    return [...this.#kept.values()].map(({ remote, version }) => ({
      group: remote.group, groupPriority: remote.groupPriority, versionPriority: remote.versionPriority, discovered: version,
    }));
  }

  /** Those, and what APIServices without a Service name that nobody serves: `/apis` lists it all the same. */
  listed(serves: (group: string, version: string) => boolean): readonly RemoteVersion[] {
    return [...this.versions, ...[...this.#declared.values()].filter(({ group, discovered: { version } }) => group !== '' && !serves(group, version))];
  }

  declare(name: string, { group = '', version = '', groupPriorityMinimum, versionPriority }: APIServiceSpec): void {
    this.#declared.set(name, { group, groupPriority: groupPriorityMinimum, versionPriority, discovered: { version, resources: [], freshness: 'Current' } });
    this.#changed();
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  add(remote: Remote, available: () => boolean): void {
    const kept: Kept = { remote, available, version: { version: remote.version, resources: [], freshness: 'Stale' }, timer: undefined, reading: false, again: false, failures: 0 };
    this.#kept.set(remote.name, kept);
    this.#changed();
    void this.#read(kept);
  }

  /** Something about it has changed. */
  refresh(name: string): void {
    const kept = this.#kept.get(name);
    if (kept) void this.#read(kept);
  }

  remove(name: string): void {
    const kept = this.#kept.get(name);
    kept?.timer?.cancel();
    const known = this.#declared.delete(name);
    if (this.#kept.delete(name) || known) this.#changed();
  }

  close(): void {
    for (const name of this.#kept.keys()) this.remove(name);
    this.#listeners.clear();
  }

  async #read(kept: Kept): Promise<void> {
    if (kept.reading) return void (kept.again = true);
    kept.reading = true;
    kept.again = false;
    kept.timer?.cancel();
    let next: DiscoveredVersion;
    try {
      next = { ...(await this.#fetch(kept)), freshness: 'Current' };
      kept.failures = 0;
    } catch {
      next = { ...kept.version, freshness: 'Stale' };
      kept.failures++;
    }
    kept.reading = false;
    if (this.#kept.get(kept.remote.name) !== kept) return;
    const changed = JSON.stringify(next) !== JSON.stringify(kept.version);
    kept.version = next;
    if (changed) this.#changed();
    kept.timer = this.#clock.after(kept.again ? 0 : kept.failures > 0 ? backoff(kept.failures, RETRY) : REFRESH_MS, () => void this.#read(kept));
  }

  async #fetch({ remote, available }: Kept): Promise<Omit<DiscoveredVersion, 'freshness'>> {
    const { group, version } = remote;
    if (!available()) throw new ApiError({ code: 503, message: 'service unavailable' });
    const whole = await fetchFrom(remote, this.#clock, { path: '/apis', headers: { accept: AGGREGATED } });
    if (whole.code === 200 && String(whole.headers['content-type']).includes('as=APIGroupDiscoveryList')) {
      const { items = [] } = JSON.parse(whole.bytes.toString()) as { items?: { metadata?: { name?: string }; versions?: DiscoveredVersion[] }[] };
      const found = items.find(({ metadata }) => metadata?.name === group)?.versions?.find((one) => one.version === version);
      return { version, resources: found?.resources ?? [] };
    }
    if (whole.code === 503) throw new ApiError({ code: 503, message: 'service unavailable' });
    const legacy = await fetchFrom(remote, this.#clock, { path: `/apis/${group}/${version}`, headers: { accept: 'application/json' }, user: { name: 'system:kube-aggregator', groups: [] } });
    if (legacy.code !== 200) throw new ApiError({ code: legacy.code, message: `failed to download legacy discovery for /apis/${group}/${version}` });
    return { version, resources: resourcesOf(JSON.parse(legacy.bytes.toString()) as object) };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
