/** matchConditions: expressions that all must hold for a webhook or policy to look at a request. */
import type { MatchCondition } from '../../../api/types/admissionregistration.v1.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { Target } from './subject.ts';
import type { Versioned } from './versioned.ts';

export interface ConditionInput {
  readonly request: AdmissionRequest;
  readonly target: Target;
  readonly versioned: Versioned;
  /** What cannot be evaluated does not match, instead of being a problem. */
  readonly ignoresFailure: boolean;
}

export type Matched = { readonly matches: boolean } | { readonly problem: string };

export interface ConditionMatcher {
  match(conditions: readonly MatchCondition[], input: ConditionInput): Matched | Promise<Matched>;
}
