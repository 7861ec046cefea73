/** Whether a toleration bears with a taint: of nodes and of devices alike. */

interface Borne {
  readonly key?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** What names no key or no effect bears with all of them. */
export function tolerates({ key, operator = 'Equal', value = '', effect }: Borne & { readonly operator?: string }, taint: Borne): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  return operator === 'Exists' || (operator === 'Equal' && value === (taint.value ?? ''));
}
