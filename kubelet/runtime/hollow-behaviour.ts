/** How simulated containers, images and nodes behave, as data: from the annotations of a pod, or from rules for many. Pure. */
import { milliValue, parseQuantity, value } from '../../api/quantity.ts';

/** What a container does. Times are milliseconds; Infinity: never. */
export interface Behaviour {
  /** From its creation until it runs. */
  readonly startMs: number;
  /** From its start until its readiness and startup probes succeed. */
  readonly readyMs: number;
  /** From its start until its liveness probe fails. */
  readonly unhealthyMs: number;
  /** From its start until it ends by itself. */
  readonly runMs: number;
  /** Of its runs, one after the other; the last one counts for all further ones. */
  readonly exitCodes: readonly number[];
  readonly exitReason: string | undefined;
  /** How long it takes to end when it is told to; after its grace it is killed. */
  readonly stopMs: number;
  /** What goes wrong on the way to its start, and for how many attempts. */
  readonly fail: { readonly step: FailingStep; readonly times: number } | undefined;
  readonly cpu: readonly Level[];
  readonly memory: readonly Level[];
}

export type FailingStep = 'sandbox' | 'create' | 'start';

/** So much (millicores, bytes) from so long after the start on. */
export interface Level {
  readonly afterMs: number;
  readonly amount: number;
}

export interface HollowRule extends Readonly<Record<string, unknown>> {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly container?: string;
  /** `*` stands for anything. */
  readonly image?: string;
}

export interface HollowRules {
  /** The first that fits a container counts; annotations count more. */
  readonly containers?: readonly HollowRule[];
  readonly images?: readonly { readonly image: string; readonly pull?: string; readonly error?: string }[];
  readonly nodes?: readonly { readonly node: string; readonly 'not-ready': readonly { readonly after: string; readonly for: string }[] }[];
}

export interface ContainerFacts {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly container: string;
  readonly image: string;
}

export const HOLLOW_PREFIX = 'coracle.dev/hollow-';
const FIELDS = ['start', 'ready', 'unhealthy', 'run', 'exit-code', 'exit-reason', 'stop', 'fail', 'cpu', 'memory'] as const;
const CONDITIONS = new Set(['namespace', 'labels', 'container', 'image']);

/** Throws an Error that names what cannot be understood. */
export function behaviourOf(facts: ContainerFacts, rules: HollowRules = {}): Behaviour {
  const rule = rules.containers?.find((one) => fits(one, facts));
  const said = (field: (typeof FIELDS)[number]): string | undefined => {
    const { annotations, container } = facts;
    const found = annotations[`${HOLLOW_PREFIX}${field}.${container}`] ?? annotations[HOLLOW_PREFIX + field] ?? rule?.[field];
    return found === undefined ? undefined : String(found);
  };
  if (rule === undefined && !Object.keys(facts.annotations).some((key) => key.startsWith(HOLLOW_PREFIX))) return (usual ??= read(() => undefined));
  return read(said);
}

/** What nobody says anything about behaves alike, and is one. */
let usual: Behaviour | undefined;

function read(said: (field: (typeof FIELDS)[number]) => string | undefined): Behaviour {
  const time = (field: (typeof FIELDS)[number], otherwise: number): number => {
    const text = said(field);
    return text === undefined ? otherwise : timeOf(field, text);
  };
  return {
    startMs: time('start', 0),
    readyMs: time('ready', 0),
    unhealthyMs: time('unhealthy', Infinity),
    runMs: time('run', Infinity),
    exitCodes: (said('exit-code') ?? '0').split(',').map((text) => wholeNumber('exit-code', text)),
    exitReason: said('exit-reason'),
    stopMs: time('stop', 0),
    fail: failure(said('fail')),
    cpu: levels('cpu', said('cpu') ?? '1m', (text) => milliValue(quantity('cpu', text))),
    memory: levels('memory', said('memory') ?? '16Mi', (text) => value(quantity('memory', text))),
  };
}

/** Whether a pod's annotations or a rule say when it is ready: then it has a readiness probe even where its spec names none. */
export function saysReadiness(facts: Omit<ContainerFacts, 'container' | 'image'>, rules: HollowRules = {}): boolean {
  if (Object.keys(facts.annotations).some((key) => key.startsWith(`${HOLLOW_PREFIX}ready`))) return true;
  return rules.containers?.some((rule) => rule['ready'] !== undefined && fits({ ...rule, image: '*' }, { ...facts, container: rule.container ?? '', image: '' })) ?? false;
}

