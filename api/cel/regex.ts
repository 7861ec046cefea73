/** Regular expressions in time that grows with the text only. The engine is loaded when the first one is met: few servers ever need it. */
import type { RE2JS } from '@bufbuild/re2';

type Engine = typeof RE2JS;
type Program = RE2JS;

let engine: Engine | undefined;

function load(): Engine {
  if (!engine) {
    const { createRequire } = process.getBuiltinModule('node:module');
    engine = (createRequire(import.meta.url)('@bufbuild/re2') as { RE2JS: Engine }).RE2JS;
  }
  return engine;
}

/** Patterns come with expressions, which come and go. */
const KNOWN_LIMIT = 1_024;
const known = new Map<string, Pattern>();

export class Pattern {
  readonly #program: Program;

  constructor(source: string) {
    this.#program = load().compile(source);
  }

  /** Whether it matches anywhere. */
  test(text: string): boolean {
    return this.#program.test(text);
  }

  /** The leftmost match from a place on, by offsets. */
  find(text: string, from: number): readonly [start: number, end: number] | undefined {
    return leftmost(this.#program.re2().prog as unknown as Machine, text, from);
  }

  /** Matches that do not overlap, at most so many; negative: all. */
  findAll(text: string, limit: number): string[] {
    const found: string[] = [];
    let from = 0;
    let last = -1;
    while (from <= text.length && (limit < 0 || found.length < limit)) {
      const match = this.find(text, from);
      if (!match) break;
      const [start, end] = match;
      // An empty match right after another one does not count.
      if (end > start || start !== last) found.push(text.slice(start, end));
      last = end;
      from = end > from ? end : from + ((text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1);
      if (end > start) from = end;
    }
    return found;
  }
}

/** Throws Error that says what is wrong, as Go's regexp does. */
export function compileRegex(source: string): Pattern {
  let pattern = known.get(source);
  if (!pattern) {
    try {
      pattern = new Pattern(source);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(message.endsWith('backslash at end of expression') ? `${message}: \`\`` : message, { cause: error });
    }
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(source, pattern);
  }
  return pattern;
}

interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  matchRune(rune: number): boolean;
}

/** What the engine compiles to; it only says whether something matches, so where is found out here. */
interface Machine {
  readonly start: number;
  numInst(): number;
  getInst(at: number): Instruction;
}

/** Kinds of instructions, by the engine's numbers. */
const ALT = 1;
const ALT_MATCH = 2;
const CAPTURE = 3;
const EMPTY_WIDTH = 4;
const FAIL = 5;
const MATCH = 6;
const NOP = 7;

interface Threads {
  readonly at: number[];
  readonly start: number[];
  readonly seen: Set<number>;
}

/** Pike's machine: threads in the order of preference, all of them one character further at a time. */
function leftmost(machine: Machine, text: string, from: number): readonly [number, number] | undefined {
  let current: Threads = { at: [], start: [], seen: new Set() };
  let best: readonly [number, number] | undefined;
  for (let at = from; ; ) {
    if (!best) addThread(machine, current, machine.start, at, text, at);
    const rune = text.codePointAt(at);
    const width = rune === undefined ? 0 : rune > 0xffff ? 2 : 1;
    const next: Threads = { at: [], start: [], seen: new Set() };
    for (const [index, pc] of current.at.entries()) {
      const instruction = machine.getInst(pc);
      const start = current.start[index] as number;
      if (instruction.op === MATCH) {
        best = [start, at];
        break;
      }
      if (rune !== undefined && instruction.matchRune(rune)) addThread(machine, next, instruction.out, start, text, at + width);
    }
    if (rune === undefined || (best && next.at.length === 0)) return best;
    current = next;
    at += width;
  }
}

function addThread(machine: Machine, threads: Threads, pc: number, start: number, text: string, at: number): void {
  const stack = [pc];
  for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
    if (threads.seen.has(one)) continue;
    threads.seen.add(one);
    const instruction = machine.getInst(one);
    switch (instruction.op) {
      case ALT:
      case ALT_MATCH:
        stack.push(instruction.arg, instruction.out);
        break;
      case NOP:
      case CAPTURE:
        stack.push(instruction.out);
        break;
      case EMPTY_WIDTH:
        if ((instruction.arg & ~context(text, at)) === 0) stack.push(instruction.out);
        break;
      case FAIL:
        break;
      default:
        threads.at.push(one);
        threads.start.push(start);
    }
  }
}

const BEGIN_LINE = 1;
const END_LINE = 2;
const BEGIN_TEXT = 4;
const END_TEXT = 8;
const WORD_BOUNDARY = 16;
const NO_WORD_BOUNDARY = 32;

function context(text: string, at: number): number {
  let flags = 0;
  if (at === 0) flags |= BEGIN_TEXT | BEGIN_LINE;
  else if (text[at - 1] === '\n') flags |= BEGIN_LINE;
  if (at === text.length) flags |= END_TEXT | END_LINE;
  else if (text[at] === '\n') flags |= END_LINE;
  return flags | (isWord(text[at - 1]) === isWord(text[at]) ? NO_WORD_BOUNDARY : WORD_BOUNDARY);
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /\w/.test(char);
}
