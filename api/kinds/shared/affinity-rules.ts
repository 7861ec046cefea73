/** Where a pod may go: affinity, node selectors, topology spread, tolerations. */
import { Named, type FieldError, type Path, duplicate, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type {
  Affinity,
  NodeAffinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../../types/core.v1.ts';
import type { LabelSelector } from '../../types/meta.v1.ts';
import { labelValue } from './formats.ts';
import { checkLabelSelector } from './label-selector.ts';
import { nameIsLabel, nameIsSubdomain } from './names.ts';
import { checkLabelKey } from './object-meta.ts';
import { positive } from './quantity-rules.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

export function checkAffinity(affinity: Affinity | undefined, path: Path): FieldError[] {
  if (!affinity) return [];
  return [
    ...(affinity.nodeAffinity ? checkNodeAffinity(affinity.nodeAffinity, path.child('nodeAffinity')) : []),
    ...(affinity.podAffinity ? checkPodAffinity(affinity.podAffinity, path.child('podAffinity')) : []),
    ...(affinity.podAntiAffinity ? checkPodAffinity(affinity.podAntiAffinity, path.child('podAntiAffinity')) : []),
  ];
}

export function checkNodeSelector(selector: NodeSelector, path: Path): FieldError[] {
  const terms = selector.nodeSelectorTerms ?? [];
  const here = path.child('nodeSelectorTerms');
  if (terms.length === 0) return [required(here, 'must have at least one node selector term')];
  return terms.flatMap((term, at) => checkNodeSelectorTerm(term, here.index(at), true));
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function checkTolerations(tolerations: readonly Toleration[], path: Path): FieldError[] {
  return tolerations.flatMap((toleration, at) => {
    const here = path.index(at);
    const { key, operator = '', value = '', effect = '', tolerationSeconds } = toleration;
    const errors = key ? checkLabelKey(key, here.child('key')) : [];
    if (!key && operator !== 'Exists') {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(here.child('operator'), operator, why));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.push(invalid(here.child('effect'), new Named(effect), "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    errors.push(...checkTolerationValue(operator, value, here.child('operator')));
    if (effect && !EFFECTS.includes(effect)) errors.push(notSupported(here.child('effect'), effect, EFFECTS));
    return errors;
  });
}

const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway'];
const INCLUSION = ['Honor', 'Ignore'];

export function checkTopologySpread(constraints: readonly TopologySpreadConstraint[], path: Path): FieldError[] {
  return constraints.flatMap((constraint, at) => {
    const here = path.index(at);
    const action: string = constraint.whenUnsatisfiable;
    const errors = positive(constraint.maxSkew, here.child('maxSkew'));
    if (!constraint.topologyKey) errors.push(required(here.child('topologyKey'), 'can not be empty'));
    if (!UNSATISFIABLE.includes(action)) errors.push(notSupported(here.child('whenUnsatisfiable'), action, UNSATISFIABLE));
    const again = constraints.slice(at + 1).some((other) => other.topologyKey === constraint.topologyKey && other.whenUnsatisfiable === action);
    if (again) errors.push(duplicate(here.child('{topologyKey, whenUnsatisfiable}'), `{${constraint.topologyKey}, ${action}}`));
    errors.push(...checkMinDomains(constraint.minDomains, action, here.child('minDomains')));
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = constraint[field];
      if (policy !== undefined && !INCLUSION.includes(policy)) errors.push(notSupported(here.child(field), policy, INCLUSION));
    }
    return [
      ...errors,
      ...checkMergedKeys(constraint.matchLabelKeys ?? [], [], constraint.labelSelector, here),
      ...checkLabelSelector(constraint.labelSelector, here.child('labelSelector')),
    ];
  });
}

function checkMinDomains(minDomains: number | undefined, action: string, path: Path): FieldError[] {
  if (minDomains === undefined) return [];
  const errors = positive(minDomains, path);
  if (action === 'DoNotSchedule') return errors;
  return [...errors, invalid(path, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`)];
}

function checkTolerationValue(operator: string, value: string, path: Path): FieldError[] {
  switch (operator) {
    case '':
    case 'Equal': {
      const wrong = labelValue(value);
      return wrong.length > 0 ? [invalid(path, value, wrong.join(';'))] : [];
    }
    case 'Exists':
      return value ? [invalid(path, value, "value must be empty when `operator` is 'Exists'")] : [];
    case 'Lt':
    case 'Gt':
      return [notSupported(path, operator, ['Equal', 'Exists', 'Lt', 'Gt'])];
    default:
      return [notSupported(path, operator, ['Equal', 'Exists'])];
  }
}

function checkNodeAffinity(affinity: NodeAffinity, path: Path): FieldError[] {
  const needed = affinity[REQUIRED];
  return [
    ...(needed ? checkNodeSelector(needed, path.child(REQUIRED)) : []),
    ...(affinity[PREFERRED] ?? []).flatMap(({ weight, preference }, at) => {
      const here = path.child(PREFERRED).index(at);
      return [...checkWeight(weight, here), ...checkNodeSelectorTerm(preference, here.child('preference'), false)];
    }),
  ];
}

function checkWeight(weight: number, path: Path): FieldError[] {
  return weight > 0 && weight <= 100 ? [] : [invalid(path.child('weight'), weight, 'must be in the range 1-100')];
}

function checkNodeSelectorTerm(term: NodeSelectorTerm, path: Path, strictValues: boolean): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((requirement, at) => {
      const here = path.child('matchExpressions').index(at);
      return [...checkOperator(requirement, here), ...checkLabelKey(requirement.key, here.child('key')), ...(strictValues ? checkValues(requirement, here) : [])];
    }),
    ...(term.matchFields ?? []).flatMap((requirement, at) => checkFieldRequirement(requirement, path.child('matchFields').index(at))),
  ];
}

function checkOperator({ operator, values }: NodeSelectorRequirement, path: Path): FieldError[] {
  const count = values?.length ?? 0;
  switch (operator as string) {
    case 'In':
    case 'NotIn':
      return count > 0 ? [] : [required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'")];
    case 'Exists':
    case 'DoesNotExist':
      return count === 0 ? [] : [forbiddenField(path.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    case 'Gt':
    case 'Lt':
      return count === 1 ? [] : [required(path.child('values'), "must be specified single value when `operator` is 'Lt' or 'Gt'")];
    default:
      return [invalid(path.child('operator'), new Named(operator), 'not a valid selector operator')];
  }
}

function checkValues({ values }: NodeSelectorRequirement, path: Path): FieldError[] {
  return (values ?? []).flatMap((value, at) => labelValue(value).map((why) => invalid(path.child('values').index(at), value, why)));
}

function checkFieldRequirement({ key, operator, values }: NodeSelectorRequirement, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') errors.push(invalid(path.child('operator'), new Named(operator), 'not a valid selector operator'));
  else if (values?.length !== 1) {
    errors.push(required(path.child('values'), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  }
  if (key !== 'metadata.name') return [...errors, invalid(path.child('key'), key, 'not a valid field selector key')];
  const wrong = (values ?? []).flatMap((value, at) => nameIsSubdomain(value, false).map((why) => invalid(path.child('values').index(at), value, why)));
  return [...errors, ...wrong];
}

function checkPodAffinity(affinity: PodAffinity, path: Path): FieldError[] {
  return [
    ...(affinity[REQUIRED] ?? []).flatMap((term, at) => checkPodAffinityTerm(term, path.child(REQUIRED).index(at))),
    ...(affinity[PREFERRED] ?? []).flatMap(({ weight, podAffinityTerm }, at) => {
      const here = path.child(PREFERRED).index(at);
      return [...checkWeight(weight, here), ...checkPodAffinityTerm(podAffinityTerm, here.child('podAffinityTerm'))];
    }),
  ];
}

function checkPodAffinityTerm(term: PodAffinityTerm, path: Path): FieldError[] {
  const errors = [
    ...checkLabelSelector(term.labelSelector, path.child('labelSelector')),
    ...checkLabelSelector(term.namespaceSelector, path.child('namespaceSelector')),
    ...(term.namespaces ?? []).flatMap((name) => nameIsLabel(name, false).map((why) => invalid(path.child('namespace'), name, why))),
    ...checkMergedKeys(term.matchLabelKeys ?? [], term.mismatchLabelKeys ?? [], term.labelSelector, path),
  ];
  if (!term.topologyKey) errors.push(required(path.child('topologyKey'), 'can not be empty'));
  return [...errors, ...checkLabelKey(term.topologyKey, path.child('topologyKey'))];
}

/** Keys that the server merges into the selector when it creates the pod. */
function checkMergedKeys(match: readonly string[], mismatch: readonly string[], selector: LabelSelector | undefined, path: Path): FieldError[] {
  const errors = [...checkKeys(match, selector, path.child('matchLabelKeys')), ...checkKeys(mismatch, selector, path.child('mismatchLabelKeys'))];
  // The server itself adds one requirement for each key: only a second one was there before.
  const seen = new Set(Object.keys(selector?.matchLabels ?? {}));
  for (const { key } of selector?.matchExpressions ?? []) {
    if (match.includes(key) && seen.has(key)) errors.push(invalid(path.index(match.lastIndexOf(key)), key, 'exists in both matchLabelKeys and labelSelector'));
    seen.add(key);
  }
  for (const [at, key] of match.entries()) {
    if (mismatch.includes(key)) errors.push(invalid(path.child('matchLabelKeys').index(at), key, 'exists in both matchLabelKeys and mismatchLabelKeys'));
  }
  return errors;
}

function checkKeys(keys: readonly string[], selector: LabelSelector | undefined, path: Path): FieldError[] {
  if (keys.length === 0) return [];
  if (!selector) return [forbiddenField(path, 'must not be specified when labelSelector is not set')];
  return keys.flatMap((key, at) => checkLabelKey(key, path.index(at)));
}
