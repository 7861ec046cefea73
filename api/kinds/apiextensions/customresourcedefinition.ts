/** CustomResourceDefinitions. What their schemas must be is checked where they are compiled. */
import type { CustomResourceDefinition } from '../../types/apiextensions.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { splitStrategy } from '../shared/split-strategy.ts';

export const customresourcedefinition = rulesFor<CustomResourceDefinition>({
  storagePath: 'apiextensions.k8s.io/customresourcedefinitions',
  defaults(object) {
    const { names } = object.spec;
    if (names) {
      names.singular ||= (names.kind ?? '').toLowerCase();
      if (names.kind) names.listKind ||= `${names.kind}List`;
    }
    object.spec.conversion ??= { strategy: 'None' };
    const service = object.spec.conversion.webhook?.clientConfig?.service;
    if (service) service.port ??= 443;
  },
  strategy: splitStrategy<CustomResourceDefinition>({
    generation: ['spec'],
    unconditionalUpdate: false,
    prepareForCreate(object) {
      object.status = { acceptedNames: { plural: '', kind: '' }, storedVersions: [], conditions: null } as never;
      rememberStored(object);
    },
    prepareForUpdate: rememberStored,
  }),
});

/** A version that was ever written stays listed until someone has rewritten all objects. */
function rememberStored(object: CustomResourceDefinition): void {
  const stored = object.spec.versions?.find((version) => version.storage)?.name;
  const listed = object.status?.storedVersions ?? [];
  if (stored === undefined || listed.includes(stored)) return;
  object.status = { ...object.status, storedVersions: [...listed, stored] } as NonNullable<CustomResourceDefinition['status']>;
}
