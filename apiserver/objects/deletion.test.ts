import type { ApiObject } from '../../api/kind.ts';
import { builtinKinds } from '../../api/kinds/index.ts';
import type { ResourceCache } from '../cache/cache.ts';
import { Resource } from '../registry/resource.ts';
import type { DeleteOptions } from './delete-options.ts';
import { goesWithUpdate, planDeletion } from './deletion.ts';

const NOW = Date.UTC(2026, 0, 1);
const AT = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T00:00:30Z';

function resourceOf(plural: string): Resource {
  const kind = builtinKinds().find((one) => one.plural === plural);
  if (!kind?.versions[0]) throw new Error(plural);
  return new Resource(kind, kind.versions[0], {} as ResourceCache);
}

interface Row {
  readonly what: string;
  readonly plural?: string;
  readonly object?: Partial<ApiObject>;
  readonly options?: Partial<DeleteOptions>;
  readonly does: string;
  readonly metadata?: object;
}

const running = { spec: { nodeName: 'n', containers: [], terminationGracePeriodSeconds: 30 }, status: { phase: 'Running' } };

test.each<Row>([
  { what: 'nothing holds it', does: 'remove' },
  { what: 'a finalizer holds it', object: { metadata: { finalizers: ['a/b'] } }, does: 'mark', metadata: { deletionTimestamp: AT, deletionGracePeriodSeconds: 0, finalizers: ['a/b'] } },
  { what: 'a finalizer holds it, and it has a generation', plural: 'deployments', object: { metadata: { generation: 3, finalizers: ['a/b'] } }, does: 'mark', metadata: { generation: 4 } },
  { what: 'in the foreground', options: { propagationPolicy: 'Foreground' }, does: 'mark', metadata: { finalizers: ['foregroundDeletion'] } },
  { what: 'orphaning', options: { propagationPolicy: 'Orphan' }, does: 'mark', metadata: { finalizers: ['orphan'] } },
  { what: 'orphaning in the old way', options: { orphanDependents: true }, does: 'mark', metadata: { finalizers: ['orphan'] } },
  { what: 'the policy replaces the one before', object: { metadata: { finalizers: ['orphan'] } }, options: { propagationPolicy: 'Background' }, does: 'remove' },
  { what: 'without a policy the one before stays', object: { metadata: { finalizers: ['foregroundDeletion'] } }, does: 'mark', metadata: { finalizers: ['foregroundDeletion'] } },
  { what: 'a kind that orphans by default', plural: 'replicationcontrollers', does: 'mark', metadata: { finalizers: ['orphan'] } },
  { what: 'what has no dependents', plural: 'events', options: { propagationPolicy: 'Foreground' }, does: 'remove' },
  { what: 'a running pod', plural: 'pods', object: running, does: 'mark', metadata: { deletionTimestamp: LATER, deletionGracePeriodSeconds: 30 } },
  { what: 'a running pod, with another period', plural: 'pods', object: running, options: { gracePeriodSeconds: 5 }, does: 'mark', metadata: { deletionGracePeriodSeconds: 5 } },
  { what: 'a running pod that wants no time, with another period', plural: 'pods', object: { ...running, spec: { ...running.spec, terminationGracePeriodSeconds: 0 } }, options: { gracePeriodSeconds: 5 }, does: 'mark', metadata: { deletionGracePeriodSeconds: 5 } },
  { what: 'a running pod, by force', plural: 'pods', object: running, options: { gracePeriodSeconds: 0 }, does: 'remove', metadata: { deletionGracePeriodSeconds: 0 } },
  { what: 'a pod without a node', plural: 'pods', object: { spec: { containers: [], terminationGracePeriodSeconds: 30 } }, does: 'remove' },
  { what: 'a terminating pod again', plural: 'pods', object: { ...running, metadata: { deletionTimestamp: LATER, deletionGracePeriodSeconds: 30 } }, does: 'nothing' },
  { what: 'a terminating pod, with more time', plural: 'pods', object: { ...running, metadata: { deletionTimestamp: LATER, deletionGracePeriodSeconds: 30 } }, options: { gracePeriodSeconds: 60 }, does: 'nothing' },
  { what: 'a terminating pod, with less time', plural: 'pods', object: { ...running, metadata: { deletionTimestamp: LATER, deletionGracePeriodSeconds: 30 } }, options: { gracePeriodSeconds: 10 }, does: 'mark', metadata: { deletionTimestamp: '2026-01-01T00:00:10Z', deletionGracePeriodSeconds: 10 } },
  { what: 'a terminating pod, by force', plural: 'pods', object: { ...running, metadata: { deletionTimestamp: LATER, deletionGracePeriodSeconds: 30 } }, options: { gracePeriodSeconds: 0 }, does: 'remove' },
  { what: 'a namespace', plural: 'namespaces', object: { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }, does: 'mark', metadata: { deletionTimestamp: AT } },
  { what: 'a terminating namespace with content', plural: 'namespaces', object: { metadata: { deletionTimestamp: AT }, spec: { finalizers: ['kubernetes'] } }, does: 'nothing' },
  { what: 'a terminating namespace that is empty', plural: 'namespaces', object: { metadata: { deletionTimestamp: AT }, spec: {} }, does: 'remove' },
])('planDeletion(): $what: $does', ({ plural = 'configmaps', object = {}, options = {}, does, metadata }) => {
  const whole: ApiObject = { apiVersion: 'v1', kind: 'X', metadata: {}, ...object };
  const none: DeleteOptions = { gracePeriodSeconds: undefined, propagationPolicy: undefined, orphanDependents: undefined, preconditions: undefined, dryRun: false, sent: {} };
  const plan = planDeletion(resourceOf(plural), structuredClone(whole), { ...none, ...options }, NOW);
  expect(plan.do).toBe(does);
  if (metadata) expect(plan.do === 'nothing' ? undefined : plan.object.metadata).toMatchObject(metadata);
});

test.each([
  ['its last finalizer went', 'configmaps', { finalizers: ['a/b'], deletionTimestamp: AT, deletionGracePeriodSeconds: 0 }, { deletionTimestamp: AT }, true],
  ['one finalizer is left', 'configmaps', { finalizers: ['a/b', 'c/d'], deletionTimestamp: AT }, { finalizers: ['c/d'], deletionTimestamp: AT }, false],
  ['it was never deleted', 'configmaps', { finalizers: ['a/b'] }, {}, false],
  ['its time is not up', 'pods', { deletionTimestamp: LATER, deletionGracePeriodSeconds: 30 }, { deletionTimestamp: LATER, deletionGracePeriodSeconds: 30 }, false],
] as const)('goesWithUpdate(): %s', (_what, plural, before, after, expected) => {
  const object = (metadata: object): ApiObject => ({ apiVersion: 'v1', kind: 'X', metadata });
  expect(goesWithUpdate(resourceOf(plural), object(after), object(before))).toBe(expected);
});
