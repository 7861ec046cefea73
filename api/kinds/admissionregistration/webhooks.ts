/** Webhook configurations, mutating and validating. */
import type { FieldError } from '../../field-error.ts';
import type { MutatingWebhookConfiguration, RuleWithOperations, ValidatingWebhookConfiguration, WebhookClientConfig } from '../../types/admissionregistration.v1.ts';
import type { LabelSelector } from '../../types/meta.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, integer } from '../shared/columns.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { reservedNameWarnings } from './reserved-names.ts';
import { type Webhook as CheckedWebhook, checkWebhooks } from './webhook-rules.ts';

interface Webhook {
  clientConfig: WebhookClientConfig;
  rules?: RuleWithOperations[];
  failurePolicy?: 'Fail' | 'Ignore';
  matchPolicy?: 'Equivalent' | 'Exact';
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  timeoutSeconds?: number;
}

const TIMEOUT_SECONDS = 10;
const STRATEGY = { noStatus: true, generation: ['webhooks'], exactGeneration: true, unconditionalUpdate: false, warnings: reservedNameWarnings, validate: checkAll, validateUpdate: checkAll } as const;

export const mutatingwebhookconfiguration = rulesFor<MutatingWebhookConfiguration>({
  bareFinalizers: true,
  defaults(object) {
    for (const webhook of object.webhooks ?? []) {
      defaultWebhook(webhook as Webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  },
  strategy: splitStrategy<MutatingWebhookConfiguration>({ ...STRATEGY }),
  columns: [NAME, integer('Webhooks', (object) => object.webhooks?.length ?? 0), AGE],
});

export const validatingwebhookconfiguration = rulesFor<ValidatingWebhookConfiguration>({
  bareFinalizers: true,
  defaults(object) {
    for (const webhook of object.webhooks ?? []) defaultWebhook(webhook as Webhook);
  },
  strategy: splitStrategy<ValidatingWebhookConfiguration>({ ...STRATEGY }),
  columns: [NAME, integer('Webhooks', (object) => object.webhooks?.length ?? 0), AGE],
});

function defaultWebhook(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= TIMEOUT_SECONDS;
  for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443;
}

function checkAll({ webhooks }: { webhooks?: unknown[] }): FieldError[] {
  return checkWebhooks((webhooks ?? []) as CheckedWebhook[]);
}
