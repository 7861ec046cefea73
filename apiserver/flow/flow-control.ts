/**
 * API priority and fairness: each request is worked on in its priority level's share of seats, waits its turn there, or is sent
 * away to come back later. Provenance of the behaviour: apiserver/pkg/util/flowcontrol of v0.36.
 */
import { flowschemas, prioritylevelconfigurations } from '../../api/resources.ts';
import { ApiError } from '../../api/status.ts';
import { every, type Clock, type Timer } from '../../std/clock.ts';
import { Meter } from '../../std/meter.ts';
import type { Reader } from '../auth/reader.ts';
import type { Step } from '../chain/chain.ts';
import type { Exchange } from '../exchange.ts';
import { requestTimeoutMs } from '../request/request-timeout.ts';
import { flowSeries, type FlowSeries, type SchemaSeries } from './flow-series.ts';
import { Levels, type SchemaInUse } from './levels.ts';
import { matchSchema } from './match.ts';
import { FlowRequest } from './request-queue.ts';
import { WatchCounts } from './watch-counts.ts';
import { widthOf, type WidthFacts } from './width.ts';

export interface FlowLimits {
  /** `--max-requests-inflight` and `--max-mutating-requests-inflight`: together the seats that levels share. */
  readonly reading: number;
  readonly writing: number;
  /** `--enable-priority-and-fairness=false`: the two limits stand for themselves. */
  readonly unfair?: boolean;
}

export const FLOW_LIMITS: FlowLimits = { reading: 400, writing: 200 };

export interface FlowOptions {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly meter?: Meter;
  readonly limits?: FlowLimits;
  /** What is stored of a resource, for the width of lists. */
  readonly stored?: (group: string, plural: string) => WidthFacts['stored'];
  /** A request's own limit of time where it names none. */
  readonly timeoutMs?: number;
}

/** Seats are shared out anew this often. */
const BORROWING_MS = 10_000;
/** Of its time a request spends this part waiting at most, and never more than so long. */
const WAIT_PART = 0.25;
const WAIT_LIMIT_MS = 60_000;
const TIMEOUT_MS = 60_000;

/** Worked on, or waiting, now. */
export interface InFlight {
  readonly reading: number;
  readonly writing: number;
}

export class FlowControl {
  readonly levels: Levels;
  readonly #options: FlowOptions;
  readonly #clock: Clock;
  readonly #series: FlowSeries;
  readonly #watches = new WatchCounts();
  readonly #opening = new WeakMap<Exchange, Ticket>();
  readonly #executing = { reading: 0, writing: 0 };
  readonly #waiting = { reading: 0, writing: 0 };
  #following: { close(): void }[] = [];
  #borrowing: Timer | undefined;
  #isStale = false;

  constructor(options: FlowOptions) {
    const { clock, limits = FLOW_LIMITS, meter = new Meter() } = options;
    this.#options = options;
    this.#clock = clock;
    this.levels = new Levels(limits.reading + limits.writing, clock.monotonic());
    this.#series = flowSeries(meter, () => this.levels);
  }

