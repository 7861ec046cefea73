/** The grammar of expressions as a net of states, for telling mistakes as upstream's generated parser tells them. Provenance: the grammar of cel-go v0.26; the nets of ANTLR 4. */
import type { Token } from './tokens.ts';

/** Names of the kinds of tokens, in the order in which messages list them. */
const KINDS = [
  "'=='", "'!='", "'in'", "'<'", "'<='", "'>='", "'>'", "'&&'", "'||'", "'['", "']'", "'{'", "'}'", "'('", "')'", "'.'", "','", "'-'", "'!'", "'?'", "':'", "'+'", "'*'", "'/'", "'%'", "'true'", "'false'", "'null'",
  'NUM_FLOAT', 'NUM_INT', 'NUM_UINT', 'STRING', 'BYTES', 'IDENTIFIER', 'ESC_IDENTIFIER',
];
const NUMBERS: ReadonlyMap<string, number> = new Map(KINDS.map((name, at) => [name, at + 1]));
export const EOF = 0;
/** In sets of what may follow: the end of the rule. */
export const EPSILON = -1;
const NAMED: Readonly<Record<string, string>> = { float: 'NUM_FLOAT', int: 'NUM_INT', uint: 'NUM_UINT', string: 'STRING', bytes: 'BYTES', identifier: 'IDENTIFIER', escaped: 'ESC_IDENTIFIER' };

export function kindOf({ kind, text }: Token): number {
  if (kind === 'end') return EOF;
  const quoted = NUMBERS.get(`'${text}'`);
  return (kind === 'sign' || kind === 'identifier' ? quoted : undefined) ?? (NUMBERS.get(NAMED[kind] ?? '') as number);
}

export function kindName(kind: number): string {
  return kind === EOF ? '<EOF>' : (KINDS[kind - 1] as string);
}

export function showKinds(kinds: ReadonlySet<number>): string {
  const names = [...kinds].filter((kind) => kind !== EPSILON).sort((a, b) => a - b).map(kindName);
  return names.length === 1 ? (names[0] as string) : `{${names.join(', ')}}`;
}

export type Edge =
  | { readonly kind: 'epsilon'; to: State }
  | { readonly kind: 'tokens'; readonly tokens: ReadonlySet<number>; to: State }
  | { readonly kind: 'rule'; readonly rule: Rule; readonly precedence: number; to: State; readonly follow: State }
  | { readonly kind: 'precedence'; readonly precedence: number; to: State };

export interface State {
  readonly id: number;
  readonly kind: 'basic' | 'choice' | 'entry' | 'back' | 'stop';
  readonly rule: string;
  readonly edges: Edge[];
}

export interface Rule {
  readonly name: string;
  readonly start: State;
  readonly stop: State;
  /** States after calls of it. */
  readonly follows: State[];
  readonly body: Part[];
}

/** What a rule is made of, with the states at which reading it stands. */
export type Part =
  | { readonly kind: 'tokens'; readonly tokens: ReadonlySet<number>; readonly at: State }
  | { readonly kind: 'rule'; readonly rule: Rule; readonly precedence: number; readonly at: State }
  | { readonly kind: 'precedence'; readonly precedence: number; readonly at: State }
  /** `first`: one token tells which; then what cannot be is no reason to look further. `optional`: the last way is to go on. */
  | { readonly kind: 'choice'; readonly ways: readonly Part[][]; readonly first: readonly ReadonlySet<number>[] | undefined; readonly optional: boolean; readonly at: State }
  | { readonly kind: 'loop'; readonly body: readonly Part[]; readonly first: ReadonlySet<number> | undefined; readonly once: boolean; readonly at: State; readonly back: State; readonly recursive: boolean };

type Text = string | readonly Text[];

/**
 * A rule's parts: `'x'` and NAMES are tokens, `a|b` one of several; names of rules may have a precedence (`calc:3`); `#2` holds from that precedence on.
 * Lists: `['?', …]` may be there, `['*', …]` and `['+', …]` come again, `['|', […], …]` are ways. A doubled sign (`??`, `**`, `++`, `||`) needs more than one token to decide;
 * `['<', …]` is the loop of a rule that begins with itself.
 */
