/** What stands between this server and readiness, by the names that `/readyz?verbose` shows. */
export interface Check {
  readonly name: string;
  /** Says why; undefined when all is well. Without it the check always passes. */
  readonly failing?: () => string | undefined | Promise<string | undefined>;
}

/** What upstream starts by these names is one start here: they are done together. */
const HOOKS = [
  'start-apiserver-admission-initializer', 'generic-apiserver-start-informers', 'priority-and-fairness-config-consumer', 'priority-and-fairness-filter',
  'storage-object-count-tracker-hook', 'start-apiextensions-informers', 'start-apiextensions-controllers', 'crd-informer-synced', 'start-system-namespaces-controller', 'peer-endpoint-reconciler-controller',
  'start-cluster-authentication-info-controller', 'start-kube-apiserver-identity-lease-controller', 'start-kube-apiserver-identity-lease-garbage-collector', 'storage-readiness',
  'start-legacy-token-tracking-controller', 'start-service-ip-repair-controllers', 'rbac/bootstrap-roles', 'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer', 'bootstrap-controller', 'start-kubernetes-service-cidr-controller', 'aggregator-reload-proxy-client-cert',
  'start-kube-aggregator-informers', 'apiservice-status-local-available-controller', 'apiservice-status-remote-available-controller', 'apiservice-registration-controller',
  'apiservice-discovery-controller', 'kube-apiserver-autoregistration', 'autoregister-completion', 'apiservice-openapi-controller', 'apiservice-openapiv3-controller',
].map((hook) => (hook === 'autoregister-completion' ? hook : `poststarthook/${hook}`));

const NOT_FINISHED = 'not finished';

export class Readiness {
  /** Asks the store; throws when it does not answer. */
  readonly #store: () => Promise<unknown>;
  readonly #more: readonly Check[];
  #isBootstrapped = false;
  #stopping = false;

  /** `more`: they stand between the server and readiness, not life. */
  constructor(store: () => Promise<unknown> = () => Promise.resolve(), more: readonly Check[] = []) {
    this.#store = store;
    this.#more = more;
  }

  /** What every cluster has is there. */
  bootstrapped(): void {
    this.#isBootstrapped = true;
  }

  /** From now on the server is alive and not ready. */
  stop(): void {
    this.#stopping = true;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  get isReady(): boolean {
    return this.#isBootstrapped && !this.#stopping;
  }

  checksOf(root: 'livez' | 'readyz' | 'healthz'): readonly Check[] {
    const hook = (): string | undefined => (this.#isBootstrapped ? undefined : NOT_FINISHED);
    const hooks: Check[] = HOOKS.map((name) => ({ name, failing: hook }));
    const etcd = async (): Promise<undefined> => void (await this.#store());
    const always: Check[] = [{ name: 'ping' }, { name: 'log' }, ...(root === 'readyz' ? [] : [{ name: 'loopback-serving-certificate' }]), { name: 'etcd', failing: etcd }];
    if (root !== 'readyz') return [...always, ...(root === 'healthz' ? this.#more : []), ...hooks];
    const shutdown: Check = { name: 'shutdown', failing: () => (this.#stopping ? 'process is shutting down' : undefined) };
    return [...always, { name: 'etcd-readiness', failing: etcd }, ...this.#more, { name: 'informer-sync', failing: hook }, ...hooks, shutdown];
  }
}
