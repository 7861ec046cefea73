/** Asks extenders over HTTP: which nodes they refuse for a pod, how they score the others, and to bind. */
import { readFileSync } from 'node:fs';
import type { Agent } from 'undici';
import { parseJsonText } from '../api/codec/json-text.ts';
import type { Node, Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Clock } from '../std/clock.ts';
import { networkProblem } from '../std/network-problem.ts';
import type { Asked } from './case.ts';
import type { ExtenderSettings, PemSource } from './extender-settings.ts';
import type { Refusal } from './refusal.ts';
import { candidateOf } from './preempt.ts';
import type { Candidate } from './candidate.ts';
import { trusting } from '../std/trusting.ts';

/** The highest score of an extender, and of a plugin: extenders count in tens. */
const MOST_OF_EXTENDER = 10;
const MOST = 100;
/** Answers about thousands of nodes are large, but not without end. */
const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;

export class Extenders {
  readonly #extenders: readonly ExtenderSettings[];
  readonly #clock: Pick<Clock, 'now'>;
  /** Opened when they are needed: most schedulers have no extenders. */
  readonly #agents = new Map<ExtenderSettings, Agent>();

  constructor(extenders: readonly ExtenderSettings[], clock: Pick<Clock, 'now'>) {
    // Those that may fail come after those that may not.
    this.#extenders = [...extenders.filter(({ ignorable }) => !ignorable), ...extenders.filter(({ ignorable }) => ignorable)];
    this.#clock = clock;
  }

  /** Whether any of them is to be asked where the pod may go. */
  concern(pod: Stored<Pod>): boolean {
    return this.#extenders.some((settings) => (settings.filterVerb !== '' || settings.prioritizeVerb !== '' || settings.preemptVerb !== '') && isInterested(settings, pod));
  }

  /** Whether one of them binds the pod. */
  binds(pod: Stored<Pod>): boolean {
    return this.#extenders.some((settings) => settings.bindVerb !== '' && isInterested(settings, pod));
  }

