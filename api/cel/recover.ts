/**
 * Reads an expression that is written wrongly once more, to tell all its mistakes: after each it goes on where that makes sense.
 * Provenance: how ANTLR 4 recovers (one token left out or put in, then whatever may follow), with the limits of cel-go v0.26.
 */
import { EOF, EPSILON, grammar, kindName, kindOf, look, type Part, type Rule, showKinds, type State } from './grammar.ts';
import { type Calls, predict } from './predict.ts';
import type { Mistake } from './source.ts';
import type { Token, Tokens } from './tokens.ts';

/** What was read of a rule: its tokens and rules, in order. `way`: which of its forms it has, where it has several; 0: none was found. */
export interface Tree {
  readonly rule: string;
  readonly start: Token;
  way: number;
  readonly kids: (Tree | Token)[];
}

const ATTEMPT_LIMIT = 30;
const MISTAKE_LIMIT = 100;

export function recover(source: string, { tokens, unread }: Tokens): { readonly tree: Tree | undefined; readonly mistakes: readonly Mistake[] } {
  const reader = new Reader(source, tokens, unread);
  try {
    return { tree: reader.read(), mistakes: reader.mistakes };
  } catch (error) {
    if (!(error instanceof GivenUp)) throw error;
    return { tree: undefined, mistakes: reader.mistakes };
  }
}

class GivenUp extends Error {}

/** Ends the rule in which it happens. */
class Wrong extends Error {
  readonly at: Token;

  constructor(at: Token, message: string) {
    super(message);
    this.at = at;
  }
}

/** A rule that is being read. */
interface Frame {
  readonly rule: Rule;
  readonly precedence: number;
  /** Where its caller goes on. */
  readonly follow: State | undefined;
  readonly caller: Frame | undefined;
  tree: Tree;
  /** With the next form that is found, what was read so far becomes the first part of a larger one. */
  growing: boolean;
}

class Reader {
  readonly mistakes: Mistake[] = [];
  readonly #source: string;
  readonly #unread: Tokens['unread'];
  readonly #tokens: readonly Token[];
  readonly #kinds: readonly number[];
  #next = 0;
  #state: State;
  #frame: Frame | undefined;
  /** A mistake was told, and nothing has fitted since. */
  #recovering = false;
  #lastAt = -1;
  #lastStates = new Set<State>();
  #attempts = 0;

  constructor(source: string, tokens: readonly Token[], unread: Tokens['unread']) {
    this.#source = source;
    this.#unread = unread;
    this.#tokens = tokens;
    this.#kinds = tokens.map(kindOf);
    this.#state = (grammar().rules.get('start') as Rule).start;
  }

  read(): Tree {
    return this.#rule(grammar().rules.get('start') as Rule, 0, undefined);
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token;
  }