const RULES: Readonly<Record<string, readonly Text[]>> = {
  start: ['expr', 'EOF'],
  expr: ['or', ['?', "'?'", 'or', "':'", 'expr']],
  or: ['and', ['*', "'||'", 'and']],
  and: ['relation:0', ['*', "'&&'", 'relation:0']],
  relation: ['calc:0', ['<', '#1', "'<'|'<='|'>='|'>'|'=='|'!='|'in'", 'relation:2']],
  calc: ['unary', ['<', ['||', ['#2', "'*'|'/'|'%'", 'calc:3'], ['#1', "'+'|'-'", 'calc:2']]]],
  unary: [['||', ['member:0'], [['+', "'!'"], 'member:0'], [['++', "'-'"], 'member:0']]],
  member: ['primary', ['<', ['||', ['#3', "'.'", ['?', "'?'"], 'escapeIdent'], ['#2', "'.'", 'IDENTIFIER', "'('", ['?', 'exprList'], "')'"], ['#1', "'['", ['?', "'?'"], 'expr', "']'"]]]],
  primary: [['||', [['?', "'.'"], 'IDENTIFIER'], [['?', "'.'"], 'IDENTIFIER', "'('", ['?', 'exprList'], "')'"], ["'('", 'expr', "')'"], ["'['", ['?', 'listInit'], ['?', "','"], "']'"],
    ["'{'", ['?', 'mapInit'], ['?', "','"], "'}'"], [['?', "'.'"], 'IDENTIFIER', ['*', "'.'", 'IDENTIFIER'], "'{'", ['?', 'fieldInit'], ['?', "','"], "'}'"], ['literal']]],
  exprList: ['expr', ['*', "','", 'expr']],
  listInit: ['optExpr', ['**', "','", 'optExpr']],
  fieldInit: ['optField', "':'", 'expr', ['**', "','", 'optField', "':'", 'expr']],
  optField: [['?', "'?'"], 'escapeIdent'],
  mapInit: ['optExpr', "':'", 'expr', ['**', "','", 'optExpr', "':'", 'expr']],
  escapeIdent: [['|', ['IDENTIFIER'], ['ESC_IDENTIFIER']]],
  optExpr: [['?', "'?'"], 'expr'],
  literal: [['||', [['?', "'-'"], 'NUM_INT'], ['NUM_UINT'], [['?', "'-'"], 'NUM_FLOAT'], ['STRING'], ['BYTES'], ["'true'"], ["'false'"], ["'null'"]]],
};

export interface Grammar {
  readonly rules: ReadonlyMap<string, Rule>;
  /** What can come at a state; EPSILON where the rule may end. */
  next(state: State): ReadonlySet<number>;
}

let known: Grammar | undefined;

/** Made when the first mistake is met. */
export function grammar(): Grammar {
  return (known ??= build());
}

class Builder {
  readonly rules = new Map<string, Rule>();
  #rule = '';
  #count = 0;

