/** What webhooks and policies count, under upstream's names. Provenance: admission/metrics and admission/plugin/policy of apiserver v0.36. */
import type { Clock } from '../../std/clock.ts';
import type { Cell, Family, HistogramCell, Meter } from '../../std/meter.ts';
import type { AdmissionRequest } from './admission.ts';

type Operation = AdmissionRequest['operation'];
export type WebhookStage = 'admit' | 'validating';
export type PolicyKind = 'validating' | 'mutating';

const WEBHOOK_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];
const POLICY_SECONDS = [0.0000005, 0.001, 0.01, 0.1, 1];
const CONDITION_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25];
const HIGHEST_CODE = 600;

export class DynamicSeries {
  readonly #clock: Clock;
  readonly #webhooks: Family<HistogramCell>;
  readonly #requests: Family<Cell>;
  readonly #rejections: Family<Cell>;
  readonly #failedOpen: Family<Cell>;
  readonly #policies: Readonly<Record<PolicyKind, { readonly checks: Family<Cell>; readonly seconds: Family<HistogramCell> }>>;

  readonly #conditions: { readonly seconds: Family<HistogramCell>; readonly errors: Family<Cell>; readonly exclusions: Family<Cell> };

  constructor(meter: Meter, clock: Clock) {
    this.#clock = clock;
    const family = 'apiserver_admission_webhook_';
    const labels = ['name', 'type', 'operation'];
    this.#webhooks = meter.histogram({ name: `${family}admission_duration_seconds`, help: 'How long webhooks took.', labels: [...labels, 'rejected'], buckets: WEBHOOK_SECONDS });
    this.#requests = meter.counter({ name: `${family}request_total`, help: 'Calls of webhooks, by code.', labels: [...labels, 'code', 'rejected'] });
    this.#rejections = meter.counter({ name: `${family}rejection_count`, help: 'Refusals for which webhooks are the reason.', labels: [...labels, 'error_type', 'rejection_code'] });
    this.#failedOpen = meter.counter({ name: `${family}fail_open_count`, help: 'Webhooks that failed and were passed over.', labels: ['name', 'type'] });
    const ofCondition = ['name', 'kind', 'type', 'operation'];
    this.#conditions = {
      seconds: meter.histogram({ name: 'apiserver_admission_match_condition_evaluation_seconds', help: 'How long match conditions took.', labels: ofCondition, buckets: CONDITION_SECONDS }),
      errors: meter.counter({ name: 'apiserver_admission_match_condition_evaluation_errors_total', help: 'Match conditions that could not be evaluated.', labels: ofCondition }),
      exclusions: meter.counter({ name: 'apiserver_admission_match_condition_exclusions_total', help: 'Requests that match conditions kept from a webhook.', labels: ofCondition }),
    };
    this.#policies = { validating: policySeries(meter, 'validating', ['enforcement_action']), mutating: policySeries(meter, 'mutating', []) };
  }

  /** The conditions of a webhook were looked at. */
  conditions(name: string, stage: WebhookStage, operation: Operation, { beganMs, outcome }: { readonly beganMs: number; readonly outcome: 'matched' | 'excluded' | 'failed' }): void {
    this.#conditions.seconds.of(name, 'webhook', stage, operation).observe((this.now() - beganMs) / 1000);
    if (outcome === 'failed') this.#conditions.errors.of(name, 'webhook', stage, operation).add();
    if (outcome === 'excluded') this.#conditions.exclusions.of(name, 'webhook', stage === 'admit' ? 'admit' : 'validate', operation).add();
  }

  now(): number {
    return this.#clock.monotonic();
  }

  /** A webhook was called. */
  webhook(name: string, stage: WebhookStage, operation: Operation, { beganMs, code, outcome }: WebhookCall): void {
    const rejected = String(outcome !== 'allowed' && outcome !== 'failed-open');
    const shown = String(Math.min(code, HIGHEST_CODE));
    this.#requests.of(name, stage, operation, shown, rejected).add();
    this.#webhooks.of(name, stage, operation, rejected).observe((this.now() - beganMs) / 1000);
    if (outcome === 'failed-open') this.#failedOpen.of(name, stage).add();
    else if (outcome !== 'allowed') this.#rejections.of(name, stage, operation, ERRORS[outcome], shown).add();
  }

  /** A policy decided. `action` is of validating ones only. */
  policy(kind: PolicyKind, { policy, binding, problem, action, beganMs }: PolicyCheck): void {
    const { checks, seconds } = this.#policies[kind];
    const values = [policy, binding, problem, ...(action === undefined ? [] : [action])];
    checks.of(...values).add();
    seconds.of(...values).observe((this.now() - beganMs) / 1000);
  }
}

export interface WebhookCall {
  readonly beganMs: number;
  /** Of HTTP, as it came or would have come. */
  readonly code: number;
  readonly outcome: 'allowed' | 'refused' | 'failed' | 'failed-open' | 'error';
}

export interface PolicyCheck {
  readonly policy: string;
  readonly binding: string;
  readonly problem: string;
  readonly action?: string;
  readonly beganMs: number;
}

const ERRORS = { refused: 'no_error', failed: 'calling_webhook_error', error: 'apiserver_internal_error' } as const;

function policySeries(meter: Meter, kind: PolicyKind, more: readonly string[]): { readonly checks: Family<Cell>; readonly seconds: Family<HistogramCell> } {
  const labels = ['policy', 'policy_binding', 'error_type', ...more];
  return {
    checks: meter.counter({ name: `apiserver_${kind}_admission_policy_check_total`, help: 'What policies decided.', labels }),
    seconds: meter.histogram({ name: `apiserver_${kind}_admission_policy_check_duration_seconds`, help: 'How long policies took to decide.', labels, buckets: POLICY_SECONDS }),
  };
}

/** The kind of a policy's problem, by its message. */
export function problemKind(message: string | undefined): string {
  if (message === undefined) return 'no_error';
  if (message.startsWith('compilation')) return 'compile_error';
  return message.startsWith('validation failed due to running out of cost budget') ? 'out_of_budget' : 'invalid_error';
}
