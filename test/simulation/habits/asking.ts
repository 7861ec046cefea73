/** A webhook that is asked about every pod of a namespace. */
import { mutatingwebhookconfigurations } from '../../../api/resources.ts';
import type { MutatingWebhook } from '../../../api/types/admissionregistration.v1.ts';
import { HOOKED_NAMESPACE } from '../hooks.ts';
import type { Habit, People } from './habit.ts';

const NAME = 'marks';

export function asking(people: People): Habit {
  const { client } = people;
  const make = async (): Promise<void> => {
    const failurePolicy = people.pick(['Fail', 'Ignore']);
    const webhook = {
      name: 'marks.simulation.test', failurePolicy, sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 3, clientConfig: { url: 'https://hooks.simulation.test/mark' },
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': HOOKED_NAMESPACE } }, rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
    } as unknown as MutatingWebhook;
    await people.attempt(`webhook ${failurePolicy}`, () => client.create(mutatingwebhookconfigurations, { metadata: { name: NAME }, webhooks: [webhook] }));
  };
  const renew = async (): Promise<void> => {
    await people.attempt('no webhook', () => client.delete(mutatingwebhookconfigurations, { name: NAME }));
    await make();
  };
  return { begin: make, menu: () => [[1, renew]] };
}
