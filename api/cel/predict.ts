/** Which way a rule goes on, by as many tokens as it takes. Provenance: how ANTLR 4 predicts: without regard to the callers at first, with regard to them where that leaves a doubt. */
import { EOF, type State } from './grammar.ts';

/** What is still open: rules that were begun, and where they go on. */
export interface Calls {
  readonly to: State;
  readonly more: Calls | undefined;
}

export interface Decision {
  readonly at: State;
  /** Kinds of the tokens from here on, the end last. */
  readonly kinds: readonly number[];
  readonly from: number;
  readonly calls: Calls | undefined;
  readonly precedence: number;
  /** The loop of a rule that begins with itself. */
  readonly recursive: boolean;
  readonly follows: (rule: string) => readonly State[];
}

/** One way, from 1; or the token at which none is left. */
export type Prediction = { readonly way: number } | { readonly failedAt: number };

interface Config {
  readonly state: State;
  readonly way: number;
  readonly calls: Calls | undefined;
  /** It has left the rule in which the decision is. */
  readonly left: boolean;
}

/** More are never needed for what people write. */
const CONFIG_LIMIT = 20_000;

export function predict(decision: Decision): Prediction {
  const short = new Search(decision, false).run();
  return short === 'doubt' ? (new Search(decision, true).run() as Prediction) : short;
}

class Search {
  readonly #decision: Decision;
  /** Whether the callers count. */
  readonly #whole: boolean;
  #work = 0;

  constructor(decision: Decision, whole: boolean) {
    this.#decision = decision;
    this.#whole = whole;
  }

  run(): Prediction | 'doubt' {
    const { at, kinds, from, calls, recursive } = this.#decision;
    const started = new Set<string>();
    let configs: Config[] = [];
    at.edges.forEach(({ to }, way) => this.#close({ state: to, way: way + 1, calls: this.#whole ? calls : undefined, left: false }, configs, started, { depth: 0, first: true, end: false }));
    if (recursive && !this.#whole) configs = withoutDoubles(configs);
    for (let token = from; ; token = Math.min(token + 1, kinds.length - 1)) {
      const reached = this.#reach(configs, kinds[token] as number);
      if (reached.length === 0) {
        const ways = configs.filter(({ left, state, calls: open }) => left || (state.kind === 'stop' && open === undefined)).map(({ way }) => way);
        return ways.length > 0 ? { way: Math.min(...ways) } : { failedAt: token };
      }
      const ways = new Set(reached.map(({ way }) => way));
      if (ways.size === 1) return { way: [...ways][0] as number };
      const groups = grouped(reached, ({ state, calls: open }) => `${state.id}/${text(open)}`);
      if (this.#whole) {
        const least = new Set(groups.map((group) => Math.min(...group)));
        if (least.size === 1) return { way: [...least][0] as number };
      } else if (reached.every(({ state }) => state.kind === 'stop') || (groups.some(({ length }) => length > 1) && !grouped(reached, ({ state }) => String(state.id)).some(({ length }) => length === 1))) return 'doubt';
      configs = reached;
    }
  }

  #reach(configs: readonly Config[], kind: number): Config[] {
    const moved: Config[] = [];
    const stopped: Config[] = [];
    for (const config of configs) {
      if (config.state.kind === 'stop') {
        if (this.#whole || kind === EOF) stopped.push(config);
        continue;
      }
      for (const edge of config.state.edges) if (edge.kind === 'tokens' && edge.tokens.has(kind)) moved.push({ ...config, state: edge.to });
    }
    if (stopped.length === 0 && kind !== EOF && new Set(moved.map(({ way }) => way)).size === 1) return moved;
    let reached: Config[] = [];
    const seen = new Set<string>();
    for (const config of moved) this.#close(config, reached, seen, { depth: 0, first: false, end: kind === EOF });
    if (kind === EOF) reached = reached.filter(({ state }) => state.kind === 'stop');
    return !this.#whole || !reached.some(({ state }) => state.kind === 'stop') ? [...reached, ...stopped] : reached;
  }

  /** All that can be reached without a token. */
  #close(config: Config, into: Config[], seen: Set<string>, how: { readonly depth: number; readonly first: boolean; readonly end: boolean }): void {
    const { state, way, calls, left } = config;
    const key = `${state.id}/${way}/${text(calls)}/${left}`;
    if (seen.has(key) || ++this.#work > CONFIG_LIMIT) return;
    seen.add(key);
    if (state.kind === 'stop') return this.#leave(config, into, seen, how);
    if (state.edges.some(({ kind }) => kind === 'tokens')) into.push(config);
    for (const edge of state.edges) {
      if (edge.kind === 'tokens') {
        if (how.end && edge.tokens.has(EOF)) this.#close({ ...config, state: edge.to }, into, seen, how);
      } else if (edge.kind === 'precedence') {
        if (!how.first || how.depth !== 0 || edge.precedence >= this.#decision.precedence) this.#close({ ...config, state: edge.to }, into, seen, how);
      } else if (edge.kind === 'rule') this.#close({ state: edge.to, way, calls: { to: edge.follow, more: calls }, left }, into, seen, { ...how, depth: how.depth + 1 });
      else this.#close({ ...config, state: edge.to }, into, seen, how);
    }
  }

  #leave(config: Config, into: Config[], seen: Set<string>, how: { readonly depth: number; readonly first: boolean; readonly end: boolean }): void {
    const { state, calls } = config;
    const depth = how.depth - 1;
    if (calls) return this.#close({ ...config, state: calls.to, calls: calls.more }, into, seen, { ...how, depth });
    const follows = this.#decision.follows(state.rule);
    if (this.#whole || follows.length === 0) return void into.push(config);
    for (const to of follows) this.#close({ ...config, state: to, left: true }, into, seen, { ...how, depth });
  }
}

/** What the first way can do as well is no reason to leave the loop. */
function withoutDoubles(configs: readonly Config[]): Config[] {
  const ofFirst = new Set(configs.filter(({ way }) => way === 1).map(({ state, calls }) => `${state.id}/${text(calls)}`));
  return configs.filter(({ way, state, calls }) => way === 1 || !ofFirst.has(`${state.id}/${text(calls)}`));
}

function grouped(configs: readonly Config[], keyOf: (config: Config) => string): number[][] {
  const groups = new Map<string, Set<number>>();
  for (const config of configs) {
    const key = keyOf(config);
    const group = groups.get(key) ?? new Set();
    groups.set(key, group.add(config.way));
  }
  return [...groups.values()].map((group) => [...group]);
}

const texts = new WeakMap<Calls, string>();

function text(calls: Calls | undefined): string {
  if (!calls) return '';
  let known = texts.get(calls);
  if (known === undefined) texts.set(calls, (known = `${calls.to.id},${text(calls.more)}`));
  return known;
}
