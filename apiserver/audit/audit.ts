/** The audit steps of the chain: what the policy wants recorded of a request goes to the backends, stage by stage. */
import type { Clock } from '../../std/clock.ts';
import type { Cell, Meter } from '../../std/meter.ts';
import { ApiError } from '../../api/status.ts';
import type { UserInfo } from '../auth/auth.ts';
import { impersonationConstraint } from '../auth/impersonate.ts';
import { codeOf } from '../chain/code-of.ts';
import type { Step } from '../chain/chain.ts';
import type { Exchange } from '../exchange.ts';
import { requestObject, responseObject, statusOf, withoutManagers } from './bodies.ts';
import { microTime, openingOf, userOf, type AuditEvent, type Opening } from './event.ts';
import { evaluate, type Policy, type Stage, type Verdict } from './policy.ts';

/** Where records go. Never waits and never throws: what it cannot keep up with it counts as lost. */
export interface AuditBackend {
  write(event: AuditEvent): void;
  /** Ends when what was written is out, or cannot be within a limit. */
  close(): Promise<void>;
}

export interface AuditOptions {
  readonly policy: Policy;
  readonly backends: readonly AuditBackend[];
}

export interface Audit {
  /** After authentication. */
  readonly step: Step;
  /** Around authentication: those whom nobody vouches for are recorded too. */
  authenticating(authenticate: Step): Step;
  /** What may last has been answered, and goes on. */
  started(exchange: Exchange): void;
  /** The request was not refused: it failed. */
  failed(exchange: Exchange, error: unknown): void;
  close(): Promise<void>;
}

const NOTHING: Audit = { step: () => undefined, authenticating: (authenticate) => authenticate, started: () => undefined, failed: () => undefined, close: () => Promise.resolve() };

interface Recording {
  readonly opening: Opening;
  readonly verdict: Verdict;
  readonly user: UserInfo;
  /** Why it failed, where it was a fault of the server. */
  panic?: string;
  isStarted?: boolean;
}

export function openAudit(options: AuditOptions | undefined, clock: Clock, meter: Meter): Audit {
  return options ? new PolicyAudit(options, clock, meter) : NOTHING;
}

class PolicyAudit implements Audit {
  readonly #options: AuditOptions;
  readonly #clock: Clock;
  readonly #events: Cell;
  readonly #levels: (level: string) => Cell;
  readonly #open = new WeakMap<Exchange, Recording>();

  constructor(options: AuditOptions, clock: Clock, meter: Meter) {
    this.#options = options;
    this.#clock = clock;
    this.#events = meter.counter({ name: 'apiserver_audit_event_total', help: 'Audit records made.' }).of();
    const levels = meter.counter({ name: 'apiserver_audit_level_total', help: 'Requests by the level of their audit policy.', labels: ['level'] });
    this.#levels = (level) => levels.of(level);
  }

  readonly step: Step = (exchange) => {
    const { user, route } = exchange;
    const verdict = evaluate(this.#options.policy, user, route);
    this.#levels(verdict.level).add();
    if (verdict.level === 'None') return;
    const opening = openingOf(exchange, verdict.level, user, this.#clock.now());
    const recording: Recording = { opening, verdict, user };
    this.#open.set(exchange, recording);
    exchange.auditAnnotations = new Map();
    exchange.auditsBodies = verdict.level !== 'Metadata';
    this.#record('RequestReceived', recording, {});
    exchange.after.push(() => {
      // What might have lasted and was refused has been answered as well.
      if (exchange.longRunning) this.#start(exchange, recording);
      if (recording.panic === undefined) return this.#record('ResponseComplete', recording, this.#closing(exchange, recording));
      const message = `APIServer panic'd: ${recording.panic}`;
      this.#record('Panic', recording, { responseStatus: { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500 } });
    });
  };

  authenticating(authenticate: Step): Step {
    const failed = (exchange: Exchange, error: unknown): never => {
      const verdict = evaluate(this.#options.policy, undefined, exchange.route);
      this.#levels(verdict.level).add();
      if (verdict.level !== 'None') {
        const opening = openingOf(exchange, verdict.level, undefined, this.#clock.now());
        const code = error instanceof ApiError ? error.code : 500;
        const message = 'Authentication failed, attempted: bearer';
        const responseStatus = { metadata: {}, status: 'Failure', message: exchange.headers.authorization ? message : 'Authentication failed, no credentials provided', reason: 'Unauthorized', code };
        this.#record('ResponseStarted', { opening, verdict, user: exchange.user }, { responseStatus });
      }
      throw error;
    };
    return (exchange) => {
      try {
        const pending = authenticate(exchange);
        return pending?.catch((error: unknown) => failed(exchange, error));
      } catch (error) {
        return failed(exchange, error);
      }
    };
  }

  started(exchange: Exchange): void {
    const recording = this.#open.get(exchange);
    if (recording && exchange.longRunning) this.#start(exchange, recording);
  }

  #start(exchange: Exchange, recording: Recording): void {
    if (recording.isStarted || recording.panic !== undefined) return;
    recording.isStarted = true;
    this.#record('ResponseStarted', recording, this.#closing(exchange, recording));
  }

  failed(exchange: Exchange, error: unknown): void {
    const recording = this.#open.get(exchange);
    if (recording && !(error instanceof ApiError)) recording.panic = error instanceof Error ? error.message : String(error);
  }

  async close(): Promise<void> {
    await Promise.all(this.#options.backends.map((backend) => backend.close()));
  }

  #closing(exchange: Exchange, { opening, verdict, user }: Recording): Partial<AuditEvent> {
    const { answer, auditAnnotations } = exchange;
    const withBodies = exchange.route.isResource && (verdict.level === 'Request' || verdict.level === 'RequestResponse');
    const shown = (value: unknown): unknown => (verdict.omitManagedFields ? withoutManagers(value) : value);
    const asked = withBodies ? requestObject(exchange) : undefined;
    const answered = withBodies && verdict.level === 'RequestResponse' ? responseObject(answer, exchange, this.#clock.now()) : undefined;
    const constraint = impersonationConstraint(exchange.user);
    const { name, uid, resourceVersion } = exchange.said ?? {};
    const { objectRef } = opening;
    const more = { ...(name && { name }), ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
    return {
      ...(objectRef && exchange.said && { objectRef: { ...more, ...objectRef } }),
      ...(exchange.user !== user && { impersonatedUser: userOf(exchange.user) }),
      ...(constraint !== undefined && { authenticationMetadata: { impersonationConstraint: constraint } }),
      responseStatus: statusOf(answer, codeOf(exchange)),
      ...(asked !== undefined && { requestObject: shown(asked) }),
      ...(answered !== undefined && { responseObject: shown(answered) }),
      ...(auditAnnotations && auditAnnotations.size > 0 && { annotations: Object.fromEntries(auditAnnotations) }),
    };
  }

  #record(stage: Stage, { opening, verdict }: Recording, more: Partial<AuditEvent>): void {
    if (verdict.omitStages.has(stage)) return;
    this.#events.add();
    const event: AuditEvent = { ...opening, stage, ...more, stageTimestamp: microTime(this.#clock.now()) };
    for (const backend of this.#options.backends) backend.write(event);
  }
}
