/** Admission by extension: webhooks, which mutate after the built-in plugins and validate before quota is charged. */
import type { Kind } from '../../api/kind.ts';
import type { Clock } from '../../std/clock.ts';
import type { Random } from '../../std/random.ts';
import type { Reader } from '../auth/reader.ts';
import type { AdmissionPlugin } from './admission.ts';
import { noConditions } from './matching/conditions.ts';
import { createWebhookClient } from './webhooks/client.ts';
import { mutatingWebhooks } from './webhooks/mutating.ts';
import { validatingWebhooks } from './webhooks/validating.ts';

export interface DynamicDependencies {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly random: Random;
  /** All that is served. */
  readonly kinds: () => readonly Kind[];
}

/** In the order in which they run. */
export function dynamicPlugins({ reader, clock, random, kinds }: DynamicDependencies): AdmissionPlugin[] {
  const webhooks = { reader, kinds, random, conditions: noConditions, client: createWebhookClient({ reader, clock }) };
  return [mutatingWebhooks(webhooks), validatingWebhooks(webhooks)];
}
