/** The rules for LimitRanges. */
import { Named, type FieldError, Path, duplicate, forbiddenField, invalid, required } from '../../field-error.ts';
import { canonicalQuantity, compareQuantities, quantityOf } from '../../quantity.ts';
import type { LimitRange, LimitRangeItem } from '../../types/core.v1.ts';
import { qualifiedName } from '../shared/formats.ts';
import { checkContainerResourceName, checkResourceName } from '../shared/quantity-rules.ts';
import { amount, isOvercommitAllowed, type ResourceList } from '../shared/resource-list.ts';

type List = 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio';

export function checkLimits({ spec }: LimitRange): FieldError[] {
  const items = spec?.limits ?? [];
  return items.flatMap((item, at) => {
    const path = Path.of('spec', 'limits').index(at);
    const again = items.slice(0, at).some((other) => other.type === item.type);
    return [...checkType(item.type, path.child('type')), ...(again ? [duplicate(path.child('type'), new Named(item.type))] : []), ...checkItem(item, path)];
  });
}

const TYPES = ['Pod', 'Container', 'PersistentVolumeClaim'];

function checkType(type: string, path: Path): FieldError[] {
  const errors = qualifiedName(type).map((why) => invalid(path, new Named(type), why));
  if (errors.length > 0 || type.includes('/') || TYPES.includes(type)) return errors;
  return [invalid(path, new Named(type), 'must be a standard limit type or fully qualified')];
}

function checkItem(item: LimitRangeItem, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const nameRule = item.type === 'Pod' || item.type === 'Container' ? checkContainerResourceName : checkResourceName;
  const names = (list: List): void => {
    for (const name of Object.keys(item[list] ?? {})) errors.push(...nameRule(name, path.child(list).key(name)));
  };
  names('max');
  names('min');
  for (const list of ['default', 'defaultRequest'] as const) {
    if (item.type !== 'Pod') names(list);
    else if (size(item[list]) > 0) errors.push(forbiddenField(path.child(list), "may not be specified when `type` is 'Pod'"));
  }
  if (item.type === 'PersistentVolumeClaim' && item.min?.['storage'] === undefined && item.max?.['storage'] === undefined) {
    errors.push(required(path.child('limits'), 'either minimum or maximum storage value is required, but neither was provided'));
  }
  names('maxLimitRequestRatio');
  const lists = [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio];
  const all = new Set(lists.flatMap((list) => Object.keys(list ?? {})));
  return [...errors, ...[...all].flatMap((name) => checkResource(item, name, path))];
}

function checkResource(item: LimitRangeItem, name: string, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const isPod = item.type === 'Pod';
  const text = (list: List): string | undefined => (isPod && (list === 'default' || list === 'defaultRequest') ? undefined : item[list]?.[name]);
  const show = (list: List): string => canonicalQuantity(text(list) ?? '') ?? '';
  const above = (a: List, b: List): boolean =>
    text(a) !== undefined && text(b) !== undefined && compareQuantities(amount(item[a], name), amount(item[b], name)) > 0;
  const refuse = (field: List, value: List, why: string): void => void errors.push(invalid(path.child(field).key(name), show(value), why));
  if (above('min', 'max')) refuse('min', 'min', `min value ${show('min')} is greater than max value ${show('max')}`);
  if (above('min', 'defaultRequest')) {
    refuse('defaultRequest', 'defaultRequest', `min value ${show('min')} is greater than default request value ${show('defaultRequest')}`);
  }
  if (above('defaultRequest', 'max')) {
    refuse('defaultRequest', 'defaultRequest', `default request value ${show('defaultRequest')} is greater than max value ${show('max')}`);
  }
  if (above('defaultRequest', 'default')) {
    const why = `default request value ${show('defaultRequest')} is greater than default limit value ${show('default')}`;
    refuse('defaultRequest', 'defaultRequest', why);
  }
  if (above('min', 'default')) refuse('default', 'min', `min value ${show('min')} is greater than default value ${show('default')}`);
  if (above('default', 'max')) refuse('default', 'max', `default value ${show('default')} is greater than max value ${show('max')}`);
  errors.push(...checkRatio(item, name, path.child('maxLimitRequestRatio').key(name)));
  const fixed = !isOvercommitAllowed(name) && text('default') !== undefined && text('defaultRequest') !== undefined;
  if (fixed && (above('default', 'defaultRequest') || above('defaultRequest', 'default'))) {
    const why = `default value ${show('default')} must equal to defaultRequest value ${show('defaultRequest')} in ${name}`;
    refuse('defaultRequest', 'defaultRequest', why);
  }
  return errors;
}

function checkRatio(item: LimitRangeItem, name: string, path: Path): FieldError[] {
  const text = item.maxLimitRequestRatio?.[name];
  if (text === undefined) return [];
  const ratio = amount(item.maxLimitRequestRatio, name);
  const shown = canonicalQuantity(text);
  const errors = compareQuantities(ratio, quantityOf(1)) < 0 ? [invalid(path, shown, `ratio ${shown} is less than 1`)] : [];
  if (item.min?.[name] === undefined || item.max?.[name] === undefined) return errors;
  const most = Number(amount(item.max, name).nano) / Number(amount(item.min, name).nano);
  if (Number(ratio.nano) / 1e9 <= most) return errors;
  return [...errors, invalid(path, shown, `ratio ${shown} is greater than max/min = ${most.toFixed(6)}`)];
}

function size(list: ResourceList | undefined): number {
  return Object.keys(list ?? {}).length;
}