/** How long the pull of an image takes, or why it fails. */
export function pullOf(image: string, rules: HollowRules = {}): { readonly ms: number; readonly error: string | undefined } {
  const rule = rules.images?.find((one) => matches(one.image, image));
  return { ms: rule?.pull === undefined ? 0 : timeOf('pull', rule.pull), error: rule?.error };
}

/** Whether a node is ready so long after its start. */
export function isNodeReady(node: string, upMs: number, rules: HollowRules = {}): boolean {
  const windows = rules.nodes?.find((one) => matches(one.node, node))?.['not-ready'] ?? [];
  return !windows.some(({ after, for: length }) => upMs >= timeOf('after', after) && upMs < timeOf('after', after) + timeOf('for', length));
}

/** Refuses what it does not know by name. */
export function checkRules(rules: unknown): HollowRules {
  const known = new Set(['containers', 'images', 'nodes']);
  if (typeof rules !== 'object' || rules === null) throw new Error('rules for simulated nodes are an object with containers, images and nodes');
  for (const key of Object.keys(rules)) if (!known.has(key)) throw new Error(`rules for simulated nodes: there is no ${JSON.stringify(key)}; there are ${[...known].join(', ')}`);
  const checked = rules as HollowRules;
  for (const rule of checked.containers ?? []) {
    for (const key of Object.keys(rule)) if (!CONDITIONS.has(key) && !(FIELDS as readonly string[]).includes(key)) throw new Error(`a rule for containers: there is no ${JSON.stringify(key)}; there are ${[...CONDITIONS, ...FIELDS].join(', ')}`);
    behaviourOf({ namespace: '', labels: {}, annotations: {}, container: '', image: '' }, { containers: [{ ...rule, namespace: '', labels: {}, container: '', image: '*' }] });
  }
  for (const { image } of checked.images ?? []) pullOf(image.replaceAll('*', ''), checked);
  for (const { node } of checked.nodes ?? []) isNodeReady(node.replaceAll('*', ''), 0, checked);
  return checked;
}

/** The level at a moment after the start. */
export function levelAt(steps: readonly Level[], ms: number): number {
  return steps.findLast(({ afterMs }) => afterMs <= ms)?.amount ?? 0;
}

/** Amount × milliseconds since the start. */
export function levelSum(steps: readonly Level[], ms: number): number {
  return steps.reduce((sum, { afterMs, amount }, i) => sum + amount * Math.max(0, Math.min(ms, steps[i + 1]?.afterMs ?? Infinity) - afterMs), 0);
}

function fits(rule: HollowRule, { namespace, labels, container, image }: ContainerFacts): boolean {
  if (rule.namespace !== undefined && rule.namespace !== namespace) return false;
  if (rule.container !== undefined && rule.container !== container) return false;
  if (rule.image !== undefined && !matches(rule.image, image)) return false;
  return Object.entries(rule.labels ?? {}).every(([key, wanted]) => labels[key] === wanted);
}

function matches(pattern: string, text: string): boolean {
  return new RegExp(`^${pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`).test(text);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function timeOf(field: string, text: string): number {
  if (text === 'never') return Infinity;
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) throw new Error(`${field}: ${JSON.stringify(text)} is no length of time; write 500ms, 3s, 5m, 1h or never`);
  return Number(count) * (UNITS[unit] as number);
}

function wholeNumber(field: string, text: string): number {
  if (!/^\d+$/.test(text.trim())) throw new Error(`${field}: ${JSON.stringify(text)} is no whole number`);
  return Number(text);
}

function quantity(field: string, text: string): NonNullable<ReturnType<typeof parseQuantity>> {
  const parsed = parseQuantity(text);
  if (!parsed) throw new Error(`${field}: ${JSON.stringify(text)} is no quantity`);
  return parsed;
}

function levels(field: string, text: string, amountOf: (text: string) => number): Level[] {
  return text.split(',').map((part) => {
    const [time, amount] = part.includes('=') ? (part.split('=') as [string, string]) : ['0s', part];
    return { afterMs: timeOf(field, time.trim()), amount: amountOf(amount.trim()) };
  });
}

function failure(text: string | undefined): Behaviour['fail'] {
  if (text === undefined) return undefined;
  const [step = '', times] = text.split(':');
  if (step !== 'sandbox' && step !== 'create' && step !== 'start') throw new Error(`fail: ${JSON.stringify(step)} cannot fail; sandbox, create or start can`);
  return { step, times: times === undefined ? Infinity : wholeNumber('fail', times) };
}