  get #kind(): number {
    return this.#kinds[this.#next] as number;
  }

  #rule(rule: Rule, precedence: number, follow: State | undefined): Tree {
    const caller = this.#frame;
    const frame: Frame = { rule, precedence, follow, caller, tree: { rule: rule.name, start: this.#token, way: 0, kids: [] }, growing: false };
    this.#frame = frame;
    try {
      this.#parts(rule.body, frame);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      this.#tell(error.at, error.message);
      this.#skip();
    }
    this.#frame = caller;
    return frame.tree;
  }

  #parts(parts: readonly Part[], frame: Frame): void {
    for (const part of parts) {
      this.#state = part.at;
      if (part.kind === 'tokens') this.#match(part.tokens, frame);
      else if (part.kind === 'rule') {
        const edge = part.at.edges[0];
        frame.tree.kids.push(this.#rule(part.rule, part.precedence, edge?.kind === 'rule' ? edge.follow : undefined));
      } else if (part.kind === 'choice') this.#choice(part, frame);
      else if (part.kind === 'loop') this.#loop(part, frame);
    }
  }

  #choice(part: Part & { kind: 'choice' }, frame: Frame): void {
    this.#sync(part.at);
    if (part.optional) {
      if (startOf(part, 0).has(this.#kind)) this.#parts(part.ways[0] as readonly Part[], frame);
      return;
    }
    const way = part.first ? part.first.findIndex((kinds) => kinds.has(this.#kind)) + 1 : this.#predict(part.at, false);
    if (way === 0) throw this.#noWay(this.#next, this.#next);
    grow(frame);
    if (frame.tree.way === 0) frame.tree.way = way;
    this.#parts(part.ways[way - 1] as readonly Part[], frame);
  }

  #loop(part: Part & { kind: 'loop' }, frame: Frame): void {
    const { at, back, body, first, once, recursive } = part;
    this.#sync(at);
    let again = once || this.#again(part, at);
    while (again) {
      frame.growing = recursive;
      if (!body.some(({ kind }) => kind === 'choice')) grow(frame);
      this.#parts(body, frame);
      this.#state = back;
      this.#sync(back);
      again = first ? startOf(part, 0).has(this.#kind) : this.#again(part, once ? back : at);
    }
  }

  #again(part: Part & { kind: 'loop' }, at: State): boolean {
    if (part.first) return startOf(part, 0).has(this.#kind);
    return this.#predict(at, part.recursive) === 1;
  }

  #predict(at: State, recursive: boolean): number {
    const found = predict({ at, kinds: this.#kinds, from: this.#next, calls: this.#calls(), precedence: this.#frame?.precedence ?? 0, recursive, follows: (rule) => grammar().rules.get(rule)?.follows ?? [] });
    if ('way' in found) return found.way;
    throw this.#noWay(this.#next, found.failedAt);
  }

  #calls(): Calls | undefined {
    const open: State[] = [];
    for (let frame = this.#frame; frame?.follow; frame = frame.caller) open.push(frame.follow);
    return open.reduceRight<Calls | undefined>((more, to) => ({ to, more }), undefined);
  }

  #noWay(from: number, to: number): Wrong {
    const [first, last] = [this.#tokens[from] as Token, this.#tokens[to] as Token];
    const text = first.kind === 'end' ? '<EOF>' : this.#text(first.at, last.kind === 'end' ? this.#source.length : last.at + last.text.length);
    const [, value] = /^.(true|false|null)$/s.exec(text) ?? [];
    return new Wrong(last, value === undefined ? `no viable alternative at input ${quoted(text)}` : `mismatched input '${value}' expecting IDENTIFIER`);
  }

  /** As it was read. */
  #text(from: number, to: number): string {
    let [text, at] = ['', from];
    for (const [start, end] of this.#unread) {
      if (start < at || start >= to) continue;
      text += this.#source.slice(at, start);
      at = end;
    }
    return text + this.#source.slice(at, Math.max(at, to));
  }

  #match(tokens: ReadonlySet<number>, frame: Frame): void {
    if (tokens.has(this.#kind)) {
      this.#fits();
      frame.tree.kids.push(this.#token);
      return this.#take();
    }
    this.#attempt();
    if (this.#leaveOut()) {
      frame.tree.kids.push(this.#token);
      return this.#take();
    }
    const [edge] = this.#state.edges;
    if (edge && this.#within(edge.to).has(this.#kind)) {
      this.#tellOnce(`missing ${showKinds(this.#expected())} at ${shown(this.#token)}`);
      const [kind = EOF] = [...this.#expected()].sort((a, b) => a - b);
      const before = this.#kind === EOF && this.#next > 0 ? (this.#tokens[this.#next - 1] as Token) : this.#token;
      frame.tree.kids.push({ kind: 'sign', text: `<missing ${kindName(kind).startsWith("'") ? kindName(kind) : 'undefined'}>`, at: before.at });
      return;
    }
    throw this.#mismatch();
  }

  #mismatch(): Wrong {
    return new Wrong(this.#token, `mismatched input ${shown(this.#token)} expecting ${showKinds(this.#expected())}`);
  }

  /** Before a choice or a loop goes on: what comes must be able to. */
  #sync(at: State): void {
    this.#state = at;
    if (this.#recovering) return;
    const next = grammar().next(at);
    if (next.has(EPSILON) || next.has(this.#kind)) return;
    if (at.kind === 'back') {
      this.#tellOnce(`extraneous input ${shown(this.#token)} expecting ${showKinds(this.#expected())}`);
      this.#skipUntil(new Set([...this.#expected(), ...this.#follows()]));
    } else if (!this.#leaveOut()) throw this.#mismatch();
  }

  /** Where the token after this one would fit. */
  #leaveOut(): boolean {
    const expected = this.#expected();
    if (this.#next + 1 >= this.#tokens.length ? !expected.has(EOF) : !expected.has(this.#kinds[this.#next + 1] as number)) return false;
    this.#tellOnce(`extraneous input ${shown(this.#token)} expecting ${showKinds(expected)}`);
    this.#take();
    this.#fits();
    return true;
  }

  #skip(): void {
    this.#attempt();
    if (this.#lastAt === this.#next && this.#lastStates.has(this.#state)) this.#take();
    this.#lastAt = this.#next;
    this.#lastStates.add(this.#state);
    this.#skipUntil(this.#follows());
  }

  #skipUntil(kinds: ReadonlySet<number>): void {
    while (this.#kind !== EOF && !kinds.has(this.#kind)) this.#take();
  }

  /** What may come after one of the open rules. */
  #follows(): Set<number> {
    const kinds = new Set<number>();
    for (let frame = this.#frame; frame?.follow; frame = frame.caller) for (const kind of grammar().next(frame.follow)) kinds.add(kind);
    kinds.delete(EPSILON);
    return kinds;
  }

  #expected(): Set<number> {
    return this.#within(this.#state);
  }

  /** What may come at a state, after the open rules as far as they may end. */
  #within(state: State): Set<number> {
    let next: ReadonlySet<number> = look(state);
    const kinds = new Set(next);
    let frame = this.#frame;
    for (; frame?.follow && next.has(EPSILON); frame = frame.caller) {
      next = grammar().next(frame.follow);
      for (const kind of next) kinds.add(kind);
    }
    kinds.delete(EPSILON);
    if (next.has(EPSILON)) kinds.add(EOF);
    return kinds;
  }

  #take(): void {
    if (this.#kind !== EOF) this.#next++;
  }

  #fits(): void {
    this.#recovering = false;
    this.#lastAt = -1;
    this.#lastStates = new Set();
  }

  #attempt(): void {
    if (this.#attempts++ < ATTEMPT_LIMIT) return;
    this.#add(this.#token, `error recovery attempt limit exceeded: ${ATTEMPT_LIMIT}`);
    throw new GivenUp();
  }

  #tellOnce(message: string): void {
    this.#tell(this.#token, message);
  }

  #tell(at: Token, message: string): void {
    if (this.#recovering) return;
    this.#recovering = true;
    this.#add(at, message);
  }

  #add({ at }: Token, message: string): void {
    if (this.mistakes.length < MISTAKE_LIMIT) return void this.mistakes.push({ at, message: `Syntax error: ${message}` });
    this.mistakes.push({ at, message: `Syntax error: More than ${MISTAKE_LIMIT} syntax errors` });
    throw new GivenUp();
  }
}

const starts = new WeakMap<Part, ReadonlySet<number>>();

/** The tokens with which the way of a choice, or a turn of a loop, begins. */
function startOf(part: Part & { kind: 'choice' | 'loop' }, way: number): ReadonlySet<number> {
  let known = starts.get(part);
  if (!known) starts.set(part, (known = look(part.at.edges[way]?.to as State)));
  return known;
}

function grow(frame: Frame): void {
  if (!frame.growing) return;
  frame.growing = false;
  const inner = frame.tree;
  frame.tree = { rule: inner.rule, start: inner.start, way: 0, kids: [inner] };
}

function shown(token: Token): string {
  return quoted(token.text);
}

function quoted(text: string): string {
  return `'${text.replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
}
