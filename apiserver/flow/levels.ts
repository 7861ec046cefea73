/** The priority levels of a server and the FlowSchemas that lead to them, as their objects say; seats are shared out anew every so often. */
import { bootstrapObjects } from '../auth/bootstrap.ts';
import { byPrecedence, type Schema } from './match.ts';
import { isUsable, PriorityLevel, type LevelObject } from './priority-level.ts';
import { shareOut, type Claim } from './share-out.ts';

/** A FlowSchema whose level is there. */
export type SchemaInUse = Schema & { readonly level: PriorityLevel };

export class Levels {
  readonly #total: number;
  #levels = new Map<string, PriorityLevel>();
  #schemas: readonly SchemaInUse[] = [];
  #nominalSum = 0;
  fairFraction = 0;

  /** `total`: seats of this server. */
  constructor(total: number, nowMs: number) {
    this.#total = total;
    this.digest([], [], nowMs);
  }

  get levels(): Iterable<PriorityLevel> {
    return this.#levels.values();
  }

  /** By precedence. */
  get schemas(): readonly SchemaInUse[] {
    return this.#schemas;
  }

  get catchAll(): SchemaInUse {
    return this.#schemas.find(({ metadata }) => metadata.name === 'catch-all') as SchemaInUse;
  }

  /** Takes new objects in. What a level has running and waiting stays, even when its object has gone. */
  digest(levels: readonly LevelObject[], schemas: readonly Schema[], nowMs: number): void {
    const next = new Map<string, PriorityLevel>();
    for (const object of levels) if (isUsable(object)) next.set(object.metadata.name, this.#levelOf(object, nowMs));
    const usable = schemas.filter(({ spec }) => next.has(spec?.priorityLevelConfiguration.name ?? ''));
    for (const [name, level] of this.#levels) {
      if (next.has(name) || (level.set.isIdle && !MANDATORY.has(name))) continue;
      level.isQuiescing = !MANDATORY.has(name);
      next.set(name, level);
    }
    for (const name of MANDATORY) if (!next.has(name)) next.set(name, this.#levelOf(imagined<LevelObject>('PriorityLevelConfiguration', name), nowMs));
    this.#levels = next;
    const all = [...usable];
    for (const name of MANDATORY) if (!all.some(({ metadata }) => metadata.name === name)) all.push(imagined<Schema>('FlowSchema', name));
    this.#schemas = all.sort(byPrecedence).map((schema) => ({ ...schema, level: next.get(schema.spec?.priorityLevelConfiguration.name ?? '') as PriorityLevel }));
    this.#entitle(nowMs);
  }

  /** Whether a level that nobody is sent to any more has become idle. */
  get hasRemains(): boolean {
    for (const level of this.#levels.values()) if (level.isQuiescing && level.set.isIdle) return true;
    return false;
  }

  /** Lends what levels do not need to those that could use more. */
  share(nowMs: number): void {
    for (const { demand } of this.#levels.values()) demand.settle(nowMs);
    this.#shareOut(nowMs);
  }

  #levelOf(object: LevelObject, nowMs: number): PriorityLevel {
    const known = this.#levels.get(object.metadata.name);
    if (!known) return new PriorityLevel(object, nowMs);
    known.become(object);
    return known;
  }

  #entitle(nowMs: number): void {
    let shares = 0;
    for (const level of this.#levels.values()) shares += level.shares;
    this.#nominalSum = 0;
    for (const level of this.#levels.values()) {
      const nominal = shares === 0 ? 0 : Math.ceil((this.#total * level.shares) / shares);
      level.entitle(nominal, this.#total);
      this.#nominalSum += nominal;
    }
    this.#shareOut(nowMs);
  }

  #shareOut(nowMs: number): void {
    let left = this.#nominalSum;
    const limited: PriorityLevel[] = [];
    for (const level of this.#levels.values()) {
      if (!level.isExempt) {
        limited.push(level);
        continue;
      }
      const used = Math.max(level.least, level.demand.highest);
      level.target = used;
      level.limit(used, nowMs);
      left -= used;
    }
    const claims = limited.map((level): Claim => {
      const least = Math.max(level.least, Math.min(level.nominal, level.demand.highest));
      return { least, most: level.most, target: Math.max(least, level.demand.smoothed) };
    });
    const seats = this.#seats(left, limited, claims);
    for (const [at, level] of limited.entries()) {
      level.target = claims[at]?.target ?? 0;
      level.limit(Math.round(seats[at] ?? level.current), nowMs);
    }
  }

  /** When the exempt use so much that not everybody can have what he had, all come down towards what they never lend. */
  #seats(left: number, limited: readonly PriorityLevel[], claims: readonly Claim[]): readonly number[] {
    const never = limited.reduce((sum, { least }) => sum + least, 0);
    const wanted = claims.reduce((sum, { least }) => sum + least, 0);
    this.fairFraction = 0;
    if (left <= never) return limited.map(({ least }) => least);
    if (left <= wanted) return limited.map(({ least }, at) => least + Math.round((((claims[at] as Claim).least - least) * (left - never)) / (wanted - never)));
    const shares = shareOut(this.#nominalSum, claims);
    this.fairFraction = shares?.fraction ?? 0;
    return shares?.seats ?? limited.map(({ nominal, current }) => current || nominal);
  }
}

/** These are there whether or not their objects are. */
const MANDATORY = new Set(['exempt', 'catch-all']);

function imagined<T>(kind: string, name: string): T {
  const object = bootstrapObjects().find((one) => one.kind === kind && one.metadata.name === name);
  return { ...object, metadata: { ...object?.metadata, uid: '' } } as T;
}
