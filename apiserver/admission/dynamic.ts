/** Admission by extension: policies and webhooks, which mutate after the built-in plugins and validate before quota is charged. */
import type { Kind } from '../../api/kind.ts';
import type { Clock } from '../../std/clock.ts';
import type { Meter } from '../../std/meter.ts';
import type { Random } from '../../std/random.ts';
import type { ClusterAuthorizer } from '../auth/authorizer.ts';
import type { Reader } from '../auth/reader.ts';
import type { AdmissionPlugin } from './admission.ts';
import { conditionMatcher } from './policies/conditions.ts';
import { mutatingPolicies } from './policies/mutating.ts';
import { paramRights } from './policies/param-rights.ts';
import { validatingPolicies } from './policies/validating.ts';
import { DynamicSeries } from './series.ts';
import { createWebhookClient, type WebhookClient } from './webhooks/client.ts';
import { mutatingWebhooks } from './webhooks/mutating.ts';
import { validatingWebhooks } from './webhooks/validating.ts';

export interface DynamicDependencies {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly random: Random;
  readonly authorizer: ClusterAuthorizer;
  readonly registry: ServedKinds;
  readonly meter: Meter;
  /** Default: calls them over the network. */
  readonly client?: WebhookClient;
}

/** What is served now. */
interface ServedKinds {
  readonly kinds: readonly Kind[];
  hub(group: string, plural: string): { readonly cache: { ready(): Promise<void> } } | undefined;
}

/** In the order in which they run. Provenance: kubeapiserver/options/plugins.go of v1.36. */
export function dynamicPlugins({ reader, clock, random, authorizer, registry, meter, client = createWebhookClient({ reader, clock }) }: DynamicDependencies): AdmissionPlugin[] {
  const kinds = (): readonly Kind[] => registry.kinds;
  const loaded = async ({ group, plural }: Kind): Promise<void> => registry.hub(group, plural)?.cache.ready();
  const series = new DynamicSeries(meter, clock);
  const policies = { reader, authorizer, kinds, loaded, series };
  const webhooks = { reader, kinds, random, series, conditions: conditionMatcher(authorizer), client };
  return [mutatingPolicies(policies), mutatingWebhooks(webhooks), validatingPolicies(policies), validatingWebhooks(webhooks), paramRights(policies)];
}
