/**
 * The event recorder: says in the cluster what happened to an object, without flooding it.
 *
 * As upstream's correlator (client-go tools/record/events_cache.go): repetitions count up one Event, many alike become
 * one "(combined from similar events)", and one source may say only so much about one object. What cannot be written is dropped.
 */
import { events, events_events_v1 } from '../api/resources.ts';
import { ApiError, isReason } from '../api/status.ts';
import type { Event } from '../api/types/core.v1.ts';
import type { Event as SeriesEvent } from '../api/types/events.v1.ts';
import { sleep, type Clock } from '../std/clock.ts';
import { backgroundTurn } from './background.ts';
import type { Client, Stored } from './client.ts';
import { microTimeText, timeText } from './time.ts';

export interface RecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** Who says it: `deployment-controller`. */
  readonly component: string;
  /** The node it is said on. */
  readonly host?: string;
  /** `events.k8s.io` writes the newer form, as the scheduler does. */
  readonly api?: 'core' | 'events.k8s.io';
  readonly log?: { warn(fields: object, message: string): void };
}

export interface EventRecord {
  readonly about: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion?: string;
    readonly fieldPath?: string;
  };
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** Of the Event itself; only the older form has them. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** What was being done; only the newer form has it. */
  readonly action?: string;
  /** The node it is said on, where the recorder speaks for several. */
  readonly host?: string;
}

export interface Recorder {
  /** Never waits and never throws. */
  record(event: EventRecord): void;
  /** Resolves when everything recorded so far is written or dropped. */
  flush(): Promise<void>;
  /** Drops what waits. */
  stop(): void;
}

/** What waits to be written; more is dropped. */
const MAX_WAITING = 10_000;
/** Remembered series; the oldest is forgotten, and its next repetition starts a new Event. */
const MAX_REMEMBERED = 4096;
/** One source about one object: so many at once, and one more each five minutes. */
const SPAM_BURST = 25;
const SPAM_REFILL_MS = 300_000;
/** More than so many different messages with one reason within the interval are combined. */
const SIMILAR_LIMIT = 10;
const SIMILAR_INTERVAL_MS = 600_000;
const WRITE_ATTEMPTS = 4;
const WRITE_RETRY_MS = 2000;

