/** Keeps the status of ValidatingAdmissionPolicies: once for each generation, their expressions are checked against the types they speak of. */
import type { ApiObject, Kind } from '../../../api/kind.ts';
import { validatingadmissionpolicies } from '../../../api/resources.ts';
import { isReason } from '../../../api/status.ts';
import type { ValidatingAdmissionPolicy } from '../../../api/types/admissionregistration.v1.ts';
import type { Reader, Stored, Writer } from '../../auth/reader.ts';
import { checkTypes } from './type-checking.ts';

export interface TypeCheckingDependencies {
  readonly reader: Reader;
  readonly writer: Writer;
  readonly registry: { readonly kinds: readonly Kind[] };
  readonly log: { error(message: string, error?: unknown): void };
}

const MANAGER = 'validatingadmissionpolicy-status';

/** Every API server does it; who loses a race hears of the winner's by the cache. */
export function followTypeChecking({ reader, writer, registry, log }: TypeCheckingDependencies): { close(): void } {
  const check = async (policy: Stored<ValidatingAdmissionPolicy>): Promise<void> => {
    const { generation = 0 } = policy.metadata as { generation?: number };
    if (generation <= (policy.status?.observedGeneration ?? 0)) return;
    const warnings = checkTypes(policy, registry.kinds);
    const status = { observedGeneration: generation, typeChecking: warnings.length > 0 ? { expressionWarnings: warnings } : {} };
    const applied = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: policy.metadata.name }, status };
    await writer.applyStatus(validatingadmissionpolicies, applied as unknown as ApiObject, MANAGER);
  };
  return reader.onChange(validatingadmissionpolicies, ({ type, name, object }) => {
    if (type === 'deleted') return;
    check(object).catch((error: unknown) => {
      if (!isReason(error, 'Conflict') && !isReason(error, 'NotFound')) log.error(`type checking of ValidatingAdmissionPolicy ${name}`, error);
    });
  });
}
