/** A part of a cluster that a test can crash, start again, and cut off from the API server. */
import type { Door } from '../api/request.ts';
import type { Line } from './line.ts';

/** What a test can do to the API server, the controllers, the scheduler or a node. */
export interface Switch {
  readonly isRunning: boolean;
  /** Dies at once, in the middle of what it does. Nothing happens where it does not run. */
  crash(): void;
  /** Starts it (again); resolves when it works. Nothing happens where it runs. */
  start(): Promise<void>;
}

export interface PartSwitch extends Switch {
  readonly isPartitioned: boolean;
  /** It goes on, but nothing comes from or gets to the API server. */
  partition(): void;
  heal(): void;
}

export interface Running {
  /** Absent: it works at once. */
  readonly ready?: Promise<void>;
  stop(): Promise<void> | void;
}

export type Who = { readonly user: string; readonly groups?: readonly string[]; readonly userAgent: string };
export type OpenLine = (who: Who) => Line;
export type StartPart = (door: (who: Who) => Door) => Promise<Running> | Running;

export class Part implements PartSwitch {
  readonly #openLine: OpenLine;
  readonly #start: StartPart;
  #lines: Line[] = [];
  #running: Running | undefined;
  #starting: Promise<void> | undefined;
  #isPartitioned = false;
  #life = 0;
  #onDeath: () => void = () => undefined;

  constructor(openLine: OpenLine, start: StartPart) {
    this.#openLine = openLine;
    this.#start = start;
  }

  get isRunning(): boolean {
    return this.#starting !== undefined;
  }

  get isPartitioned(): boolean {
    return this.#isPartitioned;
  }

  start(): Promise<void> {
    return (this.#starting ??= this.#begin(++this.#life));
  }

  crash(): void {
    void this.#end(true);
  }

  /** Ends in good order. */
  stop(): Promise<void> {
    return this.#end(false);
  }

  partition(): void {
    this.#isPartitioned = true;
    for (const line of this.#lines) line.cut();
  }

  heal(): void {
    this.#isPartitioned = false;
    for (const line of this.#lines) line.mend();
  }

  async #begin(life: number): Promise<void> {
    const running = await this.#start((who) => this.#line(who));
    if (this.#life !== life) return running.stop();
    this.#running = running;
    // One that dies on the way is waited for no longer.
    await Promise.race([running.ready, new Promise<void>((resolve) => (this.#onDeath = resolve))]);
  }

  async #end(atOnce: boolean): Promise<void> {
    const [running, lines] = [this.#running, this.#lines];
    this.#running = this.#starting = undefined;
    this.#lines = [];
    this.#life++;
    this.#onDeath();
    if (atOnce) for (const line of lines) line.cut();
    try {
      await running?.stop();
    } catch (error) {
      if (!atOnce) throw error;
    }
    for (const line of lines) line.cut();
  }

  #line(who: Who): Line {
    const line = this.#openLine(who);
    if (this.#isPartitioned) line.cut();
    this.#lines.push(line);
    return line;
  }
}
