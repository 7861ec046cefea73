/** What an observer who misses nothing knows of pods and their owners, with how long ago it was otherwise. */
import { milliValue, parseQuantity, value } from '../../api/quantity.ts';

/** Tight: sometimes not everything fits. */
export const NODE_CAPACITY = { cpu: '1500m', memory: '2Gi', pods: '8' } as const;
export const NODE_ROOM = { milliCpu: milliValue(parseQuantity(NODE_CAPACITY.cpu) as never), memory: value(parseQuantity(NODE_CAPACITY.memory) as never), pods: Number(NODE_CAPACITY.pods) } as const;

export interface PodFacts {
  readonly uid: string;
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly owner: string | undefined;
  readonly ownerKind: string | undefined;
  readonly node: string | undefined;
  readonly milliCpu: number;
  readonly memory: number;
  readonly isTerminal: boolean;
  readonly isDeleting: boolean;
  readonly isReady: boolean;
}

/** The little of an object that the simulation looks at. */
export interface Raw {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly { readonly uid: string; readonly kind: string; readonly name: string; readonly controller?: boolean; readonly blockOwnerDeletion?: boolean }[];
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

interface PodRaw extends Raw {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly { readonly resources?: { readonly requests?: Readonly<Record<string, string>> } }[];
  };
  readonly status?: { readonly phase?: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** What a pod asks for. */
export function demandOf(raw: Raw): { readonly milliCpu: number; readonly memory: number } {
  const requests = (raw as PodRaw).spec.containers.map(({ resources }) => resources?.requests ?? {});
  const sum = (name: string, of: (quantity: NonNullable<ReturnType<typeof parseQuantity>>) => number): number =>
    requests.reduce((total, one) => total + (one[name] ? of(parseQuantity(one[name]) as never) : 0), 0);
  return { milliCpu: sum('cpu', milliValue), memory: sum('memory', value) };
}

export function podFacts(raw: Raw): PodFacts {
  const { metadata, spec, status } = raw as PodRaw;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  return {
    uid: metadata.uid,
    key: `${metadata.namespace}/${metadata.name}`,
    namespace: metadata.namespace ?? '',
    labels: metadata.labels ?? {},
    owner: owner?.uid,
    ownerKind: owner?.kind,
    node: spec.nodeName,
    ...demandOf(raw),
    isTerminal: status?.phase === 'Succeeded' || status?.phase === 'Failed',
    isDeleting: metadata.deletionTimestamp !== undefined,
    isReady: status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
  };
}

/** A number that others may not have heard of yet: its highest and lowest value of the last while. */
export class Recent {
  readonly #keepMs: number;
  #now: number;
  #past: { readonly until: number; readonly value: number }[] = [];

  constructor(value: number, keepMs: number) {
    this.#now = value;
    this.#keepMs = keepMs;
  }

  get value(): number {
    return this.#now;
  }

  set(value: number, at: number): void {
    if (value === this.#now) return;
    this.#past.push({ until: at + this.#keepMs, value: this.#now });
    this.#now = value;
  }

  max(at: number): number {
    return Math.max(this.#now, ...this.#alive(at));
  }

  min(at: number): number {
    return Math.min(this.#now, ...this.#alive(at));
  }

  #alive(at: number): number[] {
    this.#past = this.#past.filter(({ until }) => until >= at);
    return this.#past.map(({ value: old }) => old);
  }
}

/** How many pods a share of the replicas is: rounded up for surge, down for unavailability. */
export function share(text: unknown, replicas: number, round: 'up' | 'down'): number {
  if (typeof text === 'number') return text;
  const percent = Number(/^(\d+)%$/.exec(String(text ?? '25%'))?.[1] ?? 0);
  const exact = (replicas * percent) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
