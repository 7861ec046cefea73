/** A question to the authorizers in the form of a SubjectAccessReview's spec: what webhooks are asked and match conditions look at. Pure. */
import { parseFieldSelector, parseLabelSelector } from '../../../api/selectors.ts';
import type { Attributes } from '../auth.ts';

type Json = Record<string, unknown>;

export function accessRequest({ user, verb, group, version, resource, subresource, namespace, name, path, fieldSelector, labelSelector }: Attributes): Json {
  const who = { ...(user.name && { user: user.name }), ...(user.groups.length > 0 && { groups: user.groups }), ...(user.extra && { extra: user.extra }), ...(user.uid && { uid: user.uid }) };
  if (resource === '') return { nonResourceAttributes: { path, verb }, ...who };
  const attributes: Json = { namespace, verb, group, version, resource, subresource, name };
  for (const field of Object.keys(attributes)) if (attributes[field] === '') delete attributes[field];
  const fields = fieldSelector ? fieldRequirements(fieldSelector) : [];
  const labels = labelSelector ? labelRequirements(labelSelector) : [];
  return {
    resourceAttributes: { ...attributes, ...(fields.length > 0 && { fieldSelector: { requirements: fields } }), ...(labels.length > 0 && { labelSelector: { requirements: labels } }) },
    ...who,
  };
}

/** What cannot be read is left out: selectors only narrow what is asked for. */
function fieldRequirements(text: string): Json[] {
  try {
    return parseFieldSelector(text).requirements.map(({ field, operator, value }) => ({ key: field, operator: operator === '!=' ? 'NotIn' : 'In', values: [value] }));
  } catch {
    return [];
  }
}

const LABEL_OPERATORS: Readonly<Record<string, string>> = { in: 'In', '=': 'In', '==': 'In', notin: 'NotIn', '!=': 'NotIn', exists: 'Exists', '!': 'DoesNotExist' };

function labelRequirements(text: string): Json[] {
  try {
    return (parseLabelSelector(text).requirements ?? []).flatMap(({ key, operator, values }) => {
      const known = LABEL_OPERATORS[operator];
      return known ? [{ key, operator: known, ...(values.length > 0 && { values }) }] : [];
    });
  } catch {
    return [];
  }
}
