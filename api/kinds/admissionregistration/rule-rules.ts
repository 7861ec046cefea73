/** What a rule of a webhook or a policy may match. */
import { type FieldError, type Path, invalid, notSupported, required } from '../../field-error.ts';
import type { RuleWithOperations } from '../../types/admissionregistration.v1.ts';

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];

export function checkRule(rule: RuleWithOperations, path: Path): FieldError[] {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [] } = rule;
  const scope: string | undefined = rule.scope;
  const versions = path.child('apiVersions');
  return [
    ...checkStar(operations, 'operations', path.child('operations')),
    ...operations.flatMap((operation, at) => (OPERATIONS.includes(operation) ? [] : [notSupported(path.child('operations').index(at), operation, OPERATIONS)])),
    ...checkStar(apiGroups, 'API groups', path.child('apiGroups')),
    ...checkStar(apiVersions, 'API versions', versions),
    ...apiVersions.flatMap((version, at) => (version === '' ? [required(versions.index(at))] : [])),
    ...checkResources(resources, path.child('resources')),
    ...(scope === undefined || SCOPES.includes(scope) ? [] : [notSupported(path.child('scope'), scope, SCOPES)]),
  ];
}

function checkStar(list: readonly string[], what: string, path: Path): FieldError[] {
  if (list.length === 0) return [required(path)];
  return list.length > 1 && list.includes('*') ? [invalid(path, list, `if '*' is present, must not specify other ${what}`)] : [];
}

function checkResources(resources: readonly string[], path: Path): FieldError[] {
  if (resources.length === 0) return [required(path)];
  const wholes = new Set<string>();
  const parts = new Set<string>();
  const errors = resources.flatMap((text, at) => {
    const here = path.index(at);
    if (text === '') return [required(here)];
    const slash = text.indexOf('/');
    if (slash < 0) return [];
    const [resource, sub] = [text.slice(0, slash), text.slice(slash + 1)];
    const wrong: FieldError[] = [];
    if (wholes.has(resource)) wrong.push(invalid(here, text, `if '${resource}/*' is present, must not specify ${text}`));
    if (parts.has(sub)) wrong.push(invalid(here, text, `if '*/${sub}' is present, must not specify ${text}`));
    if (sub === '*') wholes.add(resource);
    if (resource === '*') parts.add(sub);
    return wrong;
  });
  if (resources.length > 1 && resources.includes('*/*')) errors.push(invalid(path, resources, "if '*/*' is present, must not specify other resources"));
  const plain = resources.findLast((text) => text !== '' && !text.includes('/'));
  if (resources.includes('*') && plain !== undefined && plain !== '*') {
    errors.push(invalid(path, resources, "if '*' is present, must not specify other resources without subresources"));
  }
  return errors;
}
