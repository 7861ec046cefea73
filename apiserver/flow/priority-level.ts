/** One priority level at work: its queues, its bounds, what it could have used. */
import type { PriorityLevelConfiguration } from '../../api/types/flowcontrol.v1.ts';
import type { Stored } from '../auth/reader.ts';
import { Demand } from './demand.ts';
import { QueueSet, type QueueSetConfig } from './queue-set.ts';
import { RetryAfter } from './retry-after.ts';
import { canDeal, deal, flowHash } from './shuffle-deal.ts';

export type LevelObject = Stored<PriorityLevelConfiguration>;

/** Flows whose queues are remembered; when there are more all are dealt anew, with the same outcome. */
const FLOWS_LIMIT = 10_000;
/** The part of a level's seats that one request may take. */
const WIDEST = 0.15;

export class PriorityLevel {
  readonly name: string;
  readonly set: QueueSet;
  readonly demand: Demand;
  readonly retryAfter = new RetryAfter();
  object: LevelObject;
  /** Nobody is sent here any more; it goes when it is idle. */
  isQuiescing = false;
  nominal = 0;
  least = 0;
  most = 0;
  current = 0;
  target = 0;
  /** Seats of one request at most; 0: no bound of its own. */
  widest = 0;
  readonly #hands = new Map<string, readonly number[]>();

  constructor(object: LevelObject, nowMs: number) {
    this.name = object.metadata.name;
    this.object = object;
    this.set = new QueueSet({ limit: 0, queuing: 'none' }, nowMs);
    this.demand = new Demand(nowMs);
  }

  get isExempt(): boolean {
    return this.object.spec?.type === 'Exempt';
  }

  get shares(): number {
    const { exempt, limited } = this.object.spec ?? {};
    return exempt?.nominalConcurrencyShares ?? limited?.nominalConcurrencyShares ?? (this.isExempt ? 0 : DEFAULT_SHARES);
  }

  get queues(): number {
    const { limitResponse } = this.object.spec?.limited ?? {};
    return limitResponse?.type === 'Queue' ? (limitResponse.queuing?.queues ?? DEFAULT_QUEUES) : 0;
  }

  /** Of all of a server's seats; `total` is what may be borrowed where there is no other limit. */
  entitle(nominal: number, total: number): void {
    const { exempt, limited } = this.object.spec ?? {};
    const lendable = Math.round((nominal * (exempt?.lendablePercent ?? limited?.lendablePercent ?? 0)) / 100);
    const borrowing = limited?.borrowingLimitPercent;
    this.nominal = nominal;
    this.least = nominal - lendable;
    this.most = nominal + (borrowing === undefined ? total : Math.round((nominal * borrowing) / 100));
    const handSize = limited?.limitResponse?.queuing?.handSize;
    this.widest = handSize === undefined ? 0 : Math.max(1, Math.min(Math.ceil(nominal * WIDEST), Math.floor(nominal / handSize)));
  }

  limit(seats: number, nowMs: number): void {
    this.current = seats;
    this.set.configure({ limit: seats, queuing: this.#queuing() }, nowMs);
  }

  handOf(schema: string, distinguisher: string): readonly number[] {
    const flow = `${schema}\0${distinguisher}`;
    let hand = this.#hands.get(flow);
    if (!hand) {
      if (this.#hands.size >= FLOWS_LIMIT) this.#hands.clear();
      const { queues } = this;
      hand = queues <= 1 ? [0] : deal(flowHash(schema, distinguisher), queues, this.object.spec?.limited?.limitResponse?.queuing?.handSize ?? DEFAULT_HAND);
      this.#hands.set(flow, hand);
    }
    return hand;
  }

  /** Its object changed. */
  become(object: LevelObject): void {
    this.object = object;
    this.isQuiescing = false;
    this.#hands.clear();
  }

  #queuing(): QueueSetConfig['queuing'] {
    if (this.isExempt) return 'exempt';
    const { queues } = this;
    return queues === 0 ? 'none' : { queues, queueLength: this.object.spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? DEFAULT_LENGTH };
  }
}

const DEFAULT_SHARES = 30;
const DEFAULT_QUEUES = 64;
const DEFAULT_HAND = 8;
const DEFAULT_LENGTH = 50;

/** A level whose parts contradict each other is left out, as upstream's controller does. */
export function isUsable({ metadata, spec }: LevelObject): boolean {
  if (!spec) return false;
  const { type, limited, exempt } = spec;
  if ((type === 'Limited') !== (limited !== undefined) || (type === 'Exempt') !== (metadata.name === 'exempt') || (type !== 'Exempt' && exempt !== undefined)) return false;
  const queuing = limited?.limitResponse?.queuing;
  if (limited && (limited.limitResponse?.type === 'Reject') !== (queuing === undefined)) return false;
  return !queuing || canDeal(queuing.queues ?? DEFAULT_QUEUES, queuing.handSize ?? DEFAULT_HAND);
}
