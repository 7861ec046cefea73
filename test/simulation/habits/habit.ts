/** What a habit of users is: acts that are drawn by lot, on top of what everybody does. */
import { ApiError } from '../../../api/status.ts';
import type { Client } from '../../../client/client.ts';
import type { Clock } from '../../../std/clock.ts';
import { below, type Random } from '../../../std/random.ts';

export type Menu = readonly (readonly [weight: number, act: () => Promise<unknown>])[];

export interface Habit {
  /** What must stand before it can be indulged in. */
  begin(): Promise<void>;
  menu(): Menu;
  /** All is to become well: what would keep it from that is taken back. */
  end?(): Promise<void>;
}

/** What all habits share. */
export class People {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly #note: (line: string) => void;
  #made = 0;

  constructor({ client, clock, random, note }: { readonly client: Client; readonly clock: Clock; readonly random: Random; readonly note: (line: string) => void }) {
    this.client = client;
    this.clock = clock;
    this.random = random;
    this.#note = note;
  }

  /** Never twice the same. */
  number(): number {
    return this.#made++;
  }

  pick<T>(from: readonly T[]): T {
    return from[below(this.random, from.length)] as T;
  }

  /** Says what is done, and what came of it; whether it was done. */
  async attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
    this.#note(`user: ${what}`);
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#note(`user: ${what}: ${error.reason}`);
      return false;
    }
  }

  /** Until it is done. */
  async insist(what: string, work: () => Promise<unknown>): Promise<void> {
    const done = (): Promise<boolean> =>
      this.attempt(what, () => work().catch((error: unknown) => {
        if (!(error instanceof ApiError) || (error.reason !== 'NotFound' && error.reason !== 'AlreadyExists')) throw error;
      }));
    while (!(await done())) await this.clockTick();
  }

  clockTick(): Promise<void> {
    return new Promise((resolve) => this.clock.after(RETRY_MS, resolve));
  }
}

const RETRY_MS = 5_000;
