/** A webhook that is asked about every pod of a namespace, and one that is to keep out what is forbidden there. */
import { configmaps, mutatingwebhookconfigurations, validatingwebhookconfigurations, type ResourceRef } from '../../../api/resources.ts';
import type { MutatingWebhook, ValidatingWebhook } from '../../../api/types/admissionregistration.v1.ts';
import { below } from '../../../std/random.ts';
import { FORBIDDEN, HOOKED_NAMESPACE } from '../hooks.ts';
import type { Habit, People } from './habit.ts';

const CONFIGURATIONS = { marks: mutatingwebhookconfigurations, guards: validatingwebhookconfigurations } as const;
type Name = keyof typeof CONFIGURATIONS;
const MAX_MAPS = 6;

export function asking(people: People): Habit {
  const { client, random } = people;
  const maps: string[] = [];

  const make = async (name: Name): Promise<void> => {
    const failurePolicy = people.pick(['Fail', 'Ignore']);
    const rule = name === 'marks' ? { resources: ['pods'], operations: ['CREATE'] } : { resources: ['configmaps'], operations: ['CREATE', 'UPDATE'] };
    const webhook = {
      name: `${name}.simulation.test`, failurePolicy, sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 3, clientConfig: { url: `https://hooks.simulation.test/${name}` },
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': HOOKED_NAMESPACE } }, rules: [{ apiGroups: [''], apiVersions: ['v1'], ...rule }],
      // Not what controllers write there.
      ...(name === 'guards' && { objectSelector: { matchExpressions: [{ key: 'simulation', operator: 'Exists' }] } }),
    } as unknown as MutatingWebhook & ValidatingWebhook;
    await people.attempt(`webhook ${name} ${failurePolicy}`, () => client.create(CONFIGURATIONS[name] as ResourceRef<object>, { metadata: { name }, webhooks: [webhook] } as never));
  };
  const renew = async (): Promise<void> => {
    const name = people.pick(['marks', 'guards'] as const);
    await people.attempt(`no webhook ${name}`, () => client.delete(CONFIGURATIONS[name] as ResourceRef<object>, { name }));
    await make(name);
  };
  const labels = (): object => ({ simulation: 'map', ...(random.next() < 0.5 && { [FORBIDDEN]: 'yes' }) });
  const write = async (): Promise<void> => {
    const name = `map-${below(random, MAX_MAPS)}`;
    if (!maps.includes(name)) {
      maps.push(name);
      const fresh = labels();
      await people.attempt(`create ${name} ${JSON.stringify(fresh)}`, () => client.create(configmaps, { metadata: { namespace: HOOKED_NAMESPACE, name, labels: fresh } as never }));
      return;
    }
    const change = { [FORBIDDEN]: people.pick(['yes', null]) };
    await people.attempt(`change ${name} ${JSON.stringify(change)}`, () => client.patch(configmaps, { namespace: HOOKED_NAMESPACE, name }, { type: 'application/merge-patch+json', body: { metadata: { labels: change } } }));
  };
  return {
    async begin() {
      await make('marks');
      await make('guards');
    },
    menu: () => [
      [1, renew],
      [8, write],
    ],
  };
}
