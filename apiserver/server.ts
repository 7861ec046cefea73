/** The API server: its parts put together, and the path of a request in the order in which it runs. */
import type { Server } from 'node:http';
import type { Kind } from '../api/kind.ts';
import { apiservices } from '../api/resources.ts';
import { builtinKinds } from '../api/kinds/index.ts';
import type { Door } from '../api/request.ts';
import { sleep, systemClock, type Clock } from '../std/clock.ts';
import { type Cell, Meter } from '../std/meter.ts';
import { systemRandom, type Random } from '../std/random.ts';
import { syncApiServices } from './upkeep/api-services.ts';
import { Admission } from './admit.ts';
import { dynamicPlugins } from './admission/dynamic.ts';
import { builtinPlugins } from './admission/order.ts';
import { followTypeChecking } from './admission/policies/type-checking-status.ts';
import type { AdmissionPlugin } from './admission/admission.ts';
import type { UserInfo } from './auth/auth.ts';
import { noteUse, startTracking } from './auth/legacy-token-tracking.ts';
import { openAuthentication, type Authentication, type AuthenticationSettings } from './auth/authentication.ts';
import type { RequestAuthenticator } from './auth/authenticator.ts';
import type { AuthorizationMode } from './auth/authorization/config.ts';
import { createAuthorizer, type ClusterAuthorizer } from './auth/authorizer.ts';
import { createImpersonation } from './auth/impersonate.ts';
import type { Reader, Writer } from './auth/reader.ts';
import { openServiceAccountTokens, type ServiceAccountSettings, type ServiceAccountTokens } from './auth/service-account-tokens.ts';
import { bootstrap, loadNeeded } from './bootstrap.ts';
import { openAudit, type Audit, type AuditOptions } from './audit/audit.ts';
import { authenticate } from './chain/authenticate.ts';
import { authorize, impersonate } from './chain/authorize.ts';
import { maxInFlight } from './chain/max-in-flight.ts';
import { finish, runChain, type Step } from './chain/chain.ts';
import { requestId } from './chain/request-id.ts';
import type { Core, Log } from './core.ts';
import { dispatch } from './dispatch.ts';
import { DIRECT_USER, openDoor, type DirectExchange, type DoorOptions } from './door.ts';
import type { Exchange } from './exchange.ts';
import { FlowControl, type FlowLimits } from './flow/flow-control.ts';
import { createWebhookClient, type WebhookClient } from './admission/webhooks/client.ts';
import { Aggregator } from './aggregation/aggregator.ts';
import { resolveEndpoint } from './aggregation/service-address.ts';
import { publishTrust } from './aggregation/trust.ts';
import { openConversionViews } from './extensions/conversion-views.ts';
import { Definitions } from './extensions/definitions.ts';
import { keepFlowObjects } from './flow/flow-objects.ts';
import { followFlowSchemas } from './flow/flow-schema-status.ts';
import { handlersOf } from './handlers.ts';
import type { Companions } from './handler-parts.ts';
import type { ComponentName } from './subresources/component-health.ts';
import { keepIdentityLease } from './upkeep/identity-lease.ts';
import { keepSystemNamespaces } from './upkeep/system-namespaces.ts';
import type { ListenOptions, Listener } from './http/listen.ts';
import { kubeletSummary } from './metrics-api/kubelet-summary.ts';
import { serveMetrics } from './metrics-api/metrics-api.ts';
import { NodeStatistics } from './metrics-api/node-statistics.ts';
import { decisionSeries, tokenSeries } from './metrics/access-series.ts';
import { admissionSeries } from './metrics/admission-series.ts';
import { countAuthentication, countAuthorization } from './metrics/authentication-series.ts';
import { impersonationSeries } from './metrics/impersonation-series.ts';
import { meteredStore } from './metrics/metered-store.ts';
import { requestSeries } from './metrics/request-series.ts';
import { timedRules } from './metrics/rule-series.ts';
import { serverGauges } from './metrics/server-gauges.ts';
import { watchSeries, type WatchSeries } from './metrics/watch-series.ts';
import { Registry } from './registry/registry.ts';
import { createReader } from './reader.ts';
import { errorAnswer } from './http/render.ts';
import { type Check, Readiness } from './readiness.ts';
import { serviceHooks, type ServiceHooks } from './allocate/service-hooks.ts';
import type { Pki } from './pki/pki.ts';
import { MIN_REQUEST_TIMEOUT_MS, REQUEST_TIMEOUT_MS, type ServingOptions } from './http/serving.ts';
import type { Store } from './storage/store.ts';
import { traced } from './tracing/span.ts';
import { tracedStore } from './tracing/traced-store.ts';
import { spanned, spanOfVerb, traces, type TracingParts } from './tracing/tracing.ts';
import { createWriter } from './upkeep/writer.ts';