  /** Throws where one fails that may not. */
  async ask(pod: Stored<Pod>, nodes: readonly Stored<Node>[]): Promise<Asked> {
    const said = new Map<string, Refusal>();
    const scores = new Map<string, number>();
    let left = nodes;
    for (const settings of this.#extenders) {
      if (settings.filterVerb === '' || !isInterested(settings, pod) || left.length === 0) continue;
      try {
        const answer = (await this.#post(settings, settings.filterVerb, questionOf(settings, pod, left))) as FilterAnswer;
        if (answer.Error) throw new Error(answer.Error);
        const kept = keptBy(settings, answer, left);
        for (const [failed, lasting] of [[answer.FailedNodes, false], [answer.FailedAndUnresolvableNodes, true]] as const) {
          for (const [name, reason] of Object.entries(failed ?? {})) said.set(name, { plugin: UNSAID.plugin, reason, lasting });
        }
        left = left.filter(({ metadata }) => kept.has(metadata.name));
      } catch (error) {
        if (!settings.ignorable) throw error;
      }
    }
    const fine = new Set(left);
    const refused = new Map(nodes.filter((node) => !fine.has(node)).map(({ metadata: { name } }) => [name, said.get(name) ?? UNSAID]));
    // Where there is no choice nobody is asked for a preference.
    if (left.length > 1) await Promise.all(this.#extenders.map((settings) => this.#prioritize(settings, pod, left, scores)));
    return { refused, scores, choosesVictims: this.#extenders.some((settings) => settings.preemptVerb !== '' && isInterested(settings, pod)) };
  }

  /** The candidates that all of them leave, with the victims that they name. Throws where one fails that may not. */
  async preempt(pod: Stored<Pod>, candidates: readonly Candidate[], podsOn: PodsOn): Promise<readonly Candidate[]> {
    let left = candidates;
    for (const settings of this.#extenders) {
      if (settings.preemptVerb === '' || !isInterested(settings, pod) || left.length === 0) continue;
      let answer: PreemptAnswer;
      try {
        answer = (await this.#post(settings, settings.preemptVerb, victimsQuestion(settings, pod, left))) as PreemptAnswer;
        left = candidatesOf(settings, answer, podsOn);
      } catch (error) {
        if (!settings.ignorable) throw error;
      }
    }
    return left;
  }

  /** False where those that would have bound it failed and may: somebody else has to. */
  async bind(pod: Stored<Pod>, node: string): Promise<boolean> {
    const { namespace, name, uid } = pod.metadata;
    for (const settings of this.#extenders) {
      if (settings.bindVerb === '' || !isInterested(settings, pod)) continue;
      try {
        const answer = (await this.#post(settings, settings.bindVerb, { PodName: name, PodNamespace: namespace, PodUID: uid, Node: node })) as { readonly Error?: string };
        if (answer.Error) throw new Error(answer.Error);
        return true;
      } catch (error) {
        if (!settings.ignorable) throw error;
      }
    }
    return false;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.close()));
  }

  /** Failures to score are no reason to wait. */
  async #prioritize(settings: ExtenderSettings, pod: Stored<Pod>, nodes: readonly Stored<Node>[], scores: Map<string, number>): Promise<void> {
    if (settings.prioritizeVerb === '' || !isInterested(settings, pod) || nodes.length === 0) return;
    try {
      const answer = (await this.#post(settings, settings.prioritizeVerb, questionOf(settings, pod, nodes))) as readonly { readonly Host: string; readonly Score: number }[];
      for (const { Host, Score } of answer ?? []) scores.set(Host, (scores.get(Host) ?? 0) + Score * settings.weight * (MOST / MOST_OF_EXTENDER));
    } catch {
      return;
    }
  }

  async #post(settings: ExtenderSettings, verb: string, body: object): Promise<unknown> {
    const { urlPrefix, timeoutMs } = settings;
    const { Agent, request } = await import('undici');
    let agent = this.#agents.get(settings);
    if (!agent) this.#agents.set(settings, (agent = new Agent({ bodyTimeout: timeoutMs, headersTimeout: timeoutMs, connect: tlsOf(settings) })));
    const url = `${urlPrefix}/${verb}`;
    const signal = AbortSignal.timeout(timeoutMs);
    let answer;
    try {
      // A name that is looked up hears no signal.
      answer = await Promise.race([request(url, { method: 'POST', dispatcher: agent, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal }), over(signal)]);
    } catch (error) {
      const why = signal.aborted || (error as NodeJS.ErrnoException).code?.includes('TIMEOUT') ? TOO_SLOW : networkProblem(error, this.#clock.now());
      throw new Error(`Post "${url}": ${why}`, { cause: error });
    }
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new Error(`failed ${verb} with extender at URL ${url}, code ${answer.statusCode}`);
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      if ((bytes += chunk.length) > ANSWER_LIMIT_BYTES) throw new Error(`extender at URL ${url} answers more than ${ANSWER_LIMIT_BYTES} bytes`);
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    if (text.trim() === '') throw new Error('EOF');
    return parseJsonText(text).value;
  }
}

/** Of a node that an extender does not name at all it is only known that evictions would not help. */
const UNSAID: Refusal = { plugin: 'Extender', reason: '', lasting: true };
function over(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
}

/** As upstream's client says it. */
const TOO_SLOW = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';

/** The names of the nodes that an extender leaves. */
function keptBy({ urlPrefix, nodeCacheCapable }: ExtenderSettings, { NodeNames, Nodes }: FilterAnswer, asked: readonly Stored<Node>[]): ReadonlySet<string> {
  if (!nodeCacheCapable || !NodeNames) return new Set((Nodes?.items ?? []).map(({ metadata }) => metadata?.name ?? ''));
  const known = new Set(asked.map(({ metadata }) => metadata.name));
  const stranger = NodeNames.find((name) => !known.has(name));
  if (stranger !== undefined) throw new Error(`extender "${urlPrefix}" claims a filtered node "${stranger}" which is not found in the input node list`);
  return new Set(NodeNames);
}

interface FilterAnswer {
  readonly Nodes?: { readonly items?: readonly Node[] } | null;
  readonly NodeNames?: readonly string[] | null;
  readonly FailedNodes?: Readonly<Record<string, string>> | null;
  readonly FailedAndUnresolvableNodes?: Readonly<Record<string, string>> | null;
  readonly Error?: string;
}

/** Undefined where there is no such node. */
type PodsOn = (node: string) => Iterable<Stored<Pod>> | undefined;

interface PreemptAnswer {
  readonly NodeNameToMetaVictims?: Readonly<Record<string, { readonly Pods?: readonly { readonly UID: string }[] | null; readonly NumPDBViolations?: number } | null>> | null;
}

function victimsQuestion({ nodeCacheCapable }: ExtenderSettings, pod: Stored<Pod>, candidates: readonly Candidate[]): object {
  const byNode = (victimOf: (victim: Stored<Pod>) => unknown): object => Object.fromEntries(candidates.map(({ node, victims, violations }) => [node, { Pods: victims.map(victimOf), NumPDBViolations: violations }]));
  return nodeCacheCapable
    ? { Pod: pod, NodeNameToVictims: null, NodeNameToMetaVictims: byNode(({ metadata }) => ({ UID: metadata.uid })) }
    : { Pod: pod, NodeNameToVictims: byNode((victim) => victim), NodeNameToMetaVictims: null };
}

function candidatesOf({ urlPrefix, ignorable }: ExtenderSettings, { NodeNameToMetaVictims }: PreemptAnswer, podsOn: PodsOn): Candidate[] {
  const out: Candidate[] = [];
  for (const [node, meta] of Object.entries(NodeNameToMetaVictims ?? {})) {
    const standing = podsOn(node);
    if (!standing) throw new Error(`nodeinfo not found for node name ${JSON.stringify(node)}`);
    const there = new Map([...standing].map((pod) => [pod.metadata.uid, pod]));
    const victims = (meta?.Pods ?? []).map(({ UID }) => {
      const victim = there.get(UID);
      if (!victim) throw new Error(`extender: ${urlPrefix} claims to preempt pod (UID: &{${UID}}) on node: ${node}, but the pod is not found on that node`);
      return victim;
    });
    if (victims.length > 0) out.push(candidateOf(node, victims, meta?.NumPDBViolations ?? 0));
    else if (!ignorable) throw new Error(`expected at least one victim pod on node ${JSON.stringify(node)}`);
  }
  return out;
}

function questionOf({ nodeCacheCapable }: ExtenderSettings, pod: Stored<Pod>, nodes: readonly Stored<Node>[]): object {
  return nodeCacheCapable ? { Pod: pod, Nodes: null, NodeNames: nodes.map(({ metadata }) => metadata.name) } : { Pod: pod, Nodes: { kind: 'NodeList', apiVersion: 'v1', metadata: {}, items: nodes }, NodeNames: null };
}

function isInterested({ managedResources }: ExtenderSettings, { spec }: Stored<Pod>): boolean {
  if (managedResources.length === 0) return true;
  const asks = (amounts: Readonly<Record<string, string>> | undefined): boolean => managedResources.some((name) => amounts?.[name] !== undefined);
  return [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) => asks(resources?.requests) || asks(resources?.limits));
}

function tlsOf({ tls }: ExtenderSettings): { rejectUnauthorized?: boolean; servername?: string; ca?: string | Buffer; cert?: string | Buffer; key?: string | Buffer } {
  if (!tls) return {};
  const { insecure, serverName, ca, cert, key } = tls;
  return { rejectUnauthorized: !insecure, ...(serverName && { servername: serverName }), ...trusting(ca && pem(ca)), ...(cert && { cert: pem(cert) }), ...(key && { key: pem(key) }) };
}

function pem(source: PemSource): Buffer {
  return 'file' in source ? readFileSync(source.file) : Buffer.from(source.data, 'base64');
}
