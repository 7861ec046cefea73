/** Puts chains into the kernel: one iptables-restore transaction per change, touching only what changed and only what is ours. */
import { spawn } from 'node:child_process';
import { type Chains, JUMPS, PREFIX, type Table } from './chains.ts';
import type { PortRule } from './compile.ts';

type State = ReadonlyMap<string, readonly string[]>;

/** A chain with more lines than this is changed line by line instead of being written anew (its order does not matter). */
const REWRITE_LIMIT = 32;
const TABLES: readonly Table[] = ['nat', 'filter'];
/** Bound on what one of the programs may print. */
const OUTPUT_LIMIT_BYTES = 256 * 1024 * 1024;

export class Iptables {
  readonly #programs: { readonly save: string; readonly restore: string };
  readonly #enter: readonly string[];
  /** What we know to be in the kernel; undefined: look first. */
  #known: Map<Table, State> | undefined;

  /** `enter` comes before each command line: `ip netns exec NAME` programs another network namespace than the process's own. */
  constructor(family: PortRule['family'], enter: readonly string[] = []) {
    this.#enter = enter;
    const name = family === 'ipv4' ? 'iptables' : 'ip6tables';
    this.#programs = { save: `${name}-save`, restore: `${name}-restore` };
  }

  /** Makes the kernel hold exactly these chains of ours. Nothing is run when nothing changed. */
  async apply(chains: Chains): Promise<void> {
    const script: string[] = [];
    for (const table of TABLES) {
      const known = this.#known?.get(table);
      const lines = known ? difference(known, chains[table]) : await this.#adopt(table, chains[table]);
      if (lines.length > 0) script.push(`*${table}`, ...lines, 'COMMIT');
    }
    if (script.length > 0) await this.#restore(script);
    this.#known = new Map(TABLES.map((table) => [table, chains[table]]));
  }

  /** Forgets what it knows, so that the next `apply` compares with the kernel and repairs what others changed. */
  distrust(): void {
    this.#known = undefined;
  }

  /** Removes every chain of ours and every jump into them. */
  async clear(): Promise<void> {
    for (const table of TABLES) {
      const { chains, jumps } = await this.#found(table);
      const script = [...jumps.map((jump) => `-D ${jump}`), ...chains.map((chain) => `:${chain} - [0:0]`), ...chains.map((chain) => `-X ${chain}`)];
      if (script.length > 0) await this.#restore([`*${table}`, ...script, 'COMMIT']);
    }
    this.#known = undefined;
  }

  /** Writes everything, removes chains of ours that a predecessor left, and puts the jumps in where they are missing. */
  async #adopt(table: Table, wanted: State): Promise<string[]> {
    const { chains, jumps } = await this.#found(table);
    const wantedJumps = JUMPS[table].map(({ from, rule }) => `${from} ${rule}`);
    const present = new Set(jumps.map(comparable));
    const stale = chains.filter((chain) => !wanted.has(chain));
    const inFront = wantedJumps.filter((jump) => !present.has(comparable(jump))).reverse();
    return [
      ...[...wanted.keys(), ...stale].map((chain) => `:${chain} - [0:0]`),
      ...jumps.filter((jump) => !wantedJumps.some((wantedJump) => comparable(wantedJump) === comparable(jump))).map((jump) => `-D ${jump}`),
      ...inFront.map((jump) => `-I ${jump}`),
      ...[...wanted].flatMap(([chain, lines]) => lines.map((line) => `-A ${chain} ${line}`)),
      ...stale.map((chain) => `-X ${chain}`),
    ];
  }

  async #found(table: Table): Promise<{ chains: string[]; jumps: string[] }> {
    const saved = (await run([...this.#enter, this.#programs.save, '-t', table])).split('\n');
    return {
      chains: saved.filter((line) => line.startsWith(`:${PREFIX}`)).map((line) => line.slice(1, line.indexOf(' '))),
      jumps: saved.filter((line) => line.startsWith('-A ') && !line.startsWith(`-A ${PREFIX}`) && line.includes(` -j ${PREFIX}`)).map((line) => line.slice(3)),
    };
  }

  async #restore(script: readonly string[]): Promise<void> {
    try {
      await run([...this.#enter, this.#programs.restore, '--noflush', '--wait', '10'], `${script.join('\n')}\n`);
    } catch (error) {
      this.#known = undefined;
      throw error;
    }
  }
}

/** The lines that turn one state into another: new and changed chains are written before anything refers to them, stale ones go last. */
function difference(known: State, wanted: State): string[] {
  const declared: string[] = [];
  const changed: string[] = [];
  for (const [chain, lines] of wanted) {
    const before = known.get(chain);
    if (before && before.length === lines.length && before.every((line, i) => line === lines[i])) continue;
    if (before && Math.max(before.length, lines.length) > REWRITE_LIMIT) {
      const now = new Set(lines);
      const then = new Set(before);
      changed.push(...before.filter((line) => !now.has(line)).map((line) => `-D ${chain} ${line}`));
      changed.push(...lines.filter((line) => !then.has(line)).map((line) => `-I ${chain} ${line}`));
    } else {
      declared.push(`:${chain} - [0:0]`);
      changed.push(...lines.map((line) => `-A ${chain} ${line}`));
    }
  }
  const stale = [...known.keys()].filter((chain) => !wanted.has(chain));
  return [...declared, ...stale.map((chain) => `:${chain} - [0:0]`), ...changed, ...stale.map((chain) => `-X ${chain}`)];
}

/** iptables-save prints rules in its own order of options: compare where they come from and where they lead. */
function comparable(jump: string): string {
  return `${jump.split(' ', 1)[0]} ${/--comment "[^"]*"/.exec(jump)?.[0]} ${/-j (\S+)/.exec(jump)?.[1]}`;
}

function run([program = '', ...args]: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, PATH: path } });
    const out: Buffer[] = [];
    let bytes = 0;
    let problem = '';
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > OUTPUT_LIMIT_BYTES) child.kill();
      else out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => (problem = (problem + chunk.toString()).slice(-2000)));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new Error(`${program} failed: ${problem.trim() || `exit status ${code}`}`));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
