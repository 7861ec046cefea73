/** What the runtime has of each pod, asked for pod by pod; which sandboxes belong to which pod is remembered. */
import { open, readFile } from 'node:fs/promises';
import type { Clock } from '../std/clock.ts';
import { ANNOTATIONS, type PodRuntime, NOTHING } from './pod.ts';
import type { Container, Runtime, Sandbox } from './runtime/runtime.ts';

const MESSAGE_LIMIT_BYTES = 4096;
const LOG_MESSAGE_LIMIT_BYTES = 2048;
const LOG_MESSAGE_LIMIT_LINES = 80;

/** Of one pod. */
interface Known {
  sandboxIds: readonly string[];
  latest: PodRuntime | undefined;
  /** When it was last asked about: an answer to an older question must not replace that to a newer one. */
  asked: number;
}

export class Observation {
  readonly #runtime: Runtime;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #logPath: (container: Container) => string | undefined;
  readonly #pods = new Map<string, Known>();
  readonly #uids = new Map<string, string>();
  #questions = 0;
  #lookedAt = 0;
  /** Termination messages by container id; undefined once read and found empty. */
  readonly #messages = new Map<string, string | undefined>();

  constructor(runtime: Runtime, clock: Pick<Clock, 'monotonic'>, logPath: (container: Container) => string | undefined) {
    this.#runtime = runtime;
    this.#clock = clock;
    this.#lookedAt = clock.monotonic();
    this.#logPath = logPath;
  }

  /** When everything was looked at last, by the clock that never jumps. */
  get lookedAt(): number {
    return this.#lookedAt;
  }

  /** Looks at everything. Returns the pods whose picture is another than the last one. */
  async relist(): Promise<readonly string[]> {
    const question = ++this.#questions;
    const [sandboxes, containers] = await Promise.all([this.#runtime.listSandboxes(), this.#runtime.listContainers()]);
    this.#lookedAt = this.#clock.monotonic();
    const groups = Map.groupBy(sandboxes, ({ uid }) => uid);
    const living = new Set(containers.map(({ id }) => id));
    for (const id of this.#messages.keys()) if (!living.has(id)) this.#messages.delete(id);
    const changed: string[] = [];
    for (const [uid, own] of groups) {
      if (this.#isOld(uid, question)) continue;
      for (const { id } of own) this.#link(uid, id);
      const ids = new Set(own.map(({ id }) => id));
      const before = this.latest(uid);
      const now = await this.#read(own, containers.filter(({ sandboxId }) => ids.has(sandboxId)));
      if (this.#put(uid, question, now) && fingerprint(before) !== fingerprint(now)) changed.push(uid);
    }
    for (const [uid, { latest }] of this.#pods) {
      if (!latest || groups.has(uid) || this.#isOld(uid, question)) continue;
      changed.push(uid);
      this.#forget(uid);
    }
    return changed;
  }

  async observe(uid: string): Promise<PodRuntime> {
    const question = ++this.#questions;
    const known = this.#known(uid);
    known.asked = question;
    const found = await Promise.all(known.sandboxIds.map(async (id) => ({ id, sandbox: await this.#runtime.sandbox(id), containers: await this.#runtime.listContainers(id) })));
    for (const { id, sandbox } of found) {
      if (sandbox) continue;
      known.sandboxIds = known.sandboxIds.filter((other) => other !== id);
      this.#uids.delete(id);
    }
    const now = await this.#read(found.flatMap(({ sandbox }) => (sandbox ? [sandbox] : [])), found.flatMap(({ containers }) => containers));
    this.#put(uid, question, now);
    return now;
  }

  latest(uid: string): PodRuntime {
    return this.#pods.get(uid)?.latest ?? NOTHING;
  }

  /** A sandbox was made for this pod. */
  note(uid: string, sandboxId: string): void {
    this.#known(uid).asked = ++this.#questions;
    this.#link(uid, sandboxId);
  }

  #known(uid: string): Known {
    let known = this.#pods.get(uid);
    if (!known) this.#pods.set(uid, (known = { sandboxIds: [], latest: undefined, asked: 0 }));
    return known;
  }

  #link(uid: string, sandboxId: string): void {
    const known = this.#known(uid);
    if (!known.sandboxIds.includes(sandboxId)) known.sandboxIds = known.sandboxIds.concat(sandboxId);
    this.#uids.set(sandboxId, uid);
  }

  uidOf(sandboxId: string): string | undefined {
    return this.#uids.get(sandboxId);
  }

  uids(): readonly string[] {
    return [...this.#pods].flatMap(([uid, { latest }]) => (latest ? [uid] : []));
  }

  /** Nothing of this pod is left in the runtime. */
  #forget(uid: string): void {
    for (const id of this.#pods.get(uid)?.sandboxIds ?? []) this.#uids.delete(id);
    this.#pods.delete(uid);
  }

  #isOld(uid: string, question: number): boolean {
    return (this.#pods.get(uid)?.asked ?? 0) > question;
  }

  async #read(sandboxes: readonly Sandbox[], containers: readonly Container[]): Promise<PodRuntime> {
    return {
      sandboxes: sandboxes.toSorted(newestFirst),
      containers: await Promise.all(containers.toSorted(newestFirst).map((container) => this.#withMessage(container))),
    };
  }

  /** Returns whether the answer was still wanted. */
  #put(uid: string, question: number, now: PodRuntime): boolean {
    if (this.#isOld(uid, question)) return false;
    if (now.sandboxes.length === 0) this.#forget(uid);
    else this.#known(uid).latest = now;
    return true;
  }

  async #withMessage(container: Container): Promise<Container> {
    if (container.state !== 'exited') return container;
    if (!this.#messages.has(container.id)) this.#messages.set(container.id, await this.#message(container));
    const message = this.#messages.get(container.id);
    return message ? { ...container, message } : container;
  }

  async #message(container: Container): Promise<string | undefined> {
    const file = container.annotations[ANNOTATIONS.terminationMessageFile];
    const written = file ? (await readFile(file).catch(() => Buffer.alloc(0))).subarray(0, MESSAGE_LIMIT_BYTES).toString() : '';
    if (written !== '') return written;
    const fallsBack = container.annotations[ANNOTATIONS.terminationMessagePolicy] === 'FallbackToLogsOnError' && container.exitCode !== 0;
    const path = fallsBack ? this.#logPath(container) : undefined;
    return path ? (await lastOutput(path)) || undefined : undefined;
  }
}

function newestFirst(a: Container | Sandbox, b: Container | Sandbox): number {
  return b.attempt - a.attempt || b.createdAt - a.createdAt;
}

function fingerprint({ sandboxes, containers }: PodRuntime): string {
  return JSON.stringify([sandboxes.map(({ id, state }) => [id, state]), containers.map(({ id, state }) => [id, state])]);
}

/** The last lines of a CRI log without their heads. */
async function lastOutput(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, LOG_MESSAGE_LIMIT_BYTES * 4);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const lines = buffer.toString().split('\n').slice(size > length ? 1 : 0).filter((line) => line !== '');
    return Buffer.from(lines.slice(-LOG_MESSAGE_LIMIT_LINES).map(outputOf).join('')).subarray(-LOG_MESSAGE_LIMIT_BYTES).toString();
  } finally {
    await file.close();
  }
}

/** `TIME STREAM TAG TEXT`, where the tag says whether the line ended there (`F`) or was cut (`P`), by length or by the end of the process. */
function outputOf(line: string): string {
  const [, , tag = '', ...text] = line.split(' ');
  return `${text.join(' ')}${tag.startsWith('P') ? '' : '\n'}`;
}
