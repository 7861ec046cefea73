import { cells, createErrors, created, defaulted, kindOf, updateErrors } from '../testing.ts';

const deployment = kindOf('Deployment', 'apps');
const labels = { app: 'shop' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'tool:1' }] } };

function spec(more: object = {}): object {
  return { spec: { selector: { matchLabels: labels }, template, ...more } };
}

test('defaults of Deployments', () => {
  expect(defaulted(deployment, spec())['spec']).toMatchObject({
    replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    template: { spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst' } },
  });
  expect(defaulted(kindOf('StatefulSet', 'apps'), spec())['spec']).toMatchObject({
    podManagementPolicy: 'OrderedReady', replicas: 1, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
  });
  expect(defaulted(kindOf('DaemonSet', 'apps'), spec())['spec']).toMatchObject({ updateStrategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } });
});

describe.each(['Deployment', 'ReplicaSet', 'StatefulSet'])('a %s', (name) => {
  const kind = kindOf(name, 'apps');

  test('is fine', () => expect(createErrors(kind, spec({ serviceName: 'shop' }))).toEqual([]));

  test('must select its pods', () => {
    const errors = createErrors(kind, spec({ selector: { matchLabels: { app: 'other' } } }));
    expect(errors).toEqual(['spec.template.metadata.labels: Invalid value: {"app":"shop"}: `selector` does not match template `labels`']);
  });

  test('needs a selector', () => {
    const [first, second] = createErrors(kind, spec({ selector: undefined }));
    expect(first).toBe('spec.selector: Required value');
    expect(second).toMatch(/`selector` does not match template `labels`$/);
  });

  test('keeps its selector', () => {
    const other = { metadata: { labels: { app: 'other' } }, spec: template.spec };
    const errors = updateErrors(kind, spec(), spec({ selector: { matchLabels: { app: 'other' } }, template: other }));
    expect(errors.join()).toMatch(/selector|updates to statefulset spec/);
  });
});

test('only changes of the spec move the generation', () => {
  const old = created(deployment, spec());
  const scaled = created(deployment, spec({ replicas: 4 }));
  expect(deployment.strategy.movesGeneration?.(scaled, old)).toBe(true);
  expect(deployment.strategy.movesGeneration?.(created(deployment, spec()), old)).toBe(false);
});

test('columns', () => {
  const shown = cells(deployment, { ...spec({ replicas: 3 }), status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 } });
  expect(shown).toMatchObject({ Ready: '2/3', 'Up-to-date': 3, Available: 2, Age: '<unknown>', Containers: 'main', Images: 'tool:1', Selector: 'app=shop' });
});
