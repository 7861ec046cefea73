/** The work of `sustained.ts`: what the clients of a busy cluster do, at full speed, with as many live objects at any time. */
import { randomBytes } from 'node:crypto';
import type { Pool } from 'undici';
import { pause } from './until.ts';

export interface Counts {
  requests: number;
  refused: number;
  events: number;
  /** What was answered that should not have been, by what it was. */
  readonly wrong: Map<string, number>;
}

const NAMESPACES = 4;
const SLOTS = 500;
const LEASES = 100;

interface Sent {
  readonly code: number;
  readonly text: string;
}

export class SustainedLoad {
  readonly counts: Counts = { requests: 0, refused: 0, events: 0, wrong: new Map() };
  readonly #pool: Pool;
  readonly #open: () => Pool;
  #over = false;
  #serial = 0;
  readonly #revisions = new Map<string, string>();

  constructor(open: () => Pool) {
    this.#open = open;
    this.#pool = open();
  }

  async run(): Promise<void> {
    for (let at = 0; at < NAMESPACES; at++) await this.#namespace(`load-${at}`);
    const slots = (from: number, step: number): (() => Promise<void>) => {
      let at = from;
      return async () => {
        await this.#podTurn(at);
        at = (at + step) % SLOTS;
      };
    };
    const crowd = 24;
    const jobs: (() => Promise<void>)[] = [
      ...Array.from({ length: crowd }, (_, at) => slots(at, crowd)),
      ...Array.from({ length: 4 }, () => () => this.#event()),
      ...Array.from({ length: 2 }, (_, half) => this.#leases(half)),
      ...Array.from({ length: 4 }, () => () => this.#small()),
      ...Array.from({ length: 2 }, () => () => this.#reads()),
      ...Array.from({ length: 8 }, () => () => this.#longWatch()),
      ...Array.from({ length: 4 }, () => () => this.#shortWatch()),
      () => this.#newcomer(), () => this.#namespaceTurn(), () => this.#definition(), () => this.#service(),
    ];
    await Promise.all(jobs.map((job) => this.#again(job)));
    await this.#pool.close();
  }

  stop(): void {
    this.#over = true;
  }

  async #again(job: () => Promise<void>): Promise<void> {
    while (!this.#over) {
      await job().catch(async (error: Error) => {
        if (this.#over) return;
        this.#note(error.message.slice(0, 100));
        await pause(100);
      });
    }
  }

  #note(what: string): void {
    this.counts.wrong.set(what, (this.counts.wrong.get(what) ?? 0) + 1);
  }

  async #send(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object, type = 'application/json', { pool = this.#pool, headers = {} }: { pool?: Pool; headers?: Record<string, string> } = {}): Promise<Sent> {
    const answer = await pool.request({ method, path, headers: { accept: 'application/json', ...(body && { 'content-type': type }), ...headers }, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.body.text();
    this.counts.requests++;
    if (answer.statusCode === 429 || answer.statusCode === 409) this.counts.refused++;
    else if (answer.statusCode >= 300 && answer.statusCode !== 404 && answer.statusCode !== 410) this.#note(`${answer.statusCode} ${method} ${path.replaceAll(/[0-9]+/g, 'N')}: ${text.slice(0, 160)}`);
    return { code: answer.statusCode, text };
  }

  async #namespace(name: string): Promise<void> {
    await this.#send('POST', '/api/v1/namespaces', { metadata: { name } });
    await this.#send('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  }

  /** One pod's life on its place: it is made under a new name, changed in every way, and deleted. */
  async #podTurn(slot: number): Promise<void> {
    const namespace = `load-${slot % NAMESPACES}`;
    const name = `pod-${slot}-${this.#serial++}`;
    const all = `/api/v1/namespaces/${namespace}/pods`;
    const before = this.#revisions.get(`pod ${slot}`);
    if (before !== undefined) await this.#send('DELETE', `${all}/${before}?gracePeriodSeconds=0`);
    const made = await this.#send('POST', all, pod(name, slot));
    this.#revisions.set(`pod ${slot}`, name);
    await this.#send('POST', `${all}/${name}/binding`, { metadata: { name }, target: { kind: 'Node', name: `node-${slot % 50}` } });
    await this.#send('PATCH', `${all}/${name}/status`, { status: { phase: 'Running', podIP: `10.1.${slot >> 8}.${slot & 255}`, podIPs: [{ ip: `10.1.${slot >> 8}.${slot & 255}` }], conditions: [{ type: 'Ready', status: 'True' }] } }, 'application/strategic-merge-patch+json');
    await this.#send('PATCH', `${all}/${name}`, { metadata: { annotations: { a: randomBytes(8).toString('hex') } } }, 'application/merge-patch+json');
    await this.#send('PATCH', `${all}/${name}?fieldManager=bench-${slot % 20}`, { kind: 'Pod', apiVersion: 'v1', metadata: { name, labels: { applied: `v${this.#serial % 1_000}` } } }, 'application/apply-patch+yaml');
    const object = JSON.parse(made.text) as { metadata?: { labels?: object; resourceVersion?: string } };
    if (made.code === 201 && object.metadata) await this.#send('PUT', `${all}/${name}`, object);
    await this.#send('GET', `${all}/${name}`);
  }

  async #event(): Promise<void> {
    const serial = this.#serial++;
    const namespace = `load-${serial % NAMESPACES}`;
    const name = `pod-${serial % SLOTS}.${serial.toString(16)}`;
    await this.#send('POST', `/api/v1/namespaces/${namespace}/events`, {
      metadata: { name }, involvedObject: { kind: 'Pod', namespace, name: `pod-${serial % SLOTS}`, apiVersion: 'v1' }, reason: 'Scheduled', message: `Successfully assigned ${namespace}/${name} to node-${serial % 50}`,
      source: { component: 'bench' }, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z', count: 1, type: 'Normal',
    });
    await this.#send('PATCH', `/api/v1/namespaces/${namespace}/events/${name}`, { count: 2 }, 'application/strategic-merge-patch+json');
    // Every event of a busy cluster is one of many writes.
    await pause(10);
  }

  #leases(half: number): () => Promise<void> {
    let at = half;
    const all = `/apis/coordination.k8s.io/v1/namespaces/load-${half}/leases`;
    return async () => {
      const name = `node-${(at += 2) % LEASES}`;
      const renewed = { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata: { name }, spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: new Date().toISOString().replace('Z', '000Z') } };
      const { code } = await this.#send('PATCH', `${all}/${name}`, { spec: renewed.spec }, 'application/merge-patch+json');
      if (code === 404) await this.#send('POST', all, renewed);
      await pause(5);
    };
  }

  /** ConfigMaps and Secrets that come and go. */
  async #small(): Promise<void> {
    const serial = this.#serial++;
    for (const [plural, data] of [['configmaps', { text: 'x'.repeat(serial % 3_000) }], ['secrets', { text: Buffer.alloc(serial % 600, 1).toString('base64') }]] as const) {
      const all = `/api/v1/namespaces/load-${serial % NAMESPACES}/${plural}`;
      await this.#send('POST', all, { metadata: { name: `small-${serial}` }, data });
      await this.#send('PUT', `${all}/small-${serial}`, { metadata: { name: `small-${serial}` }, data: { ...data, more: 'bW9yZQ==' } });
      await this.#send('DELETE', `${all}/small-${serial}`);
    }
    await pause(5);
  }

  async #reads(): Promise<void> {
    const namespace = `load-${this.#serial % NAMESPACES}`;
    await this.#send('GET', `/api/v1/namespaces/${namespace}/pods`);
    await this.#send('GET', `/api/v1/pods?labelSelector=app%3Dapp-${this.#serial % 50}&resourceVersion=0`);
    await this.#send('GET', `/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-${this.#serial % 50}`);
    let next = '';
    for (let page = 0; page < 5; page++) {
      const { text, code } = await this.#send('GET', `/api/v1/pods?limit=300${next && `&continue=${encodeURIComponent(next)}`}`);
      next = code === 200 ? ((JSON.parse(text) as { metadata: { continue?: string } }).metadata.continue ?? '') : '';
      if (next === '') break;
      await pause(20);
    }
    await this.#send('GET', `/api/v1/namespaces/${namespace}/pods`, undefined, undefined, { headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' } });
    await this.#send('GET', '/metrics');
    await pause(50);
  }

