/** The webhooks of the simulation: one marks pods, the other keeps out what is forbidden; sometimes they answer late, wrongly, or not at all. */
import { unreachable } from '../../cluster/line.ts';
import type { WebhookClient } from '../../apiserver/admission/webhooks/client.ts';
import { sleep, type Clock } from '../../std/clock.ts';

/** Where pods are marked. */
export const HOOKED_NAMESPACE = 'red';
export const MARK = 'simulation/mark';
/** A label of what may not be. */
export const FORBIDDEN = 'simulation/forbidden';

export type Mood = 'well' | 'down' | 'slow' | 'refuses' | 'babbles';

export class FakeHooks implements WebhookClient {
  /** When it was last anything but well. */
  troubledAt = -Infinity;
  readonly #clock: Clock;
  #mood: Mood = 'well';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isWell(): boolean {
    return this.#mood === 'well';
  }

  set mood(mood: Mood) {
    this.#mood = mood;
    this.troubledAt = this.#clock.monotonic();
  }

  async call(...[, review, { timeoutSeconds }]: Parameters<WebhookClient['call']>): Promise<Record<string, unknown>> {
    const { request } = review as { readonly request: { readonly uid: string; readonly kind: { readonly kind: string }; readonly object: { readonly metadata: { readonly annotations?: object; readonly labels?: Readonly<Record<string, string>> } } } };
    const answer = (response: object): Record<string, unknown> => ({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: request.uid, ...response } });
    switch (this.#mood) {
      case 'down':
        throw unreachable();
      case 'slow':
        await sleep(this.#clock, timeoutSeconds * 1000);
        throw new Error('context deadline exceeded');
      case 'refuses':
        return answer({ allowed: false, status: { message: 'simulated: not now' } });
      case 'babbles':
        return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: 'another', allowed: true } };
      case 'well': {
        if (request.kind.kind === 'ConfigMap') return answer({ allowed: request.object.metadata.labels?.[FORBIDDEN] === undefined });
        const marked = [...(request.object.metadata.annotations ? [] : [{ op: 'add', path: '/metadata/annotations', value: {} }]), { op: 'add', path: `/metadata/annotations/${MARK.replace('/', '~1')}`, value: 'seen' }];
        return answer({ allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(marked)).toString('base64') });
      }
    }
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
