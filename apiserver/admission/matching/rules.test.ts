import type { RuleWithOperations } from '../../../api/types/admissionregistration.v1.ts';
import { requestFor } from '../admit.ts';
import { matchesRule } from './rules.ts';
import { isExempt, isPolicy, targetOf } from './subject.ts';

const pod = { metadata: { name: 'p' } };

test.each<[string, Partial<RuleWithOperations>, boolean]>([
  ['pods', {}, true],
  ['pods', { operations: ['UPDATE', 'DELETE'] }, false],
  ['pods', { operations: ['*'] }, true],
  ['pods', { apiGroups: ['apps'] }, false],
  ['pods', { apiGroups: ['*'], apiVersions: ['*'] }, true],
  ['pods', { apiVersions: ['v2'] }, false],
  ['pods', { resources: ['*'] }, true],
  ['pods', { resources: ['*/*'] }, true],
  ['pods', { resources: ['pods/*'] }, true],
  ['pods', { resources: ['pods/status'] }, false],
  ['pods/status', {}, false],
  ['pods/status', { resources: ['*'] }, false],
  ['pods/status', { resources: ['*/*'] }, true],
  ['pods/status', { resources: ['pods/*'] }, true],
  ['pods/status', { resources: ['*/status'] }, true],
  ['pods/status', { resources: ['*/scale'] }, false],
  ['pods', { scope: 'Namespaced' }, true],
  ['pods', { scope: 'Cluster' }, false],
  ['nodes', { resources: ['nodes'], scope: 'Cluster' }, true],
  ['nodes', { resources: ['nodes'], scope: 'Namespaced' }, false],
  ['namespaces', { resources: ['namespaces'], scope: 'Cluster' }, true],
  ['namespaces', { resources: ['namespaces'], scope: 'Namespaced' }, false],
])('%s under %j: %s', (what, rule, matches) => {
  const request = requestFor(what, pod);
  Object.assign(request.kind, { versions: [], subresources: [] });
  expect(matchesRule({ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], ...rule }, request, targetOf(request).resource)).toBe(matches);
});

test.each([
  ['validatingwebhookconfigurations', true, false], ['mutatingadmissionpolicies', true, true], ['validatingadmissionpolicybindings', true, true], ['pods', false, false],
])('%s are beyond webhooks: %s, and beyond policies: %s', (plural, webhooks, policies) => {
  const request = requestFor(plural === 'pods' ? plural : `admissionregistration.k8s.io/${plural}`, pod);
  expect([isExempt(request), isPolicy(request)]).toEqual([webhooks, policies]);
});