  /** Follows the objects; before, there is the level catch-all for everybody. */
  start(): void {
    if (this.#borrowing) return;
    const { reader } = this.#options;
    const stale = (): void => {
      if (!this.#isStale) this.#clock.after(0, () => this.#digest());
      this.#isStale = true;
    };
    this.#following = [reader.onChange(flowschemas, stale), reader.onChange(prioritylevelconfigurations, stale)];
    this.#digest();
    this.#borrowing = every(this.#clock, BORROWING_MS, () => this.levels.share(this.#clock.monotonic()), () => undefined);
  }

  close(): void {
    for (const one of this.#following) one.close();
    this.#borrowing?.cancel();
  }

  inFlight(): InFlight {
    return this.#executing;
  }

  inQueue(): InFlight {
    return this.#waiting;
  }

  readonly step: Step = (exchange) => {
    const { route } = exchange;
    const isWatch = route.verb === 'watch';
    // What may last has no seat, but for the beginning of a watch.
    if (exchange.longRunning && !isWatch) return undefined;
    if (this.#isStale) this.#digest();
    const schema = matchSchema(this.levels.schemas, exchange.user, route) ?? this.levels.catchAll;
    const { level } = schema;
    // In-process callers see no headers.
    if (exchange.body.form === 'bytes') {
      exchange.extraHeaders['X-Kubernetes-PF-FlowSchema-UID'] = schema.metadata.uid;
      exchange.extraHeaders['X-Kubernetes-PF-PriorityLevel-UID'] = level.object.metadata.uid;
    }
    const distinguisher = level.queues > 1 ? distinguisherOf(schema, exchange) : '';
    const nowMs = this.#clock.monotonic();
    const series = this.#series.of(level.name, schema.metadata.name);
    const width = widthOf(exchange, () => this.#facts(exchange, level.widest, series));
    const request = new FlowRequest({ schema: schema.metadata.name, distinguisher, arrivalMs: nowMs, width, about: exchange });
    series.seats.observe(request.seats);
    const ticket = new Ticket(request, schema, series, isWatch);
    const outcome = level.set.start(request, level.queues > 0 ? level.handOf(request.schema, distinguisher) : NO_HAND, nowMs);
    level.demand.set(level.set.seatsInUse + level.set.seatsWaiting, nowMs);
    if (request.queue) series.queueLength.observe(request.queue.waiting.length);
    if (outcome === 'running') {
      // Where there are queues, not to wait is to wait for no time.
      if (level.queues > 0) series.waited(true).observe(0);
      return this.#run(exchange, ticket);
    }
    if (outcome === 'waiting') return this.#wait(exchange, ticket);
    throw this.#refuse(ticket, outcome);
  };

  /** After a watch was answered: its seat is free as soon as it has begun. */
  opened(exchange: Exchange): void {
    const ticket = this.#opening.get(exchange);
    const { answer } = exchange;
    if (!ticket) return;
    if (answer?.type !== 'watch') return this.#finish(ticket, exchange);
    exchange.after.push(this.#watches.register(exchange));
    exchange.answer = {
      ...answer,
      start: (sink) => {
        try {
          return answer.start(sink);
        } finally {
          this.#finish(ticket, exchange);
        }
      },
    };
  }

  #run(exchange: Exchange, ticket: Ticket): void {
    const { request, series, isWatch } = ticket;
    series.dispatched.add();
    series.now.executing++;
    series.now.executingSeats += request.seats;
    this.#executing[laneOf(exchange)]++;
    if (isWatch) this.#opening.set(exchange, ticket);
    const leave = (): void => this.#finish(ticket, exchange);
    exchange.leaveSeat = leave;
    exchange.after.push(leave);
  }

  #wait(exchange: Exchange, ticket: Ticket): Promise<void> {
    const { request, series, schema } = ticket;
    const { level } = schema;
    const lane = laneOf(exchange);
    this.#waiting[lane]++;
    series.now.waiting++;
    series.now.waitingSeats += request.seats;
    const waitedSeats = request.seats;
    return new Promise((resolve, reject) => {
      const over = (ran: boolean): void => {
        timer.cancel();
        exchange.signal.removeEventListener('abort', giveUp);
        this.#waiting[lane]--;
        series.now.waiting--;
        series.now.waitingSeats -= waitedSeats;
        exchange.waitedMs = this.#clock.monotonic() - request.arrivalMs;
        series.waited(ran).observe(exchange.waitedMs / 1000);
      };
      const giveUp = (): void => {
        const nowMs = this.#clock.monotonic();
        if (!level.set.cancel(request, nowMs)) return;
        over(false);
        level.demand.set(level.set.seatsInUse + level.set.seatsWaiting, nowMs);
        reject(this.#refuse(ticket, 'time-out'));
      };
      request.begin = () => {
        over(true);
        this.#run(exchange, ticket);
        resolve();
      };
      const timer = this.#clock.after(this.#patienceMs(exchange), giveUp);
      exchange.signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #patienceMs({ query }: Exchange): number {
    return Math.min(WAIT_LIMIT_MS, WAIT_PART * requestTimeoutMs(query, this.#options.timeoutMs ?? TIMEOUT_MS));
  }

  #finish(ticket: Ticket, exchange: Exchange): void {
    if (ticket.isOver) return;
    ticket.isOver = true;
    const { request, series, schema, isWatch } = ticket;
    const { set, demand } = schema.level;
    const nowMs = this.#clock.monotonic();
    this.#executing[laneOf(exchange)]--;
    series.now.executing--;
    (isWatch ? series.opening : series.running).observe((nowMs - request.startMs) / 1000);
    const freed = (atMs: number): void => {
      series.now.executingSeats -= request.seats;
      demand.set(set.seatsInUse + set.seatsWaiting, atMs);
      if (schema.level.isQuiescing && set.isIdle) this.#clock.after(0, () => this.#digest());
    };
    const lingerMs = set.finish(request, nowMs);
    if (lingerMs === 0) return freed(nowMs);
    this.#clock.after(lingerMs, () => {
      const atMs = this.#clock.monotonic();
      set.release(request, atMs);
      freed(atMs);
    });
  }

  #refuse({ schema, series }: Ticket, reason: string): ApiError {
    const { retryAfter } = schema.level;
    series.rejected(reason).add();
    retryAfter.refused(this.#clock.now());
    return new TooManyRequests(retryAfter.seconds);
  }

  #facts({ route }: Exchange, levelLimit: number, series: SchemaSeries): WidthFacts {
    if (route.verb === 'list' || route.verb === 'watch') return { stored: this.#options.stored?.(route.group, route.resource), watches: 0, levelLimit };
    const watches = this.#watches.interested(route);
    series.watches.observe(watches);
    return { stored: undefined, watches, levelLimit };
  }

  #digest(): void {
    this.#isStale = false;
    const { reader } = this.#options;
    this.levels.digest(reader.list(prioritylevelconfigurations), reader.list(flowschemas), this.#clock.monotonic());
  }
}

class Ticket {
  readonly request: FlowRequest;
  readonly schema: SchemaInUse;
  readonly series: SchemaSeries;
  readonly isWatch: boolean;
  isOver = false;

  constructor(request: FlowRequest, schema: SchemaInUse, series: SchemaSeries, isWatch: boolean) {
    this.request = request;
    this.schema = schema;
    this.series = series;
    this.isWatch = isWatch;
  }
}

/** Over HTTP it is a line of text, as upstream's. */
export class TooManyRequests extends ApiError {
  readonly text = 'Too many requests, please try again later.\n';

  constructor(retryAfterSeconds: number) {
    super({ code: 429, reason: 'TooManyRequests', message: 'Too many requests, please try again later.', details: { retryAfterSeconds } });
  }
}

const NO_HAND: readonly number[] = [];

function distinguisherOf({ spec }: SchemaInUse, { user, route }: Exchange): string {
  switch (spec?.distinguisherMethod?.type) {
    case 'ByUser':
      return user.name;
    case 'ByNamespace':
      return route.namespace;
    default:
      return '';
  }
}

/** Of the two limits which one counts. */
export function laneOf({ route: { verb } }: Exchange): 'reading' | 'writing' {
  return verb === 'get' || verb === 'list' || verb === 'watch' ? 'reading' : 'writing';
}