  state(kind: State['kind']): State {
    return { id: this.#count++, kind, rule: this.#rule, edges: [] };
  }

  declare(name: string): void {
    this.#rule = name;
    this.rules.set(name, { name, start: this.state('basic'), stop: this.state('stop'), follows: [], body: [] });
  }

  define(name: string, texts: readonly Text[]): void {
    this.#rule = name;
    const rule = this.rules.get(name) as Rule;
    const { parts, end } = this.#sequence(texts, rule.start);
    rule.body.push(...parts);
    link(end, rule.stop);
  }

  #sequence(texts: readonly Text[], from: State): { parts: Part[]; end: State } {
    const parts: Part[] = [];
    let end = from;
    for (const text of texts) {
      const at = this.state(typeof text === 'string' ? 'basic' : KIND_OF_LIST[text[0] as string] ?? 'choice');
      link(end, at);
      end = this.state('basic');
      parts.push(typeof text === 'string' ? this.#word(text, at, end) : this.#list(text, at, end));
    }
    return { parts, end };
  }

  #word(text: string, at: State, end: State): Part {
    if (text.startsWith('#')) {
      const precedence = Number(text.slice(1));
      at.edges.push({ kind: 'precedence', precedence, to: end });
      return { kind: 'precedence', precedence, at };
    }
    const [name = '', precedence = '0'] = /^[a-z]/.test(text) ? text.split(':') : [];
    const rule = this.rules.get(name);
    if (rule) {
      at.edges.push({ kind: 'rule', rule, precedence: Number(precedence), to: rule.start, follow: end });
      rule.follows.push(end);
      return { kind: 'rule', rule, precedence: Number(precedence), at };
    }
    const tokens = new Set(text === 'EOF' ? [EOF] : text === "'||'" ? [NUMBERS.get(text) as number] : text.split('|').map((one) => NUMBERS.get(one) as number));
    at.edges.push({ kind: 'tokens', tokens, to: end });
    return { kind: 'tokens', tokens, at };
  }

  #list([sign, ...rest]: readonly Text[], at: State, end: State): Part {
    const way = (texts: readonly Text[], to: State): Part[] => {
      const start = this.state('basic');
      link(at, start);
      const made = this.#sequence(texts, start);
      link(made.end, to);
      return made.parts;
    };
    const one = (sign as string).length === 1;
    if (sign === '|' || sign === '||') {
      const ways = rest.map((texts) => way(texts as readonly Text[], end));
      return { kind: 'choice', ways, first: one ? at.edges.map(({ to }) => look(to)) : undefined, optional: false, at };
    }
    if (sign === '?') {
      const ways = [way(rest, end)];
      link(at, end);
      return { kind: 'choice', ways, first: LAZY, optional: true, at };
    }
    const back = this.state('back');
    const body = way(rest, back);
    link(back, at);
    if (sign === '*' || sign === '**' || sign === '<') link(at, end);
    else {
      // Once at least: only the way back leads out.
      back.edges.length = 0;
      link(back, at);
      link(back, end);
    }
    return { kind: 'loop', body, first: one && sign !== '<' ? LAZY_SET : undefined, once: sign === '+' || sign === '++', at, back, recursive: sign === '<' };
  }
}

const KIND_OF_LIST: Readonly<Record<string, State['kind']>> = { '*': 'entry', '**': 'entry', '<': 'entry', '+': 'choice', '++': 'choice' };
/** Found out when all rules are there. */
const LAZY: readonly ReadonlySet<number>[] = [];
const LAZY_SET: ReadonlySet<number> = new Set();

function link(from: State, to: State): void {
  from.edges.push({ kind: 'epsilon', to });
}

function build(): Grammar {
  const builder = new Builder();
  for (const name of Object.keys(RULES)) builder.declare(name);
  for (const [name, texts] of Object.entries(RULES)) builder.define(name, texts);
  const memo = new Map<State, ReadonlySet<number>>();
  return {
    rules: builder.rules,
    next(state) {
      let found = memo.get(state);
      if (!found) memo.set(state, (found = look(state)));
      return found;
    },
  };
}

/** The tokens that can come at a state; EPSILON for the end of its rule. */
export function look(state: State): Set<number> {
  const found = new Set<number>();
  const seen = new Set<string>();
  const visit = (at: State, returns: readonly State[]): void => {
    const key = `${at.id}/${returns.map(({ id }) => id).join()}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (at.kind === 'stop') {
      const [to, ...more] = returns;
      if (to) visit(to, more);
      else found.add(EPSILON);
    }
    for (const edge of at.edges) {
      if (edge.kind === 'tokens') for (const token of edge.tokens) found.add(token);
      // A rule that calls itself first of all adds nothing.
      else if (edge.kind === 'rule') { if (!returns.includes(edge.follow)) visit(edge.to, [edge.follow, ...returns]); }
      else visit(edge.to, returns);
    }
  };
  visit(state, []);
  return found;
}
