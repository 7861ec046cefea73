/** Webhook configurations, mutating and validating. */
import type { MutatingWebhookConfiguration, RuleWithOperations, ValidatingWebhookConfiguration, WebhookClientConfig } from '../../types/admissionregistration.v1.ts';
import type { LabelSelector } from '../../types/meta.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, integer } from '../shared/columns.ts';
import { splitStrategy } from '../shared/split-strategy.ts';

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

export const mutatingwebhookconfiguration = rulesFor<MutatingWebhookConfiguration>({
  bareFinalizers: true,
  defaults(object) {
    for (const webhook of object.webhooks ?? []) {
      defaultWebhook(webhook as Webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  },
  strategy: splitStrategy<MutatingWebhookConfiguration>({ noStatus: true, generation: ['webhooks'], unconditionalUpdate: false }),
  columns: [NAME, integer('Webhooks', (object) => object.webhooks?.length ?? 0), AGE],
});

export const validatingwebhookconfiguration = rulesFor<ValidatingWebhookConfiguration>({
  bareFinalizers: true,
  defaults(object) {
    for (const webhook of object.webhooks ?? []) defaultWebhook(webhook as Webhook);
  },
  strategy: splitStrategy<ValidatingWebhookConfiguration>({ noStatus: true, generation: ['webhooks'], unconditionalUpdate: false }),
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
