/** What goes wrong, drawn by lot: weather, crashes, cuts, lost nodes, jumping clocks, a failing store, two leaders. */
import { leases, nodes } from '../../api/resources.ts';
import type { Client } from '../../client/client.ts';
import { NodePart } from '../../cluster/node.ts';
import { sleep } from '../../std/clock.ts';
import { below, type Random } from '../../std/random.ts';
import { FAIR, MAX_DELAY_MS, MAX_STALL_MS, MAX_STORE_STALL_MS } from './weather.ts';
import type { Component, World } from './world.ts';

export interface NemesisOptions {
  readonly world: World;
  readonly random: Random;
  readonly client: Client;
  readonly note: (line: string) => void;
  /** Two may lead for a moment. */
  readonly relax: () => void;
  /** The clock on the wall jumps. */
  readonly shifted: () => void;
  /** Whether anybody asks the webhook. */
  readonly hasHooks: boolean;
  /** Whether anybody scales by load: autoscalers take a pod that started later than now for one that is starting, and wait as long as the clock went back. */
  readonly hasScalers: boolean;
}

const PAUSE_MS = 15_000;
const MAX_SHIFT_MS = 600_000;
const MAX_LEAP_MS = 90_000;

export class Nemesis {
  readonly #options: NemesisOptions;
  #stopped = false;
  #stalledUntil = -Infinity;
  /** What the clock on the wall has been put by. */
  #shiftedMs = 0;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { world: { time }, random } = this.#options;
    while (!this.#stopped) {
      await sleep(time, PAUSE_MS * (0.2 + 1.6 * random.next()));
      if (!this.#stopped) this.#strike();
    }
  }

  /** All is well from now on: everybody runs, reaches everybody, and nothing gets lost. */
  async end(): Promise<void> {
    const { world, note, shifted } = this.#options;
    this.#stopped = true;
    note('nemesis: ends');
    // What is dated in a future that is far away cannot settle.
    if (this.#shiftedMs < 0) {
      world.time.shift(-this.#shiftedMs);
      shifted();
    }
    world.store.weather = FAIR;
    world.hooks.mood = 'well';
    world.store.onWritten = undefined;
    for (const api of world.apis) await api.start();
    for (const { part, sky } of world.components) {
      sky.clear();
      part.heal();
      void part.start();
    }
  }

  #strike(): void {
    const { random, world } = this.#options;
    const one = world.components[below(random, world.components.length)] as Component;
    const menu: readonly (readonly [number, () => void])[] = [
      [25, () => this.#badWeather(one)],
      [10, () => this.#dropWatches(one)],
      [10, () => this.#stall(one)],
      [12, () => this.#crash(one)],
      [3, () => this.#crashPair()],
      [10, () => this.#partition(one)],
      [6, () => this.#crashApi()],
      [6, () => this.#failStore()],
      [5, () => this.#loseNode(one)],
      [3, () => this.#shift()],
      [2, () => this.#leap()],
      [3, () => this.#stealLease()],
      [5, () => this.#stallStore()],
      [4, () => this.#compact()],
      [this.#options.hasHooks ? 12 : 0, () => this.#troubleHooks()],
    ];
    let left = random.next() * menu.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, strike] of menu) if ((left -= weight) < 0) return strike();
  }

  #later(maxMs: number, then: () => void): void {
    const { world: { time }, random } = this.#options;
    time.after(500 + random.next() * maxMs, () => {
      if (!this.#stopped) then();
    });
  }

  #badWeather({ name, sky }: Component): void {
    const { random, note } = this.#options;
    const part = (limit: number): number => (random.next() < 0.6 ? random.next() * limit : 0);
    sky.weather = { refuse: part(0.4), lose: part(0.3), conflict: part(0.3), delay: part(0.5), delayMs: MAX_DELAY_MS };
    note(`nemesis: bad weather over ${name} ${JSON.stringify(sky.weather)}`);
    this.#later(60_000, () => {
      note(`nemesis: fair weather over ${name}`);
      sky.weather = FAIR;
    });
  }

  #dropWatches({ name, sky }: Component): void {
    const { random, note } = this.#options;
    sky.expired = random.next() < 0.5;
    note(`nemesis: watches of ${name} end${sky.expired ? ' and have expired' : ''}`);
    sky.dropWatches();
    this.#later(20_000, () => (sky.expired = false));
  }

  #stall({ name, sky }: Component): void {
    const { world: { time }, random, note } = this.#options;
    const ms = random.next() * MAX_STALL_MS;
    const salt = random.next() < 0.5 ? undefined : below(random, 1000);
    note(`nemesis: ${salt === undefined ? 'watches' : `some watches (${salt})`} of ${name} stall for ${ms.toFixed(0)} ms`);
    sky.stalls = (resource) => salt === undefined || hashOf(resource + String(salt)) % 2 === 0;
    sky.stalledUntil = time.monotonic() + ms;
  }

  #crash({ name, part }: Component): void {
    const { note } = this.#options;
    if (!part.isRunning) return;
    note(`nemesis: ${name} crashes`);
    part.crash();
    this.#later(40_000, () => {
      note(`nemesis: ${name} starts`);
      void part.start();
    });
  }

  /** Nobody is left to take over. */
  #crashPair(): void {
    const { world, random } = this.#options;
    const name = random.next() < 0.7 ? 'controllers' : 'scheduler';
    for (const i of [0, 1]) this.#crash(world.component(`${name}-${i}`));
  }

  /** Who comes back may write before he has heard what happened meanwhile. */
  #partition({ name, part }: Component): void {
    const { note, relax } = this.#options;
    note(`nemesis: ${name} is cut off`);
    part.partition();
    this.#later(90_000, () => {
      note(`nemesis: ${name} is back`);
      if (name.startsWith('controllers')) relax();
      part.heal();
    });
  }

  #crashApi(): void {
    const { world, random, note } = this.#options;
    const i = below(random, world.apis.length);
    const api = world.apis[i];
    if (!api?.isRunning) return;
    const crash = (when: string): void => {
      if (!api.isRunning || this.#stopped) return;
      note(`nemesis: API server ${i} crashes${when}`);
      api.crash();
      this.#later(30_000, () => this.#startApi(i));
    };
    if (random.next() < 0.5) return crash('');
    world.store.onWritten = () => crash(' in the middle of a write');
  }

  #startApi(i: number): void {
    const { world, note } = this.#options;
    note(`nemesis: API server ${i} starts`);
    // Who crashes again meanwhile is started again, too.
    world.apis[i]?.start().catch(() => note(`nemesis: API server ${i} crashed before it was ready`));
  }

