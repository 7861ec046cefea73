/** Leases: who holds what, and until when. */
import { type FieldError, Path, invalid } from '../../field-error.ts';
import type { Lease } from '../../types/coordination.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { NOT_NEGATIVE } from '../shared/quantity-rules.ts';

const SPEC = Path.of('spec');

export const lease = rulesFor<Lease>({
  bareFinalizers: true,
  relaxedDurability: true,
  strategy: {
    createOnUpdate: true,
    unconditionalUpdate: false,
    prepareForCreate: dropGated,
    prepareForUpdate: dropGated,
    validate: checkSpec,
    validateUpdate: checkSpec,
  },
  columns: [NAME, text('Holder', (object) => object.spec?.holderIdentity ?? ''), AGE],
});

/** Coordinated leader election is off by default. */
function dropGated({ spec }: Lease): void {
  delete spec?.strategy;
  delete spec?.preferredHolder;
}

function checkSpec({ spec }: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec ?? {};
  if (duration !== undefined && duration <= 0) errors.push(invalid(SPEC.child('leaseDurationSeconds'), duration, 'must be greater than 0'));
  if (transitions !== undefined && transitions < 0) errors.push(invalid(SPEC.child('leaseTransitions'), transitions, NOT_NEGATIVE));
  return errors;
}
