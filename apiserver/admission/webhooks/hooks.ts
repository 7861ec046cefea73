/** Webhook configurations as admission uses them: compiled, in the order in which they are called. */
import type { ResourceRef } from '../../../api/resources.ts';
import type { MatchCondition, MutatingWebhook, RuleWithOperations, ValidatingWebhook, WebhookClientConfig } from '../../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../../std/deep.ts';
import type { Reader, Stored } from '../../auth/reader.ts';
import { compileSelectors, type Selectors } from '../matching/selectors.ts';

export interface Hook {
  readonly name: string;
  readonly configuration: string;
  /** Tells hooks of one name in one configuration apart. */
  readonly id: string;
  readonly rules: readonly DeepReadonly<RuleWithOperations>[];
  readonly selectors: Selectors;
  readonly matchConditions: readonly MatchCondition[];
  readonly exact: boolean;
  readonly ignoresFailure: boolean;
  readonly reinvoked: boolean;
  readonly sideEffects: string | undefined;
  readonly timeoutSeconds: number;
  readonly reviewVersions: readonly string[];
  readonly client: DeepReadonly<WebhookClientConfig>;
}

interface Configuration {
  readonly metadata: object;
  readonly webhooks?: readonly DeepReadonly<MutatingWebhook | ValidatingWebhook>[];
}

export interface Hooks {
  /** In the order of their configurations' names, and within one as they are listed. */
  readonly all: readonly Hook[];
  close(): void;
}

const DEFAULT_TIMEOUT_SECONDS = 10;

export function followHooks<T extends Configuration>(reader: Reader, resource: ResourceRef<T>): Hooks {
  const byConfiguration = new Map<string, readonly Hook[]>();
  let all: readonly Hook[] = [];
  const following = reader.onChange(resource, ({ type, name, object }) => {
    if (type === 'deleted') byConfiguration.delete(name);
    else byConfiguration.set(name, hooksOf(object as unknown as Stored<Configuration>));
    all = [...byConfiguration].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, hooks]) => hooks);
  });
  return {
    get all() {
      return all;
    },
    close: () => following.close(),
  };
}

function hooksOf({ metadata, webhooks = [] }: Stored<Configuration>): Hook[] {
  const seen = new Map<string, number>();
  return webhooks.map((webhook) => {
    const { name, matchConditions = [], sideEffects } = webhook;
    const nth = seen.get(name) ?? 0;
    seen.set(name, nth + 1);
    return {
      name, configuration: metadata.name, id: `${metadata.name}/${name}/${nth}`, rules: webhook.rules ?? [], selectors: compileSelectors(webhook), matchConditions,
      exact: webhook.matchPolicy === 'Exact', ignoresFailure: webhook.failurePolicy === 'Ignore', sideEffects, client: webhook.clientConfig,
      reinvoked: 'reinvocationPolicy' in webhook && webhook.reinvocationPolicy === 'IfNeeded',
      timeoutSeconds: webhook.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS, reviewVersions: webhook.admissionReviewVersions ?? [],
    };
  });
}
