/** What is told of one piece of work, and the piece that is being worked on: spans of a request within spans. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../std/clock.ts';
import type { Random } from '../../std/random.ts';
import { randomId } from './trace-context.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** Default: work within the process. */
  readonly kind?: 'internal' | 'server' | 'client';
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly failed: boolean;
}

/** What further spans belong to. */
export interface Active {
  readonly traceId: string;
  readonly spanId: string;
  readonly exporter: Exporter;
  readonly random: Random;
  readonly clock: Clock;
}

interface Place {
  active: Active | undefined;
}

const current = new AsyncLocalStorage<Place>();

/** Within `run` spans may begin: the first step that decides so calls `begin`. Only servers that trace go through this. */
export function traced<T>(run: () => T): T {
  return current.run({ active: undefined }, run);
}

export function begin(active: Active | undefined): void {
  const place = current.getStore();
  if (place) place.active = active;
}

/** Runs it as a part of the span that is being worked on; just runs it where there is none. */
export function span<T>(name: string, attributes: () => Attributes, run: () => T, kind?: Span['kind']): T {
  const parent = current.getStore()?.active;
  if (!parent) return run();
  const { traceId, exporter, random, clock } = parent;
  const spanId = randomId(random, 8);
  const time = finely(clock);
  const startMs = time();
  const end = (): void => exporter.add({ traceId, spanId, parentSpanId: parent.spanId, name, ...(kind && { kind }), startMs, endMs: time(), attributes: attributes(), failed: false });
  let out: T;
  try {
    out = current.run({ active: { ...parent, spanId } }, run);
  } catch (error) {
    end();
    throw error;
  }
  if (!(out instanceof Promise)) {
    end();
    return out;
  }
  return out.finally(end) as T;
}

/** The time of day in fractions of milliseconds. */
export function finely(clock: Clock): () => number {
  const offset = clock.now() - clock.monotonic();
  return () => clock.monotonic() + offset;
}

export interface Exporter {
  add(span: Span): void;
  close(): Promise<void>;
}
