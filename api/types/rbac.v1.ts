/** Types of rbac.v1, written by tools/facts/write-types.ts from the facts table. */
import type { LabelSelector, ObjectMeta, TypeMeta } from './meta.v1.ts';

export interface AggregationRule {
  clusterRoleSelectors?: LabelSelector[];
}

export interface ClusterRole extends TypeMeta {
  metadata: ObjectMeta;
  rules: PolicyRule[];
  aggregationRule?: AggregationRule;
}

export interface ClusterRoleBinding extends TypeMeta {
  metadata: ObjectMeta;
  subjects?: Subject[];
  roleRef: RoleRef;
}

export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

export interface Role extends TypeMeta {
  metadata: ObjectMeta;
  rules: PolicyRule[];
}

export interface RoleBinding extends TypeMeta {
  metadata: ObjectMeta;
  subjects?: Subject[];
  roleRef: RoleRef;
}

export interface RoleRef {
  apiGroup: string;
  kind: string;
  name: string;
}

export interface Subject {
  kind: string;
  apiGroup?: string;
  name: string;
  namespace?: string;
}
