/** The rules for PriorityLevelConfigurations. */
import { type FieldError, Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { LimitedPriorityLevelConfiguration, LimitResponse, PriorityLevelConfiguration, QueuingConfiguration } from '../../types/flowcontrol.v1.ts';
import { mandatoryLevel } from './mandatory.ts';

const SPEC = Path.of('spec');
const TYPES = ['Exempt', 'Limited'];
const RESPONSES = ['Queue', 'Reject'];
const MOST_QUEUES = 10_000_000;
const MOST_BITS = 60;

export function validatePriorityLevel(level: PriorityLevelConfiguration): FieldError[] {
  return [...checkSpec(level), ...mandatoryLevel(level.metadata.name ?? '', level.spec)];
}

function checkSpec({ metadata, spec }: PriorityLevelConfiguration): FieldError[] {
  const type: string = spec?.type ?? '';
  const path = SPEC.child('type');
  const errors: FieldError[] = [];
  if ((metadata.name === 'exempt') !== (type === 'Exempt')) errors.push(invalid(path, type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  if (type === '') return [...errors, required(path)];
  if (!TYPES.includes(type)) return [...errors, notSupported(path, type, TYPES)];
  if (type === 'Exempt') {
    if (spec?.limited) errors.push(forbiddenField(SPEC.child('limited'), 'must be nil if the type is not Limited'));
    const here = SPEC.child('exempt');
    return [...errors, ...checkShares(spec?.exempt ?? {}, here), ...checkLent(spec?.exempt ?? {}, here)];
  }
  if (spec?.exempt) errors.push(forbiddenField(SPEC.child('exempt'), 'must be nil if the type is Limited'));
  const here = SPEC.child('limited');
  return [...errors, ...(spec?.limited ? checkLimited(spec.limited, here) : [required(here, 'must not be empty when type is Limited')])];
}

interface Shares {
  readonly nominalConcurrencyShares?: number;
  readonly lendablePercent?: number;
}

function checkShares({ nominalConcurrencyShares: shares }: Shares, path: Path): FieldError[] {
  return (shares ?? 0) < 0 ? [invalid(path.child('nominalConcurrencyShares'), shares, 'must be a non-negative integer')] : [];
}

function checkLent({ lendablePercent: lent }: Shares, path: Path): FieldError[] {
  const fits = lent === undefined || (lent >= 0 && lent <= 100);
  return fits ? [] : [invalid(path.child('lendablePercent'), lent, 'must be between 0 and 100, inclusive')];
}

function checkLimited(limited: LimitedPriorityLevelConfiguration, path: Path): FieldError[] {
  const borrowed = limited.borrowingLimitPercent ?? 0;
  return [
    ...checkShares(limited, path),
    ...checkResponse(limited.limitResponse, path.child('limitResponse')),
    ...checkLent(limited, path),
    ...(borrowed < 0 ? [invalid(path.child('borrowingLimitPercent'), borrowed, 'if specified, must be a non-negative integer')] : []),
  ];
}

function checkResponse(response: LimitResponse | undefined, path: Path): FieldError[] {
  const type: string = response?.type ?? '';
  const queuing = path.child('queuing');
  if (type === '') return [required(path.child('type'))];
  if (!RESPONSES.includes(type)) return [notSupported(path.child('type'), type, RESPONSES)];
  if (type === 'Reject') return response?.queuing ? [forbiddenField(queuing, 'must be nil if limited.limitResponse.type is not Limited')] : [];
  return response?.queuing ? checkQueuing(response.queuing, queuing) : [required(queuing, 'must not be empty if limited.limitResponse.type is Limited')];
}

function checkQueuing({ queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration, path: Path): FieldError[] {
  const hand = path.child('handSize');
  const errors: FieldError[] = [];
  if (queueLengthLimit <= 0) errors.push(invalid(path.child('queueLengthLimit'), queueLengthLimit, 'must be positive'));
  if (queues <= 0) errors.push(invalid(path.child('queues'), queues, 'must be positive'));
  else if (queues > MOST_QUEUES) errors.push(invalid(path.child('queues'), queues, `must not be greater than ${MOST_QUEUES}`));
  if (handSize <= 0) errors.push(invalid(hand, handSize, 'must be positive'));
  else if (handSize > queues) errors.push(invalid(hand, handSize, `should not be greater than queues (${queues})`));
  else if (entropyBits(queues, handSize) > MOST_BITS) {
    errors.push(invalid(hand, handSize, `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MOST_BITS}`));
  }
  return errors;
}

/** How many bits it takes to deal so many of so many queues. */
function entropyBits(queues: number, handSize: number): number {
  const deals = Array.from({ length: handSize }, (_, at) => Math.log2(queues - at));
  return Math.ceil(deals.reduce((sum, bits) => sum + bits, 0));
}