export interface ApiServerOptions {
  readonly store: Store;
  /** Certificates and the key of ServiceAccount tokens. The caller opens and closes it. */
  readonly pki: Pki;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: all built-in ones. */
  readonly kinds?: readonly Kind[];
  readonly log?: Log;
  readonly audit?: AuditOptions | undefined;
  readonly serving?: ServingOptions;
  /** How it was started, for `/flagz`. */
  readonly flags?: Readonly<Record<string, string>>;
  readonly tracing?: Pick<TracingParts, 'configuration' | 'exporter'> | undefined;
  readonly flowLimits?: FlowLimits;
  /** The text of a static token file. */
  readonly staticTokens?: string;
  readonly issuer?: string;
  readonly serviceAccounts?: ServiceAccountSettings;
  /** Default: certificates, ServiceAccounts, bootstrap tokens, and anybody else as anonymous. */
  readonly authentication?: AuthenticationSettings;
  /** Default: Node and RBAC. */
  readonly authorization?: readonly AuthorizationMode[];
  /** In place of the cluster's own policies and webhooks. */
  readonly dynamicAdmission?: (core: Pick<ApiServer, 'reader' | 'writer' | 'authorizer' | 'registry' | 'meter'>) => readonly AdmissionPlugin[];
  /** Names of plugins that are left out: `ServiceAccount`. */
  readonly disabledAdmission?: readonly string[];
  /** Addresses of Services, `10.96.0.0/16`. */
  readonly serviceRange?: string;
  readonly nodePortRange?: { readonly from: number; readonly to: number };
  /** Names this server among its like, by the name of its machine: it keeps a Lease in kube-system. Default: none. */
  readonly identity?: string;
  readonly companions?: Companions;
  /** Of controllers and scheduler those that run in this process; the others are probed at their ports for componentstatuses. Default: all. */
  readonly ownComponents?: readonly ComponentName[];
  /** Where this server counts; others may have begun. */
  readonly meter?: Meter;
  /** What must be well besides for this server to be ready. */
  readonly checks?: readonly Check[];
  /** Where other machines reach this API server: the endpoint of the `kubernetes` Service. Default: none is published. */
  readonly advertise?: { readonly address: string; readonly port: number };
}

export interface ApiServer {
  readonly reader: Reader;
  readonly writer: Writer;
  readonly registry: Registry;
  readonly authorizer: ClusterAuthorizer;
  readonly authenticator: RequestAuthenticator;
  readonly authentication: Authentication;
  readonly tokens: ServiceAccountTokens;
  readonly readiness: Readiness;
  readonly meter: Meter;
  /** What nodes use; nodes of this very process are given to it. */
  readonly statistics: NodeStatistics;
  /** Loads what every request needs and makes what every cluster has; `listen` does it too. */
  start(): Promise<void>;
  /** May be called before `start` has resolved: `/readyz` tells. Several times for several addresses. */
  listen(options: ListenOptions): Promise<Listener>;
  door(user: UserInfo, options?: DoorOptions): Door;
  /** Tells the address that others reach this server at, once it is known. */
  advertise(address: string, port: number): Promise<void>;
  /** Ends watches, lets requests finish, closes listeners and caches. The store stays open: the caller opened it. */
  close(): Promise<void>;
}

/** The store may be out of reach at first, or another API server in the middle of the same. */
const BOOTSTRAP_ATTEMPTS = 30;
const BOOTSTRAP_PAUSE_MS = 1_000;
const NO_LOG: Log = { info() {}, error() {} };

