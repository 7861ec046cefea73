/** Asks a conversion webhook: all objects of one call in one review, refusals as clients of upstream know them. */
import { ApiError } from '../../api/status.ts';
import type { CustomResourceConversion } from '../../api/types/apiextensions.v1.ts';
import type { WebhookClientConfig } from '../../api/types/admissionregistration.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { uuid, type Random } from '../../std/random.ts';
import { decodeReview, type WebhookClient } from '../admission/webhooks/client.ts';
import { readReview, reviewVersion, writeReview, type Convertible } from './conversion-review.ts';

/** Objects into another version, in their order. Throws ApiError 500. */
export type Convert = (objects: readonly Convertible[], desired: string) => Promise<Convertible[]>;

export interface ConversionDependencies {
  readonly client: WebhookClient;
  readonly random: Random;
}

const TIMEOUT_SECONDS = 30;

export function conversionWebhook({ webhook }: DeepReadonly<CustomResourceConversion>, { client, random }: ConversionDependencies): Convert {
  return async (objects, desired) => {
    const [first] = objects;
    if (!first) return [];
    const name = `${first.apiVersion}, Kind=${first.kind}`;
    try {
      const version = reviewVersion(webhook?.conversionReviewVersions ?? []);
      if (!version || !webhook?.clientConfig) throw new Error('no supported conversion review versions');
      const uid = uuid(random);
      const config = webhook.clientConfig as DeepReadonly<WebhookClientConfig>;
      const review = await client.call(config, writeReview(objects, { uid, version, desired }), { timeoutSeconds: TIMEOUT_SECONDS, decode }).catch((error: unknown) => {
        throw new Error(`conversion webhook for ${name} failed: ${(error as Error).message}`, { cause: error });
      });
      return readReview(review, objects, { uid, version, desired, name });
    } catch (error) {
      throw new ApiError({ code: 500, message: (error as Error).message });
    }
  };
}

const decode = decodeReview('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ConversionReview');
