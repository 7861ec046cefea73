/** The conditions and the finalizer of CustomResourceDefinitions. */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../../types/apiextensions.v1.ts';

/** Holds a deleted definition until its objects have gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

export type ConditionType = 'Established' | 'NamesAccepted' | 'Terminating' | 'KubernetesAPIApprovalPolicyConformant';

export interface Condition {
  readonly type: ConditionType;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

interface WithStatus {
  readonly status?: { readonly conditions?: readonly CustomResourceDefinitionCondition[] | null } | undefined;
}

export function findCondition({ status }: WithStatus, type: ConditionType): CustomResourceDefinitionCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export function isTrue(definition: WithStatus, type: ConditionType): boolean {
  return findCondition(definition, type)?.status === 'True';
}

/** Says the same already. */
export function isEquivalent(condition: Condition, known: CustomResourceDefinitionCondition | undefined): boolean {
  return known?.status === condition.status && known.reason === condition.reason && known.message === condition.message;
}

/** Sets a condition; its time moves when its status does. */
export function setCondition(definition: CustomResourceDefinition, condition: Condition, nowMs: number): void {
  definition.status ??= { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: [] };
  const { status } = definition;
  status.conditions = [...(status.conditions ?? [])];
  const known = findCondition(definition, condition.type);
  const time = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  if (!known) status.conditions.push({ ...condition, lastTransitionTime: time });
  else Object.assign(known, condition, known.status !== condition.status && { lastTransitionTime: time });
}
