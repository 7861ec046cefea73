/** What goes with writes of Services: their addresses and ports, given when they are made and given back when they go. */
import type { Random } from '../../std/random.ts';
import type { Clock } from '../../std/clock.ts';
import type { Reader } from '../auth/reader.ts';
import type { Core, WriteHooks } from '../core.ts';
import type { Store } from '../storage/store.ts';

export interface ServiceHooks extends WriteHooks {
  /** At start: what is in use is reserved, what is not is free. */
  repair(): Promise<void>;
  advertise(core: Core, address: string, port: number): Promise<void>;
  close(): void;
}

export interface AllocationOptions {
  readonly store: Store;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly random: Random;
  readonly serviceRange?: string;
  readonly nodePortRange?: { readonly from: number; readonly to: number };
}

export function serviceHooks(options: AllocationOptions): ServiceHooks {
  void options;
  return { before: () => undefined, repair: async () => undefined, advertise: async () => undefined, close: () => undefined };
}
