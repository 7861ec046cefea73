import { whyUnexpected } from './registered-kinds.ts';

const CONFIGMAP = { apiVersion: 'v1', kind: 'ConfigMap' };
const unknown = (kind: string, version: string): string => `no kind "${kind}" is registered for version "${version}" in scheme "pkg/runtime/scheme.go:111"`;
const other = (sent: string, expected: string): string => `converting (${sent}) to (${expected}): unknown conversion`;

/** What kube-apiserver v1.36.3 answers. */
test.each<[string, string, { apiVersion: string; kind: string }, string | undefined]>([
  ['v1', 'Foo', CONFIGMAP, unknown('Foo', 'v1')],
  ['v1', 'configmap', CONFIGMAP, unknown('configmap', 'v1')],
  ['v2', 'ConfigMap', CONFIGMAP, unknown('ConfigMap', 'v2')],
  ['v1', 'Secret', CONFIGMAP, other('v1.Secret', 'core.ConfigMap')],
  ['v1', 'ConfigMapList', CONFIGMAP, other('v1.ConfigMapList', 'core.ConfigMap')],
  ['v1', 'DeleteOptions', CONFIGMAP, other('v1.DeleteOptions', 'core.ConfigMap')],
  ['apps/v1', 'Status', CONFIGMAP, other('v1.Status', 'core.ConfigMap')],
  ['v1', 'Status', { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' }, other('v1.Status', 'apiextensions.CustomResourceDefinition')],
  ['v1', 'DeleteOptions', { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' }, other('v1.DeleteOptions', 'apiextensions.CustomResourceDefinition')],
  ['meta.k8s.io/v1', 'DeleteOptions', CONFIGMAP, unknown('DeleteOptions', 'meta.k8s.io/v1')],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', CONFIGMAP, unknown('CustomResourceDefinition', 'apiextensions.k8s.io/v1')],
  ['v1', 'Pod', { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' }, unknown('Pod', 'v1')],
  ['v1', 'Pod', { apiVersion: 'events.k8s.io/v1', kind: 'Event' }, other('v1.Pod', 'core.Event')],
  ['events.k8s.io/v1', 'Pod', { apiVersion: 'events.k8s.io/v1', kind: 'Event' }, unknown('Pod', 'events.k8s.io/v1')],
  ['rbac.authorization.k8s.io/v1', 'Role', { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema' }, other('v1.Role', 'flowcontrol.FlowSchema')],
  ['apps/v1beta1', 'Deployment', { apiVersion: 'apps/v1', kind: 'Deployment' }, undefined],
  ['apps/v1beta1', 'DaemonSet', { apiVersion: 'apps/v1', kind: 'DaemonSet' }, unknown('DaemonSet', 'apps/v1beta1')],
  ['apps/v1beta2', 'Scale', { apiVersion: 'autoscaling/v1', kind: 'Scale' }, undefined],
  ['batch/v1beta1', 'Job', { apiVersion: 'batch/v1', kind: 'Job' }, unknown('Job', 'batch/v1beta1')],
  ['storage.k8s.io/v1alpha1', 'StorageClass', { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' }, unknown('StorageClass', 'storage.k8s.io/v1alpha1')],
  ['authentication.k8s.io/v1beta1', 'TokenRequest', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' }, unknown('TokenRequest', 'authentication.k8s.io/v1beta1')],
  ['apiextensions.k8s.io/v1beta1', 'CustomResourceDefinition', { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' }, undefined],
  ['extensions/v1beta1', 'Deployment', { apiVersion: 'apps/v1', kind: 'Deployment' }, undefined],
  ['autoscaling/v1', 'HorizontalPodAutoscaler', { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' }, undefined],
  ['autoscaling/v2beta2', 'HorizontalPodAutoscaler', { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' }, unknown('HorizontalPodAutoscaler', 'autoscaling/v2beta2')],
])('whyUnexpected() %s %s', (apiVersion, kind, expected, why) => {
  expect(whyUnexpected({ apiVersion, kind }, expected)).toBe(why);
});
