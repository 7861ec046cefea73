/** One of the queues of a priority level, and what stands in it: who waits, who is worked on, and when in virtual time the next one starts. */

export interface Width {
  readonly seats: number;
  /** Seats that stay taken for a while after the answer, for the events that a write causes; 0: none. */
  readonly finalSeats: number;
  readonly lingerMs: number;
}

export class FlowRequest {
  readonly schema: string;
  readonly distinguisher: string;
  readonly arrivalMs: number;
  startMs = 0;
  /** In virtual time. */
  arrivalR = 0;
  width: Width;
  queue: RequestQueue | undefined;
  state: 'new' | 'waiting' | 'running' | 'lingering' | 'done' = 'new';
  /** Called when the turn of one that waited has come. */
  begin: (() => void) | undefined;
  /** What it is about, for those who look. */
  readonly about: unknown;

  constructor(parts: { readonly schema: string; readonly distinguisher: string; readonly arrivalMs: number; readonly width: Width; readonly about?: unknown }) {
    this.schema = parts.schema;
    this.distinguisher = parts.distinguisher;
    this.arrivalMs = parts.arrivalMs;
    this.width = parts.width;
    this.about = parts.about;
  }

  /** What it takes while it is worked on and after. */
  get seats(): number {
    return Math.max(this.width.seats, this.width.finalSeats);
  }

  /** Seat-seconds, guessed before it has run. */
  get work(): number {
    return this.width.seats * SERVICE_SECONDS + (this.width.finalSeats * this.width.lingerMs) / 1000;
  }
}

/** How long a request is taken to last, until it is known. */
export const SERVICE_SECONDS = 0.003;

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
