/** CustomResourceDefinitions. */
import type { CustomResourceDefinition } from '../../types/apiextensions.v1.ts';
import { isKnownFormat } from '../../structural/formats.ts';
import { type JsonSchema, someSchema } from '../../structural/json-schema.ts';
import { rulesFor } from '../kind-rules.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { CLEANUP_FINALIZER, setCondition } from './definition-conditions.ts';
import { validateDefinition, validateDefinitionStatus, validateDefinitionUpdate } from './definition-rules.ts';

export const customresourcedefinition = rulesFor<CustomResourceDefinition>({
  bareFinalizers: true,
  storagePath: 'apiextensions.k8s.io/customresourcedefinitions',
  ownMetadataRules: true,
  defaults(object) {
    const { names } = (object.spec ??= {} as CustomResourceDefinition['spec']);
    if (names) {
      names.singular ||= (names.kind ?? '').toLowerCase();
      if (names.kind) names.listKind ||= `${names.kind}List`;
    }
    object.spec.conversion ??= { strategy: 'None' };
    const service = object.spec.conversion.webhook?.clientConfig?.service;
    if (service) service.port ??= 443;
    if (object.status && !object.status.storedVersions?.length) rememberStored(object);
  },
  strategy: {
    ...splitStrategy<CustomResourceDefinition>({
      generation: ['spec'],
      unconditionalUpdate: false,
      prepareForCreate(object) {
        object.status = { acceptedNames: { plural: '', kind: '' }, storedVersions: [], conditions: null } as never;
        rememberStored(object);
      },
      prepareForUpdate: rememberStored,
      validate: validateDefinition,
      validateUpdate: validateDefinitionUpdate,
      validateStatus: validateDefinitionStatus,
      warnings: formatWarnings,
    }),
    /** It goes when its objects have gone. */
    holdDeletion(object, now) {
      const { metadata } = object;
      metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), CLEANUP_FINALIZER])];
      setCondition(object, {
        type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending',
        message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      }, now);
    },
  },
});

/** A version that was ever written stays listed until someone has rewritten all objects. */
function rememberStored(object: CustomResourceDefinition): void {
  const stored = object.spec.versions?.find((version) => version.storage)?.name;
  const listed = object.status?.storedVersions ?? [];
  if (stored === undefined || listed.includes(stored)) return;
  object.status = { ...object.status, storedVersions: [...listed, stored] } as NonNullable<CustomResourceDefinition['status']>;
}

function formatWarnings(object: CustomResourceDefinition, old: CustomResourceDefinition | undefined): string[] {
  const before = old ? unknownFormats(old) : new Set<string>();
  return [...unknownFormats(object)].filter((format) => !before.has(format)).map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

function unknownFormats({ spec }: CustomResourceDefinition): Set<string> {
  const found = new Set<string>();
  const note = ({ format, type }: JsonSchema): false => {
    if (format && !isKnownFormat(format, type)) found.add(format);
    return false;
  };
  for (const { schema } of spec.versions ?? []) someSchema(schema?.openAPIV3Schema, note);
  return found;
}
