/** For tests: an API server and a webhook that it calls, and the few things that tests do with them. */
import type { ApiObject } from '../../../api/kind.ts';
import { openTestServer, type HttpAnswer, type TestServer } from '../../test-server.ts';
import { openFakeWebhook, type FakeWebhook } from './fake-webhook.ts';

export const CONFIGMAPS = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] };
export const MAPS = '/api/v1/namespaces/default/configmaps';

export interface WantedHook {
  readonly name?: string;
  /** Of the fake webhook; default `/`. */
  readonly path?: string;
  readonly url?: string;
  readonly [field: string]: unknown;
}

export class WebhookScene {
  readonly api: TestServer;
  readonly hook: FakeWebhook;
  #made = 0;

  constructor(api: TestServer, hook: FakeWebhook) {
    this.api = api;
    this.hook = hook;
  }

  static async open(options: Parameters<typeof openTestServer>[0] = {}): Promise<WebhookScene> {
    return new WebhookScene(await openTestServer(options), await openFakeWebhook());
  }

  async close(): Promise<void> {
    await this.api.close();
    await this.hook.close();
  }

  /** As it was: nothing is configured, nothing has been asked. */
  async clear(): Promise<void> {
    for (const kind of ['mutating', 'validating']) await this.send('DELETE', `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations`);
    await this.settle();
    this.hook.asked.length = 0;
    this.hook.replies.clear();
  }

  send(method: string, path: string, body?: object, type = 'application/json'): Promise<HttpAnswer> {
    const text = body && JSON.stringify(body);
    return this.api.http(method, path, text === undefined ? {} : { headers: { 'Content-Type': type, 'Content-Length': String(Buffer.byteLength(text)) }, body: text });
  }

  /** Configurations reach admission by the watch cache. */
  async settle(): Promise<void> {
    for (const resource of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) await this.api.server.registry.hub('admissionregistration.k8s.io', resource)?.cache.fresh();
    await new Promise((resolve) => setImmediate(resolve));
  }

  async configure(kind: 'Mutating' | 'Validating', name: string, ...webhooks: WantedHook[]): Promise<void> {
    const answer = await this.send('POST', `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`, {
      apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}WebhookConfiguration`, metadata: { name },
      webhooks: webhooks.map(({ path = '/', url, ...webhook }) => ({
        name: 'a.hooks.test', sideEffects: 'None', admissionReviewVersions: ['v1'], rules: [CONFIGMAPS],
        clientConfig: { url: url ?? this.hook.url + path, caBundle: this.hook.caBundle }, ...webhook,
      })),
    });
    if (answer.code !== 201) throw new Error(answer.bytes.toString());
    await this.settle();
  }

  configMap(more: Partial<ApiObject> = {}, metadata: ApiObject['metadata'] = {}): object {
    return { apiVersion: 'v1', kind: 'ConfigMap', ...more, metadata: { name: `c${++this.#made}`, ...metadata } };
  }

  async create(object = this.configMap(), query = ''): Promise<ApiObject> {
    return (await this.send('POST', `${MAPS}${query}`, object)).json();
  }
}
