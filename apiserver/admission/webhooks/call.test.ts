import { VirtualClock } from '../../../std/clock.ts';
import { Meter } from '../../../std/meter.ts';
import { seededRandom } from '../../../std/random.ts';
import { requestFor } from '../admit.ts';
import { targetOf } from '../matching/subject.ts';
import { VersionedObjects } from '../matching/versioned.ts';
import { DynamicSeries } from '../series.ts';
import { callHook } from './call.ts';
import type { WebhookClient } from './client.ts';
import type { Hook } from './hooks.ts';

const hook = { name: 'a.hooks.test', sideEffects: 'None', reviewVersions: ['v1'], timeoutSeconds: 1, client: {}, ignoresFailure: false } as unknown as Hook;

async function ask(changes: Partial<Hook>, dryRun: boolean): Promise<{ readonly asked: number; readonly error: string | undefined }> {
  let asked = 0;
  const client: WebhookClient = {
    async call(_, review) {
      asked++;
      const { request } = review as { request: { uid: string } };
      return { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response: { uid: request.uid, allowed: true } };
    },
    close: () => Promise.resolve(),
  };
  const request = requestFor('configmaps', { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'c' } }, { dryRun });
  Object.assign(request.kind, { kind: 'ConfigMap', versions: [], subresources: [] });
  const call = { hook: { ...hook, ...changes }, target: targetOf(request), request, objects: new VersionedObjects(request, () => []), mutating: false };
  const dependencies = { client, random: seededRandom(1), series: new DynamicSeries(new Meter(), new VirtualClock()) };
  const error = await callHook(call, dependencies, () => undefined).then(() => undefined, (thrown: Error) => thrown.message);
  return { asked, error };
}

const unsupported = 'admission webhook "a.hooks.test" does not support dry run';

test.each([
  ['None', true, undefined],
  ['NoneOnDryRun', true, undefined],
  ['Some', true, unsupported],
  ['Unknown', true, unsupported],
  ['Some', false, undefined],
])('a webhook with side effects %s, dry run %s', async (sideEffects, dryRun, error) => {
  expect(await ask({ sideEffects }, dryRun)).toEqual({ asked: error ? 0 : 1, error });
});

test('a webhook that speaks no version of reviews that is known is not asked', async () => {
  const error = 'failed calling webhook "a.hooks.test": could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)';
  expect(await ask({ reviewVersions: ['v2'] }, false)).toEqual({ asked: 0, error });
});