  #failStore(): void {
    const { world, random, note } = this.#options;
    world.store.weather = { ...FAIR, refuse: random.next(), lose: random.next() * 0.2 };
    note(`nemesis: the store fails ${JSON.stringify(world.store.weather)}`);
    if (random.next() < 0.5) world.store.dropWatches();
    this.#later(10_000, () => {
      note('nemesis: the store works');
      world.store.weather = FAIR;
    });
  }

  /** Power fails, for a while or for good; then somebody takes the Node away and puts up another. */
  #loseNode(one: Component): void {
    const { world, random, note, client } = this.#options;
    const { part, name } = one;
    if (!(part instanceof NodePart) || !part.isRunning) return;
    if (random.next() < 0.7) {
      note(`nemesis: ${name} loses power`);
      part.powerOff();
      this.#later(120_000, () => {
        note(`nemesis: ${name} boots`);
        void part.start();
      });
      return;
    }
    const fresh = world.addNode();
    note(`nemesis: ${name} is lost for good, ${fresh.name} takes its place`);
    world.removeNode(one);
    void fresh.part.start();
    void this.#forget(client, name);
  }

  async #forget(client: Client, name: string): Promise<void> {
    for (;;) {
      await sleep(this.#options.world.time, 5_000);
      if (await client.delete(nodes, { name }).then(() => true, (error: { code?: number }) => error.code === 404)) return;
    }
  }

  /** Everybody who reads hears late of what is written, or who asks one of the two API servers. Never both: nobody is later than he may be. */
  #stallStore(): void {
    const { world, random, note } = this.#options;
    const ms = random.next() * MAX_STORE_STALL_MS;
    const which = below(random, 4);
    const now = world.time.monotonic();
    if (now < this.#stalledUntil) return;
    this.#stalledUntil = now + ms;
    note(`nemesis: watches of the store${which < 2 ? ` by API server ${which}` : ''} stall for ${ms.toFixed(0)} ms`);
    (world.views[which] ?? world.store).stall(ms);
  }

  /** Whose watch ends then, or who was away, finds that what he knew last is no more. */
  #compact(): void {
    const { world, random, note } = this.#options;
    const drops = random.next() < 0.7;
    note(`nemesis: the store forgets its history${drops ? ', and watches end' : ''}`);
    void world.truth.revision().then((revision) => world.truth.compact(revision));
    if (drops) (world.views[below(random, 3)] ?? world.store).dropWatches();
  }

  #troubleHooks(): void {
    const { world: { hooks }, random, note } = this.#options;
    const mood = (['down', 'slow', 'refuses', 'babbles'] as const)[below(random, 4)] ?? 'down';
    note(`nemesis: the webhook is ${mood}`);
    hooks.mood = mood;
    this.#later(40_000, () => {
      note('nemesis: the webhook is well');
      hooks.mood = 'well';
    });
  }

  #shift(): void {
    const { world: { time }, random, note, shifted, hasScalers } = this.#options;
    const drawn = Math.round((random.next() - 0.5) * 2 * MAX_SHIFT_MS);
    const ms = hasScalers ? Math.abs(drawn) : drawn;
    note(`nemesis: the clock on the wall jumps by ${ms} ms`);
    time.shift(ms);
    this.#shiftedMs += ms;
    shifted();
  }

  /** As when the machine under all of it slept: who led goes on for a moment, though his time is over. */
  #leap(): void {
    const { world: { time }, random, note, relax, shifted } = this.#options;
    const ms = Math.round(random.next() * MAX_LEAP_MS);
    note(`nemesis: everything sleeps for ${ms} ms`);
    time.leap(ms);
    shifted();
    relax();
  }

  #stealLease(): void {
    const { random, note, relax, client } = this.#options;
    const name = random.next() < 0.5 ? 'kube-controller-manager' : 'kube-scheduler';
    note(`nemesis: the lease ${name} is deleted`);
    relax();
    void client.delete(leases, { namespace: 'kube-system', name }).catch(() => undefined);
  }
}

function hashOf(text: string): number {
  let hash = 7;
  for (const character of text) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0;
  return hash >>> 3;
}