export function openRecorder(options: RecorderOptions): Recorder {
  const { clock, log } = options;
  const correlator = options.api === 'events.k8s.io' ? new SeriesCorrelator() : new Correlator();
  const waiting: { readonly record: EventRecord; readonly at: number }[] = [];
  const stopped = new AbortController();
  let writing: Promise<void> | undefined;
  const sink = options.api === 'events.k8s.io' ? seriesSink(options) : coreSink(options);
  const drain = async (): Promise<void> => {
    for (let next = waiting.shift(); next && !stopped.signal.aborted; next = waiting.shift()) {
      const { record, at } = next;
      const correlated = correlator.correlate(record, at);
      if (!correlated) continue;
      for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt++) {
        try {
          await backgroundTurn(clock);
          await sink(correlated);
          break;
        } catch (error) {
          const hopeless = error instanceof ApiError && error.code < 500 && error.code !== 429;
          // In a namespace that is going away there is nobody left to read it.
          const moot = error instanceof ApiError && (error.code === 404 || (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating'));
          if (hopeless || attempt === WRITE_ATTEMPTS) {
            if (!moot) log?.warn({ reason: record.reason, about: `${record.about.kind} ${record.about.name}`, error: String(error) }, 'an event was dropped');
            break;
          }
          await sleep(clock, WRITE_RETRY_MS, stopped.signal);
        }
      }
    }
    writing = undefined;
  };
  return {
    record(event) {
      if (waiting.length >= MAX_WAITING || stopped.signal.aborted) return;
      waiting.push({ record: event, at: clock.now() });
      writing ??= Promise.resolve().then(drain);
    },
    flush: () => writing ?? Promise.resolve(),
    stop: () => stopped.abort(),
  };
}

/** One remembered Event and how often it was said. */
interface Series {
  record: EventRecord;
  readonly firstAt: number;
  lastAt: number;
  count: number;
  /** As it was last written, once it was. */
  written?: { readonly namespace: string; readonly name: string };
}

class Correlator {
  readonly #series = new Map<string, Series>();
  readonly #similar = new Map<string, { messages: Set<string>; lastAt: number }>();
  readonly #budgets = new Map<string, { tokens: number; at: number }>();

  /** The series this belongs to, counted up; undefined where the source has said too much. */
  correlate(record: EventRecord, now: number): Series | undefined {
    const { about } = record;
    const object = [about.kind, about.namespace, about.name, about.uid, about.apiVersion].join('\0');
    const group = [object, about.fieldPath, record.type, record.reason, record.action].join('\0');
    const combined = this.#combined(group, record.message, now);
    const said = combined ? { ...record, message: `(combined from similar events): ${record.message}` } : record;
    const key = [group, combined ? '' : record.message].join('\0');
    const known = this.#series.get(key);
    const series: Series = known ?? { record: said, firstAt: now, lastAt: now, count: 0 };
    series.record = said;
    series.count++;
    series.lastAt = now;
    this.#series.delete(key);
    remember(this.#series, key, series);
    return this.#allow(object, now) ? series : undefined;
  }

  /** Whether so many different things were said with this reason that they now count as one. */
  #combined(group: string, message: string, now: number): boolean {
    let similar = this.#similar.get(group);
    if (!similar || now - similar.lastAt > SIMILAR_INTERVAL_MS) similar = { messages: new Set(), lastAt: now };
    similar.lastAt = now;
    this.#similar.delete(group);
    remember(this.#similar, group, similar);
    if (similar.messages.size < SIMILAR_LIMIT) similar.messages.add(message);
    return similar.messages.size >= SIMILAR_LIMIT;
  }

  #allow(object: string, now: number): boolean {
    const known = this.#budgets.get(object) ?? { tokens: SPAM_BURST, at: now };
    const tokens = Math.min(SPAM_BURST, known.tokens + (now - known.at) / SPAM_REFILL_MS);
    this.#budgets.delete(object);
    remember(this.#budgets, object, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  }
}

/**
 * The newer form: what is said again of the same state of an object is one series, whose note stays the first one.
 * Provenance: client-go tools/events/event_broadcaster.go of v0.36.
 */
class SeriesCorrelator {
  readonly #series = new Map<string, Series>();

  correlate(record: EventRecord, now: number): Series {
    const { about } = record;
    const key = [about.kind, about.namespace, about.name, about.uid, about.apiVersion, about.resourceVersion, about.fieldPath, record.type, record.reason, record.action].join('\0');
    const known = this.#series.get(key);
    const series: Series = known && now - known.lastAt <= SERIES_OVER_MS ? known : { record, firstAt: now, lastAt: now, count: 0 };
    series.count++;
    series.lastAt = now;
    this.#series.delete(key);
    remember(this.#series, key, series);
    return series;
  }
}

/** A series that has been silent for so long is over. */
const SERIES_OVER_MS = 6 * 60_000;

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  if (map.size <= MAX_REMEMBERED) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

type Sink = (series: Series) => Promise<void>;

/** What is said in one millisecond: counted for all who go by one clock, so that a simulation repeats itself. */
const said = new WeakMap<Clock, number>();

/** Upstream's form: the object's name and a time in hexadecimal nanoseconds. */
function eventName(about: EventRecord['about'], clock: Clock): string {
  const count = ((said.get(clock) ?? 0) + 1) % 1_000_000;
  said.set(clock, count);
  return `${about.name}.${(BigInt(clock.now()) * 1_000_000n + BigInt(count)).toString(16)}`;
}

/** Where events about cluster-scoped objects live. */
const DEFAULT_NAMESPACE = 'default';

function coreSink({ client, component, host: node, clock }: RecorderOptions): Sink {
  return async (series) => {
    const { about, type, reason, message, annotations, host = node } = series.record;
    const namespace = about.namespace ?? DEFAULT_NAMESPACE;
    const lastTimestamp = timeText(series.lastAt);
    if (series.written && series.count > 1) {
      const body = { count: series.count, lastTimestamp, message };
      try {
        await client.patch(events, series.written, { type: 'application/strategic-merge-patch+json', body });
        return;
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }
    const event: Event = {
      metadata: { name: eventName(about, clock), namespace, ...(annotations && { annotations: { ...annotations } }) },
      involvedObject: { ...about },
      type,
      reason,
      message,
      source: { component, ...(host && { host }) },
      firstTimestamp: timeText(series.firstAt),
      lastTimestamp,
      count: series.count,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
    series.written = key(await client.create(events, event));
  };
}

function seriesSink({ client, component, host, clock }: RecorderOptions): Sink {
  return async (series) => {
    const { about, type, reason, message, action } = series.record;
    const namespace = about.namespace ?? DEFAULT_NAMESPACE;
    if (series.written && series.count > 1) {
      const body = { series: { count: series.count, lastObservedTime: microTimeText(series.lastAt) } };
      try {
        await client.patch(events_events_v1, series.written, { type: 'application/strategic-merge-patch+json', body });
        return;
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }
    const event: SeriesEvent = {
      metadata: { name: eventName(about, clock), namespace },
      eventTime: microTimeText(series.lastAt),
      reportingController: component,
      reportingInstance: host ?? component,
      action: action ?? reason,
      reason,
      regarding: { ...about },
      note: message,
      type,
    };
    series.written = key(await client.create(events_events_v1, event));
  };
}

function key({ metadata }: Stored<unknown>): { namespace: string; name: string } {
  return { namespace: metadata.namespace, name: metadata.name };
}
