/** One of the queues of a priority level: who waits in it, who of it is worked on, and when in virtual time its next one starts. */
import type { FlowRequest } from './queue-set.ts';

export class RequestQueue {
  /** Oldest first. */
  readonly waiting: FlowRequest[] = [];
  readonly running = new Set<FlowRequest>();
  seatsInUse = 0;
  nextR = 0;
  /** Seat-seconds of those that wait. */
  work = 0;

  get isActive(): boolean {
    return this.waiting.length > 0 || this.running.size > 0;
  }

  push(request: FlowRequest): void {
    this.waiting.push(request);
    this.work += request.work;
  }

  shift(): FlowRequest | undefined {
    const request = this.waiting.shift();
    if (request) this.#less(request);
    return request;
  }

  remove(request: FlowRequest): void {
    const at = this.waiting.indexOf(request);
    if (at < 0) return;
    this.waiting.splice(at, 1);
    this.#less(request);
  }

  /** Nobody starts before he came: a queue that was idle saves nothing up. */
  bound(): void {
    const first = this.waiting[0];
    if (first && this.nextR < first.arrivalR) this.nextR = first.arrivalR;
  }

  #less(request: FlowRequest): void {
    this.work = this.waiting.length === 0 ? 0 : this.work - request.work;
  }
}
