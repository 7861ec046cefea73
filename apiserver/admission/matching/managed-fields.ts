/** Webhooks and policies may break the record of who owns which fields: then it is kept as it was, and the client is told. */
import { decodeManagedFields } from '../../../api/apply/managers.ts';
import type { AdmissionRequest } from '../admission.ts';

type ManagedFields = NonNullable<AdmissionRequest['object']>['metadata']['managedFields'];

/** `before`: as it was before the object was changed. */
export function checkManagers(request: AdmissionRequest, before: ManagedFields): void {
  const metadata = request.object?.metadata;
  if (!metadata || metadata.managedFields === undefined || metadata.managedFields === before || decodeManagedFields(metadata.managedFields)) return;
  const why = metadata.managedFields.map(problemOf).find((problem) => problem !== undefined) ?? 'error decoding set';
  if (before === undefined) delete metadata.managedFields;
  else metadata.managedFields = before;
  request.warnings.push(
    `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${why}`,
  );
}

/** Provenance: util/managedfields/internal of apimachinery v0.36. */
function problemOf(entry: unknown, at: number): string | undefined {
  const { operation, apiVersion, fieldsType } = entry as Record<string, unknown>;
  if (operation !== 'Apply' && operation !== 'Update') return 'operation must be `Apply` or `Update`';
  if (!apiVersion) return 'apiVersion must not be empty';
  if (!fieldsType) return `missing fieldsType in managed fields entry ${at}`;
  return fieldsType === 'FieldsV1' ? undefined : `invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${at}`;
}
