/** Puts routes to the pods of other nodes into the kernel, and takes those away that we made and nobody needs any more. */
import type { Family } from './compile.ts';
import type { PodRoute } from './routes.ts';

/** Who made a route stands beside it in the kernel: by this number ours are known, also after a restart. */
const PROTOCOL = '152';
const FAMILIES: readonly (readonly [Family, string])[] = [['ipv4', '-4'], ['ipv6', '-6']];

/** Runs a program and returns what it prints. */
export type Run = (program: string, args: readonly string[]) => Promise<string>;

export class RouteTable {
  readonly #run: Run;
  /** What is there, as `TO via VIA`; undefined: look first. */
  #known: ReadonlyMap<string, PodRoute> | undefined;

  constructor(run: Run) {
    this.#run = run;
  }

  /** Returns why routes could not be made: their nodes are behind a router, for one. The others are there then. */
  async apply(routes: readonly PodRoute[]): Promise<ReadonlyMap<PodRoute, unknown>> {
    const known = this.#known ?? (await this.#look());
    const wanted = new Map(routes.map((route) => [textOf(route), route]));
    const present = new Map(known);
    const failed = new Map<PodRoute, unknown>();
    for (const [text, { family, to, via }] of known) {
      if (wanted.has(text)) continue;
      await this.#ip(family, ['del', to, 'via', via, 'proto', PROTOCOL]).catch(() => undefined);
      present.delete(text);
    }
    for (const [text, route] of wanted) {
      if (known.has(text)) continue;
      try {
        await this.#ip(route.family, ['replace', route.to, 'via', route.via, 'proto', PROTOCOL]);
        present.set(text, route);
      } catch (error) {
        failed.set(route, error);
      }
    }
    this.#known = present;
    return failed;
  }

  /** Forgets what it knows, so that the next `apply` looks into the kernel, and tries again what failed. */
  distrust(): void {
    this.#known = undefined;
  }

  async clear(): Promise<void> {
    for (const [family] of FAMILIES) await this.#ip(family, ['flush', 'proto', PROTOCOL]).catch(() => undefined);
    this.#known = undefined;
  }

  async #look(): Promise<ReadonlyMap<string, PodRoute>> {
    const found = new Map<string, PodRoute>();
    for (const [family] of FAMILIES) {
      const text = await this.#ip(family, ['show', 'proto', PROTOCOL]).catch(() => '');
      for (const [, to = '', via = ''] of text.matchAll(/^(\S+) via (\S+)/gm)) found.set(textOf({ family, to, via }), { family, to, via });
    }
    return found;
  }

  #ip(family: Family, args: readonly string[]): Promise<string> {
    const [, flag] = FAMILIES.find(([one]) => one === family) as readonly [Family, string];
    return this.#run('ip', [flag, 'route', ...args]);
  }
}

function textOf({ to, via }: PodRoute): string {
  return `${to} via ${via}`;
}
