/** Texts from the development dependency: they are found by type and field, and reach the documents. */
import { builtinKinds } from '../kinds/index.ts';
import { readDescriptions } from './descriptions.ts';
import { openApiV3 } from './v3.ts';

const describeType = readDescriptions();

test.each([
  ['io.k8s.api.core.v1.Pod', 'spec'],
  ['io.k8s.api.core.v1.Pod', 'apiVersion'],
  ['io.k8s.api.apps.v1.DeploymentSpec', 'replicas'],
  ['io.k8s.api.rbac.v1.PolicyRule', 'verbs'],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'labels'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition', 'spec'],
  ['io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService', 'spec'],
])('readDescriptions() knows %s and its %s', (type, field) => {
  expect(describeType?.(type)).toMatch(/\w+ \w+/);
  expect(describeType?.(type, field)).toMatch(/\w+ \w+/);
  expect(describeType?.(type, field)).not.toMatch(/^\s*\*/m);
});

test('readDescriptions() has nothing for what it does not know', () => {
  expect([describeType?.('io.k8s.api.core.v1.Nothing'), describeType?.('com.example.v1.Widget'), describeType?.('io.k8s.api.core.v1.Pod', 'nothing')]).toEqual([undefined, undefined, undefined]);
});

const texts = (of: object | undefined): number => JSON.stringify(of).match(/"description":"[^"]{20,}/g)?.length ?? 0;

test('openApiV3() carries texts only where they are asked for', () => {
  expect(texts(openApiV3('apis/policy/v1', builtinKinds(), { version: '1' }))).toBe(0);
  expect(texts(openApiV3('apis/policy/v1', builtinKinds(), { version: '1', ...(describeType && { describe: describeType }) }))).toBeGreaterThan(50);
});
