/** What a rule is: it hears every write in its order, and says what must not have been. */
import type { ApiCall } from '../../../api/request.ts';
import { MAX_DELAY_MS, MAX_STALL_MS, MAX_STORE_STALL_MS } from '../weather.ts';
import type { Raw } from '../picture.ts';

/** So long somebody may not have heard of a change: stalled watches, and a call that was held up. */
export const UNHEARD_MS = MAX_STALL_MS + MAX_STORE_STALL_MS + 2 * MAX_DELAY_MS;

export interface Scene {
  /** Milliseconds that pass evenly. */
  monotonic(): number;
  /** The clock on the wall. */
  wall(): number;
  /** How long the clock on the wall has gone evenly. */
  steadyMs(): number;
  /** Two may lead now, and know nothing of each other. */
  isRelaxed(): boolean;
  say(violation: string): void;
}

/** `now` is absent when the object has been deleted, `before` when it has been created. */
export interface Write {
  readonly now: Raw | undefined;
  readonly before: Raw | undefined;
}

export interface Rule {
  changed(write: Write): void;
  /** It may have been carried out or not; nobody was told. */
  unsure?(call: ApiCall): void;
}

/** What has been true without a break, and since when. */
export class Held {
  readonly #since = new Map<string, number>();

  set(what: string, isTrue: boolean, at: number): void {
    if (!isTrue) this.#since.delete(what);
    else if (!this.#since.has(what)) this.#since.set(what, at);
  }

  /** Whether everybody can know of it by now. */
  isKnown(what: string, at: number): boolean {
    return at - (this.#since.get(what) ?? Infinity) > UNHEARD_MS;
  }

  has(what: string): boolean {
    return this.#since.has(what);
  }

  since(what: string): number | undefined {
    return this.#since.get(what);
  }
}

export function keyOf({ metadata: { namespace, name } }: Raw): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function isDeleting({ metadata }: Raw): boolean {
  return metadata.deletionTimestamp !== undefined;
}

export function hasCondition({ status }: Raw, wanted: string, is = 'True'): boolean {
  const conditions = (status?.['conditions'] as readonly { readonly type: string; readonly status: string }[] | undefined) ?? [];
  return conditions.some(({ type, status: found }) => type === wanted && found === is);
}
