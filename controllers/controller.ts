/**
 * The controller waist: what a controller is to the runner.
 *
 * `reconcile` is pure: a key and a readonly view of the caches in, actions out. It never learns which event woke it. The
 * runner (`run.ts`) executes actions in order, stops at the first failure, requeues with back-off, and does not run a key
 * again until its caches have seen that key's own last write: that takes the place of expectations.
 */
import type { Cache, Client, Informer, InformerOptions, ObjectKey, Patch, Selection, Stored } from '../client/client.ts';
import type { Rest } from '../client/queue.ts';
import type { ResourceRef } from '../api/resources.ts';
import type { Clock } from '../std/clock.ts';
import type { Meter } from '../std/meter.ts';
import type { Random } from '../std/random.ts';

/** `namespace/name`, or `name` for cluster-scoped kinds. */
export type Key = string;

/** Readonly access to everything a controller watches. Asking for a resource that it does not watch throws. */
export interface View {
  of<T>(resource: ResourceRef<T>): Cache<T>;
}

/** One resource that a controller watches, and which of its keys a change there concerns. */
export interface WatchSpec<T = unknown> {
  readonly resource: ResourceRef<T>;
  readonly selection?: Selection;
  readonly indexes?: Readonly<Record<string, (object: Stored<T>) => readonly string[]>>;
  /** The keys to reconcile. On an update it is called for both states. */
  readonly keys: (object: Stored<T>, view: View) => Iterable<Key>;
  /** Changes that cannot matter are dropped before they cost a reconcile. */
  readonly matters?: (previous: Stored<T>, next: Stored<T>) => boolean;
  /** How long changes are gathered before the keys run. */
  readonly batchMs?: number;
}

/** A watch in a list of watches on different kinds. */
export function watch<T>(spec: WatchSpec<T>): WatchSpec<never> {
  return spec as unknown as WatchSpec<never>;
}

export interface Moment {
  readonly now: number;
  readonly random: Random;
}

export interface Outcome {
  readonly actions: readonly Action[];
  /** Run this key again after this time, whatever happens. */
  readonly requeueAfterMs?: number;
}

export type Action =
  | {
      readonly do: 'create';
      readonly resource: ResourceRef<unknown>;
      /** Without a name the server gives it one, after its generateName. */
      readonly object: unknown;
      /** An existing object is success. */
      readonly tolerateExisting?: boolean;
      /** What to say when it is there; the name that it got is put at the end of the message. */
      readonly announce?: Extract<Action, { do: 'event' }>;
    }
  | { readonly do: 'update'; readonly resource: ResourceRef<unknown>; readonly object: unknown; readonly subresource?: 'status' | 'scale' | 'finalize' }
  | { readonly do: 'patch'; readonly resource: ResourceRef<unknown>; readonly key: ObjectKey; readonly patch: Patch; readonly subresource?: 'status'; /** An object that is gone is success. */ readonly tolerateMissing?: boolean }
  | { readonly do: 'apply'; readonly resource: ResourceRef<unknown>; readonly object: unknown; readonly force?: boolean; readonly fieldManager?: string; readonly subresource?: 'status' }
  | {
      readonly do: 'delete';
      readonly resource: ResourceRef<unknown>;
      readonly key: ObjectKey;
      readonly uid?: string;
      readonly resourceVersion?: string;
      readonly gracePeriodSeconds?: number;
      readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
    }
  | { readonly do: 'evict'; readonly key: ObjectKey; readonly uid?: string }
  /** Asks the server itself where a late cache would do harm: what follows is done only if this holds for what is there now. */
  | { readonly do: 'confirm'; readonly resource: ResourceRef<unknown>; readonly namespace: string; readonly holds: (objects: readonly Stored<unknown>[]) => boolean; readonly otherwise: string }
  /** Sequences that need not wait for each other: first one, then two, four, … at a time, and no more once one has failed. */
  | { readonly do: 'together'; readonly sequences: readonly (readonly Action[])[] }
  | { readonly do: 'event'; readonly about: EventSubject; readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };

export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion?: string;
  readonly fieldPath?: string;
}

export interface Controller {
  /** As in `--controllers`: `deployment-controller`. */
  readonly name: string;
  /** Its ServiceAccount in kube-system, where that is called differently. */
  readonly account?: string;
  /** The source of its events, where that is called differently from the account. */
  readonly component?: string;
  /** Runs only where it is named. */
  readonly offByDefault?: boolean;
  readonly watches: readonly WatchSpec<never>[];
  /** How many keys at a time; a key is never reconciled twice at once. */
  readonly workers?: number;
  /** How long a key rests after a failure, where that is not the queue's own measure. */
  readonly rest?: Rest;
  reconcile(key: Key, view: View, moment: Moment): Outcome;
  /** An action was refused: what to do about it besides trying again (an event, say). Pure too. */
  readonly onRefused?: (key: Key, action: Action, error: Error, view: View, moment: Moment) => readonly Action[];
}

/**
 * For the few that cannot have the shape above (garbage collector, namespace deletion, node heartbeats); each says why in
 * its first line. The runner starts it with the same tools and stops it with the signal.
 */
export interface FreeController {
  readonly name: string;
  readonly account?: string;
  readonly component?: string;
  readonly offByDefault?: boolean;
  run(tools: ControllerTools, signal: AbortSignal): Promise<void>;
}

export interface ControllerTools {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly informer: <T>(resource: ResourceRef<T>, options?: InformerOptions<T>) => Informer<T>;
  readonly event: (action: Extract<Action, { do: 'event' }>) => void;
  readonly log: Log;
  /** How many keys at a time, where that was asked for. */
  readonly workers?: number;
  /** Counts what queues do. */
  readonly meter?: Meter;
}

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
