/** What verbs and subresources share: the parts of one running API server. */
import type { Clock } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import type { Admission } from './admit.ts';
import type { Authorizer } from './auth/auth.ts';
import type { Reader, Writer } from './auth/reader.ts';
import type { Registry } from './registry/registry.ts';
import type { Store } from './storage/store.ts';

export interface Core {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly reader: Reader;
  readonly writer: Writer;
  readonly authorizer: Authorizer;
  readonly admission: Admission;
  readonly hooks: WriteHooks;
  readonly log: Log;
  /** A watch that names no time lasts between once and twice this. */
  readonly watchLastsMs: number;
}

export interface Log {
  info(message: string): void;
  error(message: string, error?: unknown): void;
}

/** What goes with the writes of some kinds beyond their own bytes: addresses and ports of Services. */
export interface WriteHooks {
  /** Before the strategy sees the object: may complete it. Returns what to do when the write came about, or not. */
  begin(change: Change): Promise<Settle> | undefined;
  /** After the object went. */
  ended(change: Change): Promise<void>;
}

export interface Change {
  readonly resource: string;
  readonly group: string;
  /** Undefined: deleted. */
  readonly object: import('../api/kind.ts').ApiObject | undefined;
  readonly old: Readonly<import('../api/kind.ts').ApiObject> | undefined;
  readonly dryRun: boolean;
}

export interface Settle {
  commit(): Promise<void>;
  rollback(): Promise<void>;
}
