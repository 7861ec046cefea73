/** What a claim asks for: requests, constraints between them, and configuration for drivers. Provenance: pkg/apis/resource/validation of v1.36. */
import { type FieldError, type Path, forbiddenField, invalid, notSupported, required, tooLong } from '../../field-error.ts';
import type { DeviceClaim, DeviceConfiguration, DeviceRequest, DeviceSelector, DeviceSubRequest, DeviceToleration, ExactDeviceRequest } from '../../types/resource.v1.ts';
import { bytes, labelValue } from '../shared/formats.ts';
import { checkLabelKey } from '../shared/object-meta.ts';
import { isDnsLabel, isDnsSubdomain } from '../shared/text-rules.ts';
import { checkDriverName } from '../shared/volume-rules.ts';
import { checkItems, checkQualifiedKey, checkSet } from './device-names.ts';
import { checkDeviceSelector } from './device-selector.ts';

export const REQUESTS_LIMIT = 32;
const CONSTRAINTS_LIMIT = 32;
export const CONFIG_LIMIT = 32;
const SELECTORS_LIMIT = 32;
const ALTERNATIVES_LIMIT = 8;
const TOLERATIONS_LIMIT = 16;
const EXPRESSION_LIMIT_BYTES = 10 * 1024;
const PARAMETERS_LIMIT_BYTES = 10 * 1024;
const MODES = ['All', 'ExactCount'];
const OPERATORS = ['Equal', 'Exists'];
export const EFFECTS = ['NoExecute', 'NoSchedule', 'None'];

/** The names of requests, and of the alternatives inside of them as `request/alternative`. */
export type RequestNames = ReadonlySet<string>;

export function requestNames(claim: DeviceClaim | undefined): RequestNames {
  const names = (claim?.requests ?? []).flatMap(({ name, firstAvailable }) => [name, ...(firstAvailable ?? []).map((alternative) => `${name}/${alternative.name}`)]);
  return new Set(names);
}

export function checkDeviceClaim(claim: DeviceClaim | undefined, path: Path): FieldError[] {
  const names = requestNames(claim);
  return [
    ...checkSet(claim?.requests, path.child('requests'), { limit: REQUESTS_LIMIT, key: ({ name }) => name, check: checkRequest }),
    ...checkItems(claim?.constraints, CONSTRAINTS_LIMIT, path.child('constraints'), (constraint, here) => [
      ...checkRequestReferences(constraint.requests, names, here.child('requests')),
      ...checkConstraint(constraint, here),
    ]),
    ...checkItems(claim?.config, CONFIG_LIMIT, path.child('config'), (config, here) => [
      ...checkRequestReferences(config.requests, names, here.child('requests')),
      ...checkConfiguration(config, here),
    ]),
  ];
}

function checkRequest({ name, exactly, firstAvailable }: DeviceRequest, path: Path): FieldError[] {
  const errors = isDnsLabel(name ?? '', path.child('name'));
  const alternatives = (firstAvailable?.length ?? 0) > 0;
  const why = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly && alternatives) return [...errors, invalid(path, null, `${why}, but multiple fields are set`)];
  if (exactly) return [...errors, ...checkExact(exactly, path.child('exactly'))];
  if (!alternatives) return [...errors, required(path, why)];
  const check = (alternative: DeviceSubRequest, here: Path): FieldError[] => [...isDnsLabel(alternative.name, here.child('name')), ...checkExact(alternative, here)];
  return [...errors, ...checkSet(firstAvailable, path.child('firstAvailable'), { limit: ALTERNATIVES_LIMIT, key: (alternative) => alternative.name, check })];
}

function checkExact(request: ExactDeviceRequest | DeviceSubRequest, path: Path): FieldError[] {
  const { deviceClassName, selectors, allocationMode = '', count = 0, tolerations } = request;
  const className = path.child('deviceClassName');
  return [
    ...(deviceClassName ? isDnsSubdomain(deviceClassName, className) : [required(className)]),
    ...checkSelectors(selectors, path.child('selectors')),
    ...checkMode(allocationMode, count, path),
    ...checkItems(tolerations, TOLERATIONS_LIMIT, path.child('tolerations'), checkToleration),
  ];
}

