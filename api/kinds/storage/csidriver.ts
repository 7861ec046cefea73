/** CSIDrivers. */
import { type FieldError, Path, duplicate, invalid, notSupported, required } from '../../field-error.ts';
import type { CSIDriver } from '../../types/storage.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, boolean, text } from '../shared/columns.ts';
import { immutable } from '../shared/object-meta.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';

const SPEC = Path.of('spec');
const MODES = ['Persistent', 'Ephemeral'];
const GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType'];
const TOKENS_IN_SECRETS =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes';
const TEN_MINUTES = 600;
const LONGEST = 2 ** 32;

export const csidriver = rulesFor<CSIDriver>({
  defaults({ spec }) {
    if (!spec) return;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  strategy: {
    unconditionalUpdate: false,
    prepareForCreate: dropGated,
    prepareForUpdate(object, old) {
      dropGated(object);
      // A new one has no generation.
      if (!semanticEqual(object.spec, old.spec)) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
    },
    validate: checkSpec,
    validateUpdate: (object, old) => [
      ...checkSpec(object),
      ...immutable(object.spec?.attachRequired, old.spec?.attachRequired, SPEC.child('attachedRequired')),
      ...immutable(object.spec?.volumeLifecycleModes, old.spec?.volumeLifecycleModes, SPEC.child('volumeLifecycleModes')),
    ],
    warnings({ spec }, old) {
      const asked = spec?.tokenRequests?.length && spec.serviceAccountTokenInSecrets === undefined;
      return asked && !semanticEqual(spec.tokenRequests, old?.spec?.tokenRequests) ? [TOKENS_IN_SECRETS] : [];
    },
  },
  columns: [
    NAME,
    boolean('AttachRequired', (object) => object.spec?.attachRequired ?? true),
    boolean('PodInfoOnMount', (object) => object.spec?.podInfoOnMount ?? false),
    boolean('StorageCapacity', (object) => object.spec?.storageCapacity ?? false),
    text('TokenRequests', ({ spec }) => (spec?.tokenRequests ? spec.tokenRequests.map(({ audience }) => audience).join(',') : '<unset>')),
    boolean('RequiresRepublish', (object) => object.spec?.requiresRepublish ?? false),
    text('Modes', (object) => (object.spec?.volumeLifecycleModes ?? []).join(',') || '<none>'),
    AGE,
  ],
});

function dropGated({ spec }: CSIDriver): void {
  delete spec?.preventPodSchedulingIfMissing;
}

const SHORTEST_PERIOD_SECONDS = 10;

function checkSpec({ spec }: CSIDriver): FieldError[] {
  const errors: FieldError[] = [];
  if (spec?.attachRequired === undefined) errors.push(required(SPEC.child('attachedRequired')));
  if (spec?.podInfoOnMount === undefined) errors.push(required(SPEC.child('podInfoOnMount')));
  if (spec?.storageCapacity === undefined) errors.push(required(SPEC.child('storageCapacity')));
  const policy = spec?.fsGroupPolicy;
  if (policy !== undefined && !GROUP_POLICIES.includes(policy)) errors.push(notSupported(SPEC.child('fsGroupPolicy'), policy, GROUP_POLICIES));
  const requests = spec?.tokenRequests ?? [];
  for (const [at, { audience, expirationSeconds: seconds }] of requests.entries()) {
    const path = SPEC.child('tokenRequests').index(at);
    if (requests.slice(0, at).some((other) => other.audience === audience)) errors.push(duplicate(path.child('audience'), audience));
    else if (seconds !== undefined && seconds < TEN_MINUTES) {
      errors.push(invalid(path.child('expirationSeconds'), seconds, 'may not specify a duration less than 10 minutes'));
    } else if (seconds !== undefined && seconds > LONGEST) {
      errors.push(invalid(path.child('expirationSeconds'), seconds, 'may not specify a duration larger than 2^32 seconds'));
    }
  }
  for (const mode of spec?.volumeLifecycleModes ?? []) {
    if (!MODES.includes(mode)) errors.push(notSupported(SPEC.child('volumeLifecycleModes'), mode, MODES));
  }
  const period = spec?.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < SHORTEST_PERIOD_SECONDS) {
    errors.push(invalid(SPEC.child('nodeAllocatableUpdatePeriodSeconds'), period, `must be greater than or equal to ${SHORTEST_PERIOD_SECONDS} seconds`));
  }
  const inSecrets = spec?.serviceAccountTokenInSecrets;
  if (inSecrets !== undefined && requests.length === 0) {
    errors.push(invalid(SPEC.child('serviceAccountTokenInSecrets'), inSecrets, 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'));
  }
  return errors;
}