export function createApiServer(options: ApiServerOptions): ApiServer {
  return new CoracleApiServer(options);
}

class CoracleApiServer implements ApiServer {
  readonly reader: Reader;
  readonly writer: Writer;
  readonly registry: Registry;
  readonly authorizer: ClusterAuthorizer;
  readonly authenticator: RequestAuthenticator;
  readonly authentication: Authentication;
  readonly tokens: ServiceAccountTokens;
  readonly readiness: Readiness;
  /** Whatever this server counts. */
  readonly meter: Meter;
  readonly statistics: NodeStatistics;
  readonly #options: ApiServerOptions;
  readonly #core: Core;
  readonly #services: ServiceHooks;
  readonly #definitions: Definitions;
  readonly #aggregator: Aggregator;
  /** Calls conversion webhooks. */
  readonly #webhooks: WebhookClient;
  readonly #flow: FlowControl;
  readonly #audit: Audit;
  readonly #handshakes: Cell;
  #isLeaving = false;
  readonly #chain: readonly Step[];
  readonly #listeners: Listener[] = [];
  #started: Promise<void> | undefined;
  #following = false;
  /** What this server looks after while it runs. */
  #kept: { close(): void }[] | undefined;
  #hasLease = false;

  constructor(options: ApiServerOptions) {
    const { pki, clock = systemClock, random = systemRandom, log = NO_LOG } = options;
    this.meter = options.meter ?? new Meter();
    const views = openConversionViews(meteredStore(options.tracing ? tracedStore(options.store) : options.store, this.meter, clock));
    const { store } = views;
    this.#options = options;
    this.readiness = new Readiness(() => answersInTime(store, clock), options.checks);
    this.registry = new Registry({ store, clock, onFault: (error) => log.error('watch cache', error) }, options.kinds ?? builtinKinds());
    this.reader = createReader(this.registry, store);
    this.writer = createWriter(() => this.#core);
    const { reader, writer } = this;
    this.tokens = openServiceAccountTokens({ ...pki.serviceAccountKey, reader, clock, random, ...(options.issuer !== undefined && { issuers: [options.issuer] }), ...options.serviceAccounts, onSecretToken: (secret) => void noteUse({ writer, clock }, secret).catch(() => undefined) });
    this.authentication = openAuthentication({ ...(options.staticTokens !== undefined && { staticTokens: options.staticTokens }), ...options.authentication }, { pki, reader, clock, tokens: this.tokens, look: tokenSeries(this.meter, clock) });
    this.authenticator = this.authentication.authenticator;
    this.authorizer = createAuthorizer(reader, { clock, onDecision: decisionSeries(this.meter), ...(options.authorization && { modes: options.authorization }) });
    const dynamic = options.dynamicAdmission?.(this) ?? dynamicPlugins({ reader, clock, random, authorizer: this.authorizer, registry: this.registry, meter: this.meter });
    const admission = new Admission(builtinPlugins({ reader, writer, clock, random, authorizer: this.authorizer, dynamic, meter: this.meter }).filter(({ name }) => !options.disabledAdmission?.includes(name)), admissionSeries(this.meter, clock));
    this.#services = serviceHooks({ ...options, store, reader, clock, random, meter: this.meter });
    this.#core = { store, registry: this.registry, clock, random, reader, writer, authorizer: this.authorizer, admission, hooks: this.#services, log, watchLastsMs: options.serving?.minRequestTimeoutMs ?? MIN_REQUEST_TIMEOUT_MS };
    this.#aggregator = new Aggregator({ reader, writer, clock, random, pki, log, meter: this.meter });
    this.#webhooks = createWebhookClient({ reader, clock, resolve: ({ namespace, name, port }) => resolveEndpoint(reader, random, { namespace, name, port: port ?? 443 }) });
    this.#definitions = new Definitions(this.#core, { views, random, client: this.#webhooks }, timedRules(this.meter, clock));
    const flow = (this.#flow = new FlowControl({
      reader, clock, meter: this.meter, stored: storedIn(this.registry), timeoutMs: options.serving?.requestTimeoutMs ?? REQUEST_TIMEOUT_MS, ...(options.flowLimits && { limits: options.flowLimits }),
    }));
    const { registry, meter } = this;
    const limited = options.flowLimits?.unfair ? maxInFlight(options.flowLimits) : undefined;
    serverGauges(meter, { inFlight: () => (limited ?? flow).inFlight(), inQueue: () => flow.inQueue(), registry });
    registry.onGone(({ group, plural }) => meter.forget({ group, resource: plural }));
    const watches = watchSeries(meter, clock);
    const acting = impersonationSeries(meter, clock);
    this.#handshakes = meter.counter({ name: 'apiserver_tls_handshake_errors_total', help: 'TLS handshakes that failed.' }).of();
    this.statistics = new NodeStatistics({ clock, fetch: kubeletSummary(this.#core, pki), onError: (node, error) => log.error(`statistics of node ${node}`, error) });
    const handlers = handlersOf({ statistics: this.statistics, meter, flow, core: this.#core, authenticator: this.authenticator, tokens: this.tokens, readiness: this.readiness, flags: options.flags ?? {}, pki, aggregator: this.#aggregator, companions: options.companions, ownComponents: options.ownComponents });
    const audit = (this.#audit = openAudit(options.audit, clock, meter));
    const told = options.tracing ? spanned : (_name: string, step: Step): Step => step;
    const run = options.tracing ? spanOfVerb : <T>(_exchange: Exchange, work: () => T): T => work();
    this.#chain = [
      requestId(random),
      ...(options.tracing ? [traces({ ...options.tracing, clock, random })] : []),
      told('authentication', audit.authenticating(countAuthentication(meter, clock, authenticate(this.authenticator, (exchange) => (exchange as DirectExchange)[DIRECT_USER])))),
      told('audit', audit.step),
      requestSeries(meter, registry, clock).step,
      told('constrainedimpersonation', impersonate(acting.counted(createImpersonation(acting.asked(this.authorizer))))),
      told('priorityandfairness', limited ? limited.step : flow.step),
      told('authorization', countAuthorization(meter, clock, authorize(this.authorizer))),
      async (exchange) => {
        try {
          exchange.answer = await run(exchange, () => dispatch(this.#core, handlers, exchange));
        } catch (error) {
          audit.failed(exchange, error);
          throw error;
        }
        flow.opened(exchange);
        countEvents(watches, exchange);
        audit.started(exchange);
      },
    ];
  }

  start(): Promise<void> {
    return (this.#started ??= this.#start());
  }

  async #start(): Promise<void> {
    await loadNeeded(this.#core);
    this.#flow.start();
    await this.#definitions.start();
    for (let attempt = 0; !this.readiness.stopping; attempt++) {
      try {
        return await this.#bootstrap();
      } catch (error) {
        const { clock = systemClock, log = NO_LOG } = this.#options;
        log.error('the objects that every cluster has could not be made; trying again', error);
        if (attempt >= BOOTSTRAP_ATTEMPTS) throw error;
        await sleep(clock, BOOTSTRAP_PAUSE_MS);
      }
    }
  }

  async #bootstrap(): Promise<void> {
    await bootstrap(this.#core);
    await this.#services.start(this.#core);
    await syncApiServices(this.#core);
    const { clientCaPem, requestHeader: { caPem, names } } = this.authentication;
    await publishTrust(this.#core, { clientCaPem, requestHeader: { ...names, caPem } });
    await startTracking(this.#core);
    this.#aggregator.start();
    this.#followRegistry();
    this.#kept ??= [followFlowSchemas(this.#core), keepFlowObjects(this.#core), keepSystemNamespaces(this.#core), serveMetrics(this.#core, this.statistics), followTypeChecking(this.#core)];
    const { identity } = this.#options;
    if (identity !== undefined && !this.#hasLease) {
      this.#kept.push(await keepIdentityLease(this.#core, identity));
      this.#hasLease = true;
    }
    const { advertise } = this.#options;
    if (advertise) await this.advertise(advertise.address, advertise.port);
    this.readiness.bootstrapped();
  }

  /** What is served shows as APIServices, now and whenever it changes. */
  #followRegistry(): void {
    const { clock = systemClock, log = NO_LOG } = this.#options;
    if (this.#following) return;
    this.#following = true;
    let due = false;
    const later = (): void => {
      if (due) return;
      due = true;
      clock.after(0, () => {
        due = false;
        if (!this.readiness.stopping) syncApiServices(this.#core).catch((error: unknown) => log.error('APIServices', error));
      });
    };
    this.registry.onChange(later);
    // Somebody has taken one away, or changed it.
    this.reader.onChange(apiservices, ({ type, previous }) => (type === 'deleted' || previous) && later());
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const { pki, clock = systemClock, random = systemRandom, log = NO_LOG, serving = {} } = this.#options;
    // A cluster inside a test has no port: koa, HTTP and TLS are loaded with the first.
    const { listen } = await import('./http/listen.ts');
    const listener = await listen({
      ...options, pki, trusted: this.authentication.trustedPems, clock, random, log, limits: serving, isLeaving: () => this.#isLeaving, onHandshakeError: () => this.#handshakes.add(), isElsewhere: (route) => this.#aggregator.answersFor(route), serve: (exchange) => this.#serve(exchange),
    });
    this.#listeners.push(listener);
    await this.start();
    return listener;
  }

  door(user: UserInfo, options: DoorOptions = {}): Door {
    return openDoor((exchange) => this.#serveDirect(exchange), this.#core.clock, user, options);
  }

  async advertise(address: string, port: number): Promise<void> {
    await this.#services.advertise(this.#core, address, port);
  }

  async close(): Promise<void> {
    this.readiness.stop();
    const { clock = systemClock, serving = {} } = this.#options;
    if (serving.shutdownDelayMs) await sleep(clock, serving.shutdownDelayMs);
    this.#isLeaving = serving.shutdownSendsRetryAfter ?? false;
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    await this.#services.close();
    for (const one of this.#kept ?? []) one.close();
    this.#flow.close();
    this.#definitions.close();
    this.#aggregator.close();
    this.authorizer.close();
    this.authentication.close();
    await this.#webhooks.close();
    this.registry.close();
    await Promise.all([this.#audit.close(), this.#options.tracing?.exporter.close()]);
  }

  #serve(exchange: Exchange): void | Promise<void> {
    return this.#options.tracing ? traced(() => runChain(this.#chain, exchange)) : runChain(this.#chain, exchange);
  }

  async #serveDirect(exchange: Exchange): Promise<void> {
    try {
      await this.#serve(exchange);
    } catch (error) {
      // For those who count and record; the caller gets the error itself.
      const { status, code } = errorAnswer(error).error;
      exchange.answer = { type: 'document', code, object: status };
      throw error;
    } finally {
      // A watch is over when its reader says so.
      if (exchange.answer?.type !== 'watch') finish(exchange);
    }
  }
}

function countEvents(series: WatchSeries, exchange: Exchange): void {
  const { answer } = exchange;
  if (answer?.type !== 'watch') return;
  const { events, sizes } = series.of(answer.resource);
  const sent = (sizeBytes: number): void => {
    events.add();
    sizes.observe(sizeBytes);
  };
  exchange.answer = series.timed({ ...answer, sent }, exchange);
}

/** An unanswered question after so long counts as no. */
const STORE_ANSWER_MS = 2_000;

async function answersInTime(store: Store, clock: Clock): Promise<void> {
  const limit = new AbortController();
  const late = sleep(clock, STORE_ANSWER_MS, limit.signal).then(() => {
    if (!limit.signal.aborted) throw new Error('etcd failed: the store does not answer');
  });
  try {
    await Promise.race([store.revision(), late]);
  } finally {
    limit.abort();
    await late.catch(() => undefined);
  }
}

function storedIn(registry: Registry): (group: string, plural: string) => { readonly count: number; readonly bytes: number } | undefined {
  return (group, plural) => {
    const cache = registry.hub(group, plural)?.cache;
    return cache && { count: cache.size, bytes: cache.sizeBytes };
  };
}

export type { Server };
