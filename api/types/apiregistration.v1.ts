/** Types of apiregistration.v1, written by tools/facts/write-types.ts from the facts table. */
import type { ObjectMeta, TypeMeta } from './meta.v1.ts';

export interface APIService extends TypeMeta {
  metadata: ObjectMeta;
  spec: APIServiceSpec;
  status?: APIServiceStatus;
}

export interface APIServiceCondition {
  type: string;
  status: string;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}

export interface APIServiceSpec {
  service?: ServiceReference;
  group?: string;
  version?: string;
  insecureSkipTLSVerify?: boolean;
  caBundle?: string;
  groupPriorityMinimum: number;
  versionPriority: number;
}

export interface APIServiceStatus {
  conditions?: APIServiceCondition[];
}

export interface ServiceReference {
  namespace?: string;
  name?: string;
  port?: number;
}
