/** The OpenAPI documents of aggregated APIs: one of version 2 that is merged into this server's, and entries in the index of version 3. */
import type { Clock, Timer } from '../../std/clock.ts';
import { convertSwagger } from './convert-openapi.ts';
import { fetchFrom } from './fetch.ts';
import { mergeSwagger } from './merge-openapi.ts';
import type { Remote } from './remote.ts';

type Json = Record<string, unknown>;

const REFRESH_MS = 60_000;
/** The server says that it has none. */
const MISSING: Json = {};

interface Kept {
  readonly remote: Remote;
  readonly available: () => boolean;
  /** The URL of its document of version 3. */
  entry: Json | undefined;
  /** It has no document of version 3: this one is made of its document of version 2. */
  converted: Json | undefined;
  swagger: Json | undefined;
  timer: Timer | undefined;
  reading: boolean;
}

export class RemoteOpenApi {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #listeners = new Set<() => void>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Entries of the index of version 3, by path: `apis/metrics.k8s.io/v1beta1`. */
  get index(): Readonly<Record<string, Json>> {
    return Object.fromEntries([...this.#kept.values()].flatMap(({ remote, entry }) => (entry ? [[pathOf(remote), entry] as const] : [])));
  }

  /** Documents of version 3 of those who have none themselves, by path. */
  get converted(): ReadonlyMap<string, Json> {
    return new Map([...this.#kept.values()].flatMap(({ remote, converted }) => (converted ? [[pathOf(remote), converted] as const] : [])));
  }

  /** This server's document of version 2 with those of the others. */
  merged(own: Json): Json {
    return [...this.#kept.values()].reduce((sum, { remote, swagger }) => (swagger ? mergeSwagger(sum, swagger, `/apis/${remote.group}/${remote.version}`) : sum), own);
  }

  add(remote: Remote, available: () => boolean): void {
    const kept: Kept = { remote, available, entry: undefined, converted: undefined, swagger: undefined, timer: undefined, reading: false };
    this.#kept.set(remote.name, kept);
    void this.#read(kept);
  }

  /** Something about it has changed. What is not there yet is asked for now, the rest in its time. */
  refresh(name: string): void {
    const kept = this.#kept.get(name);
    if (kept && !kept.swagger && !kept.entry) void this.#read(kept);
  }

  remove(name: string): void {
    const kept = this.#kept.get(name);
    kept?.timer?.cancel();
    if (this.#kept.delete(name) && (kept?.entry || kept?.swagger)) this.#changed();
  }

  close(): void {
    for (const name of this.#kept.keys()) this.remove(name);
    this.#listeners.clear();
  }

  async #read(kept: Kept): Promise<void> {
    const { remote, available } = kept;
    if (kept.reading) return;
    kept.reading = true;
    kept.timer?.cancel();
    const before = JSON.stringify([kept.entry, kept.swagger, kept.converted]);
    if (available()) {
      const index = await this.#json(remote, '/openapi/v3');
      const swagger = await this.#json(remote, '/openapi/v2');
      // What it served last stays while it cannot be asked.
      if (index && index !== MISSING) kept.entry = (index['paths'] as Record<string, Json> | undefined)?.[pathOf(remote)];
      if (swagger && swagger !== MISSING) kept.swagger = swagger;
      if (index === MISSING) {
        kept.entry = undefined;
        kept.converted = kept.swagger && convertSwagger(kept.swagger);
      } else if (index) kept.converted = undefined;
    }
    kept.reading = false;
    if (this.#kept.get(remote.name) !== kept) return;
    if (JSON.stringify([kept.entry, kept.swagger, kept.converted]) !== before) this.#changed();
    kept.timer = this.#clock.after(REFRESH_MS, () => void this.#read(kept));
  }

  /** Undefined: nobody knows. */
  async #json(remote: Remote, path: string): Promise<Json | undefined> {
    try {
      const { code, bytes } = await fetchFrom(remote, this.#clock, { path, headers: { accept: 'application/json' } });
      if (code === 404) return MISSING;
      return code === 200 ? (JSON.parse(bytes.toString()) as Json) : undefined;
    } catch {
      return undefined;
    }
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function pathOf({ group, version }: Remote): string {
  return `apis/${group}/${version}`;
}