function checkMode(mode: string, count: number, path: Path): FieldError[] {
  if (!MODES.includes(mode)) return [notSupported(path.child('allocationMode'), mode, MODES)];
  if (mode === 'All') return count === 0 ? [] : [invalid(path.child('count'), count, "must not be specified when allocationMode is 'All'")];
  return count > 0 ? [] : [invalid(path.child('count'), count, 'must be greater than zero')];
}

export function checkSelectors(selectors: readonly DeviceSelector[] | undefined, path: Path): FieldError[] {
  return checkItems(selectors, SELECTORS_LIMIT, path, ({ cel }, here) => {
    if (!cel) return [required(here.child('cel'))];
    const expression = here.child('cel', 'expression');
    return bytes(cel.expression) > EXPRESSION_LIMIT_BYTES ? [tooLong(expression, EXPRESSION_LIMIT_BYTES)] : checkDeviceSelector(cel.expression ?? '', expression);
  });
}

function checkToleration({ key, operator = '' as never, value = '', effect }: DeviceToleration, path: Path): FieldError[] {
  const errors = key ? checkLabelKey(key, path.child('key')) : [];
  const here = path.child('value');
  if (!operator) errors.push(required(path.child('operator')));
  else if (operator === 'Equal') errors.push(...labelValue(value).map((why) => invalid(here, value, why)));
  else if (operator !== 'Exists') errors.push(notSupported(path.child('operator'), operator, OPERATORS));
  else if (value !== '') errors.push(invalid(here, value, 'must be empty for operator `Exists`'));
  return !effect || EFFECTS.includes(effect) ? errors : [...errors, notSupported(path.child('effect'), effect, EFFECTS)];
}

function checkConstraint({ matchAttribute, distinctAttribute }: { matchAttribute?: string; distinctAttribute?: string }, path: Path): FieldError[] {
  if (matchAttribute !== undefined) return checkQualifiedKey(matchAttribute, path.child('matchAttribute'));
  if (distinctAttribute !== undefined) return checkQualifiedKey(distinctAttribute, path.child('distinctAttribute'));
  return [required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set')];
}

export function checkRequestReferences(references: readonly string[] | undefined, names: RequestNames, path: Path): FieldError[] {
  return checkSet(references, path, { limit: REQUESTS_LIMIT, key: (name) => name, check: (name, here) => checkRequestReference(name, names, here) });
}

export function checkRequestReference(name: string, names: RequestNames, path: Path): FieldError[] {
  const unknown = invalid(path, name, "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'");
  const parts = name.split('/');
  if (parts.length > 2) return [unknown];
  const errors = parts.flatMap((part) => isDnsLabel(part, path));
  return names.has(name) ? errors : [...errors, unknown];
}

export function checkConfiguration({ opaque }: DeviceConfiguration, path: Path): FieldError[] {
  const here = path.child('opaque');
  if (!opaque) return [required(here)];
  return [...checkDriverName(opaque.driver ?? '', here.child('driver')), ...checkParameters(opaque.parameters, PARAMETERS_LIMIT_BYTES, here.child('parameters'))];
}

/** Whatever a driver understands, as long as it is an object. */
export function checkParameters(value: unknown, limit: number, path: Path): FieldError[] {
  if (value === undefined || value === null) return [required(path)];
  if (bytes(JSON.stringify(value)) > limit) return [tooLong(path, limit)];
  if (typeof value === 'object' && !Array.isArray(value)) return [];
  return [invalid(path, '<value omitted>', 'must be a valid JSON object')];
}

/** Once it is made, it asks for what it asks for. */
export function claimMayNotGrow(path: Path): FieldError {
  return forbiddenField(path, 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set');
}