  async #longWatch(): Promise<void> {
    await this.#watch(`/api/v1/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=${20 + (this.#serial++ % 20)}`, Infinity);
  }

  /** Opened at an old version or for the picture, and left after a few events. */
  async #shortWatch(): Promise<void> {
    const namespace = `load-${this.#serial++ % NAMESPACES}`;
    const { text } = await this.#send('GET', `/api/v1/namespaces/${namespace}/pods?limit=1`);
    const version = Number((JSON.parse(text) as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
    const from = this.#serial % 2 === 0 ? 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true' : `resourceVersion=${Math.max(1, version - 500)}`;
    await this.#watch(`/api/v1/namespaces/${namespace}/pods?watch=1&${from}`, 20 + (this.#serial % 500));
    await pause(50);
  }

  async #watch(path: string, limit: number): Promise<void> {
    const leave = new AbortController();
    const { body, statusCode } = await this.#pool.request({ method: 'GET', path, signal: leave.signal });
    this.counts.requests++;
    let seen = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        for (const byte of chunk) if (byte === NEWLINE) seen++;
        if (seen >= limit || this.#over || statusCode !== 200) leave.abort();
      }
    } catch (error) {
      if (!leave.signal.aborted) throw error;
    }
    this.counts.events += seen;
  }

  /** A client that comes for a moment: a connection, a token and what it may do with it. */
  async #newcomer(): Promise<void> {
    const pool = this.#open();
    const account = `/api/v1/namespaces/load-${this.#serial++ % NAMESPACES}/serviceaccounts/default`;
    const { text } = await this.#send('POST', `${account}/token`, { spec: { expirationSeconds: 600 } }, undefined, { pool });
    const token = (JSON.parse(text) as { status?: { token: string } }).status?.token ?? '';
    await this.#send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: { resourceAttributes: { verb: 'list', resource: `things-${this.#serial}` } } }, undefined, { pool, headers: { authorization: `Bearer ${token}` } });
    await this.#send('GET', `/nowhere/${this.#serial}`, undefined, undefined, { pool });
    await pool.close();
    await pause(20);
  }

  async #namespaceTurn(): Promise<void> {
    const name = `short-${this.#serial++}`;
    await this.#namespace(name);
    await this.#send('POST', `/api/v1/namespaces/${name}/configmaps`, { metadata: { name: 'a' } });
    await this.#send('POST', `/apis/rbac.authorization.k8s.io/v1/namespaces/${name}/rolebindings`, { metadata: { name: 'a' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: `user-${this.#serial}` }] });
    await this.#send('DELETE', `/api/v1/namespaces/${name}/configmaps/a`);
    await this.#send('DELETE', `/apis/rbac.authorization.k8s.io/v1/namespaces/${name}/rolebindings/a`);
    await this.#send('DELETE', `/api/v1/namespaces/${name}/serviceaccounts/default`);
    const { text } = await this.#send('DELETE', `/api/v1/namespaces/${name}`);
    const object = JSON.parse(text) as { metadata?: object };
    await this.#send('PUT', `/api/v1/namespaces/${name}/finalize`, { ...object, spec: {} });
    await pause(100);
  }

  async #definition(): Promise<void> {
    const serial = this.#serial++;
    const [plural, kind] = [`things${serial}`, `Thing${serial}`];
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } }, 'x-kubernetes-validations': [{ rule: 'self.size > 0' }] } } } };
    await this.#send('POST', definitions, {
      metadata: { name: `${plural}.bench.example.com` },
      spec: { group: 'bench.example.com', scope: 'Namespaced', names: { plural, kind }, versions: [{ name: 'v1', served: true, storage: true, schema }] },
    });
    const all = `/apis/bench.example.com/v1/namespaces/load-0/${plural}`;
    for (let attempt = 0; attempt < 50 && (await this.#send('GET', all)).code === 404; attempt++) await pause(20);
    await this.#send('POST', all, { apiVersion: 'bench.example.com/v1', kind, metadata: { name: 'a' }, spec: { size: 1 } });
    await this.#send('DELETE', `${all}/a`);
    await this.#send('GET', '/openapi/v3');
    await this.#send('DELETE', `${definitions}/${plural}.bench.example.com`);
    await pause(1_000);
  }

  async #service(): Promise<void> {
    const all = '/api/v1/namespaces/load-1/services';
    const name = `service-${this.#serial++}`;
    await this.#send('POST', all, { metadata: { name }, spec: { type: 'NodePort', ports: [{ port: 80 }] } });
    await this.#send('DELETE', `${all}/${name}`);
    await pause(50);
  }
}

const NEWLINE = 10;

function pod(name: string, slot: number): object {
  return {
    kind: 'Pod', apiVersion: 'v1', metadata: { name, labels: { app: `app-${slot % 50}`, 'pod-template-hash': `${slot % 97}5d8f9` } },
    spec: { containers: [{ name: 'main', image: 'registry.example/app:1.2.3', env: Array.from({ length: 8 }, (_, at) => ({ name: `VARIABLE_${at}`, value: `value ${at} of ${name}` })), resources: { requests: { cpu: '100m', memory: '128Mi' } } }] },
  };
}
