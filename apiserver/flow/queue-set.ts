/**
 * The queues of one priority level: who is worked on now, who waits, and whose turn is next. Pure: time is an argument.
 *
 * Fair queuing as apiserver/pkg/util/flowcontrol/fairqueuing of v0.36 has it: each queue has a virtual time at which its next
 * request starts, which every dispatched request moves by its work (seats × time); the queue whose next request would be
 * done first is next. Bounds: `queueLength` requests per queue. A request that finds free seats and nobody waiting touches
 * one queue and no loop over queues.
 */
import { RequestQueue, SERVICE_SECONDS, type FlowRequest } from './request-queue.ts';

export interface QueueSetConfig {
  /** Seats. */
  readonly limit: number;
  /** `none`: what finds no seat is refused; `exempt`: there is always a seat. */
  readonly queuing: 'none' | 'exempt' | { readonly queues: number; readonly queueLength: number };
}

export type Start = 'running' | 'waiting' | 'queue-full' | 'concurrency-limit';

export class QueueSet {
  #config: QueueSetConfig;
  #queues: RequestQueue[] = [];
  /** What runs without a queue. */
  readonly #loose = new Set<FlowRequest>();
  #r = 0;
  #lastMs: number;
  #robin = 0;
  #enqueued = 0;
  /** Queues with somebody in them. */
  #active = 0;
  waiting = 0;
  running = 0;
  seatsInUse = 0;
  seatsWaiting = 0;
  dispatched = 0;
  rejected = 0;
  cancelled = 0;

  constructor(config: QueueSetConfig, nowMs: number) {
    this.#lastMs = nowMs;
    this.#config = config;
    this.configure(config, nowMs);
  }

  get config(): QueueSetConfig {
    return this.#config;
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.running === 0;
  }

  get virtualTime(): number {
    return this.#r;
  }

  get queues(): readonly RequestQueue[] {
    return this.#queues;
  }

  get loose(): Iterable<FlowRequest> {
    return this.#loose;
  }

