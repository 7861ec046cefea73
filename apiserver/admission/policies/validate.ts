/** One ValidatingAdmissionPolicy on one request and parameter: what it decides. Provenance: admission/plugin/policy/validating/validator.go of apiserver v0.36. */
import type { CelBudget } from '../../../api/cel/cel.ts';
import { bindingsOf, withVariables, type ActivationInput, type Bindings } from './activation.ts';
import type { CompiledPolicy, CompiledValidation } from './compile-validating.ts';
import { conditionsHold } from './conditions.ts';
import { evaluate, OutOfBudget, POLICY_BUDGET } from './evaluate.ts';

export type Decision =
  | { readonly denies: false }
  /** Without a reason it is what could not be evaluated. */
  | { readonly denies: true; readonly message: string; readonly reason?: string };

export interface Decided {
  /** One for each validation, unless something went wrong before. */
  readonly decisions: readonly Decision[];
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  /** Annotations that could not be evaluated, where that denies. */
  readonly failedAnnotations: readonly string[];
}

const MESSAGE_LIMIT_BYTES = 5 * 1024;
const ANNOTATION_LIMIT = 10 * 1024;

export function validatePolicy(policy: CompiledPolicy, input: ActivationInput, ignoresFailure: boolean): Decided {
  const none = { annotations: [], failedAnnotations: [] };
  const failed = (message: string): Decision => (ignoresFailure ? { denies: false } : { denies: true, message });
  if (policy.conditions.length > 0) {
    const held = conditionsHold(policy.conditions, bindingsOf({ ...input, namespace: undefined }), { variables: policy.variables, ignoresFailure });
    if ('problem' in held) return { decisions: [failed(held.problem)], ...none };
    if (!held.matches) return { decisions: [], ...none };
  }
  const bindings = bindingsOf(input);
  try {
    const budget = { left: POLICY_BUDGET };
    const decisions = new Stage(policy, bindings, budget).decisions(failed);
    return { decisions, ...annotationsOf(policy, bindings, ignoresFailure) };
  } catch (error) {
    if (error instanceof OutOfBudget) return { decisions: [failed(error.message)], ...none };
    throw error;
  }
}

class Stage {
  readonly #policy: CompiledPolicy;
  readonly #bindings: Bindings;
  readonly #budget: CelBudget;

  constructor(policy: CompiledPolicy, bindings: Bindings, budget: CelBudget) {
    this.#policy = policy;
    this.#bindings = withVariables(bindings, policy.variables, budget);
    this.#budget = budget;
  }

  decisions(failed: (message: string) => Decision): Decision[] {
    const outcomes = this.#policy.validations.map(({ expression }) => evaluate(expression, this.#bindings, this.#budget));
    return this.#policy.validations.map((validation, at): Decision => {
      const outcome = outcomes[at] as (typeof outcomes)[number];
      if ('problem' in outcome) return failed(outcome.problem);
      if (outcome.value === true) return { denies: false };
      try {
        return { denies: true, message: this.#message(validation), reason: validation.reason ?? 'Invalid' };
      } catch (error) {
        if (error instanceof OutOfBudget) return failed(`failed messageExpression: ${error.message}`);
        throw error;
      }
    });
  }

  #message({ expression, message, messageExpression }: CompiledValidation): string {
    if (messageExpression) {
      const outcome = evaluate(messageExpression, this.#bindings, this.#budget);
      const text = 'value' in outcome && typeof outcome.value === 'string' ? outcome.value.trim() : '';
      if (text !== '' && Buffer.byteLength(text) <= MESSAGE_LIMIT_BYTES && !text.includes('\n')) return text;
    }
    return message.trim() || `failed expression: ${expression.text.trim()}`;
  }
}

function annotationsOf({ auditAnnotations, variables }: CompiledPolicy, bindings: Bindings, ignoresFailure: boolean): Pick<Decided, 'annotations' | 'failedAnnotations'> {
  const annotations: { key: string; value: string }[] = [];
  const failedAnnotations: string[] = [];
  const budget = { left: POLICY_BUDGET };
  const all = withVariables(bindings, variables, budget);
  for (const { key, value } of auditAnnotations) {
    const outcome = evaluate(value, all, budget);
    if ('problem' in outcome) {
      if (!ignoresFailure) failedAnnotations.push(outcome.problem);
    } else if (typeof outcome.value === 'string' && outcome.value.trim() !== '') annotations.push({ key, value: outcome.value.trim().slice(0, ANNOTATION_LIMIT) });
  }
  return { annotations, failedAnnotations };
}