  configure(config: QueueSetConfig, nowMs: number): void {
    this.#sync(nowMs);
    this.#config = config;
    const { queuing } = config;
    // Queues that are too many are used up before they go.
    if (typeof queuing === 'object') while (this.#queues.length < queuing.queues) this.#queues.push(new RequestQueue());
    this.#prune();
    this.#dispatch(nowMs);
  }

  /** `hand`: the queues that it may wait in. Of one that is refused nothing is kept. */
  start(request: FlowRequest, hand: readonly number[], nowMs: number): Start {
    this.#sync(nowMs);
    const { queuing, limit } = this.#config;
    if (typeof queuing !== 'object') {
      if (!this.#fits(request.seats)) {
        this.rejected++;
        return 'concurrency-limit';
      }
      this.#loose.add(request);
      this.#run(request, nowMs);
      return 'running';
    }
    const queue = this.#choose(hand);
    if (this.seatsInUse >= limit && queue.waiting.length >= queuing.queueLength) {
      this.rejected++;
      return 'queue-full';
    }
    request.queue = queue;
    request.arrivalR = this.#r;
    if (!queue.isActive) {
      queue.nextR = this.#r;
      this.#active++;
    }
    queue.push(request);
    this.waiting++;
    this.seatsWaiting += request.seats;
    request.state = 'waiting';
    if (this.seatsInUse < limit) {
      if (this.waiting === 1) {
        if (this.#fits(request.seats)) this.#take(queue, nowMs);
      } else this.#dispatch(nowMs);
    }
    queue.bound();
    return (request.state as string) === 'running' ? 'running' : 'waiting';
  }

  /** Takes one that waits out; false: its turn had come already. */
  cancel(request: FlowRequest, nowMs: number): boolean {
    const { queue } = request;
    if (request.state !== 'waiting' || !queue) return false;
    this.#sync(nowMs);
    request.state = 'done';
    queue.remove(request);
    queue.bound();
    this.#left(queue);
    this.waiting--;
    this.seatsWaiting -= request.seats;
    this.rejected++;
    this.cancelled++;
    // It may have stood in the way of narrower ones.
    this.#dispatch(nowMs);
    return true;
  }

  /** The answer is given. Returns for how long its seats stay taken; after that, `release` it. */
  finish(request: FlowRequest, nowMs: number): number {
    if (request.state !== 'running') return 0;
    this.#sync(nowMs);
    this.running--;
    const { queue, width } = request;
    if (queue) {
      queue.running.delete(request);
      queue.nextR -= width.seats * (SERVICE_SECONDS - (nowMs - request.startMs) / 1000);
      queue.bound();
      this.#left(queue);
    } else this.#loose.delete(request);
    request.state = 'lingering';
    if (width.finalSeats > 0 && width.lingerMs > 0) return width.lingerMs;
    this.release(request, nowMs);
    return 0;
  }

  release(request: FlowRequest, nowMs: number): void {
    if (request.state !== 'lingering') return;
    this.#sync(nowMs);
    request.state = 'done';
    this.seatsInUse -= request.seats;
    if (request.queue) request.queue.seatsInUse -= request.seats;
    if (this.waiting > 0) this.#dispatch(nowMs);
    this.#prune();
  }

  /** Virtual time goes as fast as seats are used, shared by the queues that use them. */
  #sync(nowMs: number): void {
    const seconds = (nowMs - this.#lastMs) / 1000;
    this.#lastMs = nowMs;
    if (seconds <= 0 || this.#active === 0) return;
    this.#r += (Math.min(this.seatsInUse + this.seatsWaiting, this.#config.limit) / this.#active) * seconds;
  }

  /** Of the hand the queue with the least work waiting; who comes first among equals goes round. */
  #choose(hand: readonly number[]): RequestQueue {
    const offset = this.#enqueued++ % hand.length;
    let best = this.#queues[hand[offset] as number] as RequestQueue;
    if (this.waiting === 0) return best;
    for (let at = 1; at < hand.length; at++) {
      const queue = this.#queues[hand[(offset + at) % hand.length] as number] as RequestQueue;
      if (queue.work < best.work) best = queue;
    }
    return best;
  }

  #fits(seats: number): boolean {
    const { limit, queuing } = this.#config;
    if (queuing === 'exempt') return true;
    // One that is wider than everything runs alone.
    if (seats > limit) return this.running === 0;
    return this.seatsInUse + seats <= limit;
  }

  #dispatch(nowMs: number): void {
    while (this.waiting > 0 && this.seatsInUse < this.#config.limit) {
      const queue = this.#next();
      const first = queue?.waiting[0];
      // The next one in order is waited for, however narrow those behind it are: wide ones would never run.
      if (!queue || !first || !this.#fits(first.seats)) return;
      this.#take(queue, nowMs);
    }
  }

  #next(): RequestQueue | undefined {
    const queues = this.#queues;
    let best: RequestQueue | undefined;
    let soonest = Infinity;
    let bestAt = this.#robin;
    for (let step = 1; step <= queues.length; step++) {
      const at = (this.#robin + step) % queues.length;
      const queue = queues[at] as RequestQueue;
      const first = queue.waiting[0];
      if (!first) continue;
      const done = queue.nextR + first.work;
      if (done < soonest) {
        soonest = done;
        best = queue;
        bestAt = at;
      }
    }
    this.#robin = bestAt;
    return best;
  }

  #take(queue: RequestQueue, nowMs: number): void {
    const request = queue.shift() as FlowRequest;
    this.waiting--;
    this.seatsWaiting -= request.seats;
    const { finalSeats, lingerMs } = request.width;
    const { limit } = this.#config;
    // Final seats beyond the limit are taken for longer instead.
    if (finalSeats > limit) request.width = { ...request.width, finalSeats: limit, lingerMs: (finalSeats * lingerMs) / limit };
    queue.running.add(request);
    queue.seatsInUse += request.seats;
    queue.nextR += request.work;
    queue.bound();
    this.#run(request, nowMs);
  }

  #run(request: FlowRequest, nowMs: number): void {
    request.state = 'running';
    request.startMs = nowMs;
    this.running++;
    this.seatsInUse += request.seats;
    this.dispatched++;
    request.begin?.();
  }

  #left(queue: RequestQueue): void {
    if (!queue.isActive) this.#active--;
  }

  #prune(): void {
    const { queuing } = this.#config;
    const wanted = typeof queuing === 'object' ? queuing.queues : 0;
    if (this.#queues.length <= wanted) return;
    this.#queues = this.#queues.filter((queue, at) => at < wanted || queue.isActive || queue.seatsInUse > 0);
    this.#robin = Math.min(this.#robin, Math.max(0, this.#queues.length - 1));
  }
}
