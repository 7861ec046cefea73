/** The official JavaScript client against a real cluster: typed calls, informers, watches across restarts, exec, logs, leases. */
import { PassThrough, Readable } from 'node:stream';
import {
  ApiException,
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  Exec,
  KubeConfig,
  type KubernetesObject,
  Log,
  PatchStrategy,
  type V1Pod,
  type V1Status,
  VersionApi,
  Watch,
  makeInformer,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { Cluster, whyNoContainers } from '../harness/cluster.ts';
import { until } from '../harness/until.ts';

const obstacle = whyNoContainers();
const suite = obstacle ? describe.skip : describe;

suite(`@kubernetes/client-node${obstacle ? ` (${obstacle})` : ''}`, () => {
  let cluster: Cluster;
  let config: KubeConfig;
  let core: CoreV1Api;
  const namespace = 'default';

  beforeAll(async () => {
    cluster = await Cluster.start();
    config = new KubeConfig();
    config.loadFromString(await cluster.relayedKubeconfig());
    core = config.makeApiClient(CoreV1Api);
    await until('the default ServiceAccount is there', () => core.readNamespacedServiceAccount({ name: 'default', namespace }).then(() => true, () => false));
  }, 120_000);

  afterAll(() => cluster?.remove(), 60_000);

  async function codeOf(call: Promise<unknown>): Promise<number> {
    try {
      await call;
      return 200;
    } catch (error) {
      if (error instanceof ApiException) return error.code;
      throw error;
    }
  }

  test('typed create, read, list, replace, patch and delete', async () => {
    const made = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'crud', labels: { app: 'crud' } }, data: { a: '1' } } });
    expect(made.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await codeOf(core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'crud' } } }))).toBe(409);

    const replaced = await core.replaceNamespacedConfigMap({ name: 'crud', namespace, body: { ...made, data: { a: '2' } } });
    expect(replaced.metadata?.resourceVersion).not.toBe(made.metadata?.resourceVersion);
    expect(await codeOf(core.replaceNamespacedConfigMap({ name: 'crud', namespace, body: { ...made, data: { a: '3' } } }))).toBe(409);

    const patched = await core.patchNamespacedConfigMap({ name: 'crud', namespace, body: { data: { b: 'x' } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
    expect(patched.data).toEqual({ a: '2', b: 'x' });
    const list = await core.listNamespacedConfigMap({ namespace, labelSelector: 'app=crud' });
    expect(list.items.map((item) => item.data)).toEqual([{ a: '2', b: 'x' }]);

    await core.deleteNamespacedConfigMap({ name: 'crud', namespace });
    expect(await codeOf(core.readNamespacedConfigMap({ name: 'crud', namespace }))).toBe(404);
  });

  test('server-side apply, and a conflict that names the other manager', async () => {
    const body = (value: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { a: value } });
    const apply = (fieldManager: string, value: string) =>
      core.patchNamespacedConfigMap({ name: 'applied', namespace, body: body(value), fieldManager }, setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply));
    await apply('one', '1');
    await apply('one', '2');
    const refused: unknown = await apply('two', '3').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiException);
    expect((refused as ApiException<string>).code).toBe(409);
    expect(String((refused as ApiException<string>).body)).toContain('conflict with \\"one\\"');
  });

  test('pages through a list', async () => {
    for (let i = 0; i < 5; i++) await core.createNamespacedSecret({ namespace, body: { metadata: { name: `page-${i}`, labels: { page: 'yes' } } } });
    const names: (string | undefined)[] = [];
    let token: string | undefined;
    do {
      const page = await core.listNamespacedSecret({ namespace, labelSelector: 'page=yes', limit: 2, ...(token && { _continue: token }) });
      names.push(...page.items.map((item) => item.metadata?.name));
      token = page.metadata?._continue;
    } while (token);
    expect(names).toEqual(['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
  });

  test('an informer sees what is there, what comes, changes and goes', async () => {
    const seen: string[] = [];
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'inf-1', labels: { inf: 'yes' } } } });
    const informer = makeInformer(config, path, () => core.listNamespacedConfigMap({ namespace, labelSelector: 'inf=yes' }), 'inf=yes');
    for (const verb of ['add', 'update', 'delete'] as const) informer.on(verb, (object: KubernetesObject) => void seen.push(`${verb} ${object.metadata?.name}`));
    informer.on('error', () => undefined);
    await informer.start();
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'inf-2', labels: { inf: 'yes' } } } });
    await core.patchNamespacedConfigMap({ name: 'inf-2', namespace, body: { data: { a: 'b' } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
    await core.deleteNamespacedConfigMap({ name: 'inf-1', namespace });
    await until('all events came', () => seen.length >= 4);
    await informer.stop();
    expect(seen).toEqual(['add inf-1', 'add inf-2', 'update inf-2', 'delete inf-1']);
  });

  test('a watch resumes where it was after the server was killed and started again', async () => {
    const before = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'resume-1', labels: { resume: 'yes' } } } });
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'resume-2', labels: { resume: 'yes' } } } });
    await cluster.kill('SIGKILL');
    await cluster.up();
    // The relay leads to the port, which is the same again.
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'resume-3', labels: { resume: 'yes' } } } });
    const names: string[] = [];
    const watch = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { labelSelector: 'resume=yes', resourceVersion: before.metadata?.resourceVersion },
      (type, object: KubernetesObject) => void names.push(`${type} ${object.metadata?.name}`),
      () => undefined,
    );
    await until('both later events came', () => names.length >= 2);
    watch.abort();
    expect(names).toEqual(['ADDED resume-2', 'ADDED resume-3']);
  }, 120_000);

  test('custom objects of a kind that is not there are 404', async () => {
    expect(await codeOf(config.makeApiClient(CustomObjectsApi).listNamespacedCustomObject({ group: 'example.com', version: 'v1', namespace, plural: 'boats' }))).toBe(404);
  });

  test('says its version', async () => {
    expect(await config.makeApiClient(VersionApi).getCode()).toMatchObject({ major: '1', minor: '36' });
  });

  describe('with a running container', () => {
    beforeAll(async () => {
      const body: V1Pod = {
        metadata: { name: 'talker' },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'coracle.local/busybox:1', command: ['sh', '-c', 'echo one; echo two; exec sleep 3600'] }] },
      };
      await core.createNamespacedPod({ namespace, body });
      await until('the pod runs', async () => (await core.readNamespacedPod({ name: 'talker', namespace })).status?.containerStatuses?.[0]?.ready);
    }, 60_000);

    test('logs follow and tail', async () => {
      const text = await until('both lines were written', async () => {
        const log = await core.readNamespacedPodLog({ name: 'talker', namespace });
        return log.includes('two') && log;
      });
      expect(text).toBe('one\ntwo\n');
      expect(await core.readNamespacedPodLog({ name: 'talker', namespace, tailLines: 1 })).toBe('two\n');
      // A log that is followed ends with its container.
      await core.createNamespacedPod({
        namespace,
        body: { metadata: { name: 'teller' }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'coracle.local/busybox:1', command: ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.2; done'] }] } },
      });
      await until('it runs', async () => (await core.readNamespacedPod({ name: 'teller', namespace })).status?.phase !== 'Pending');
      const stream = new PassThrough();
      await new Log(config).log(namespace, 'teller', 'main', stream, { follow: true });
      let followed = '';
      for await (const chunk of stream) followed += String(chunk);
      expect(followed).toBe('1\n2\n3\n');
    });

    test('exec carries input, output and the exit code', async () => {
      const stdout = new PassThrough();
      let output = '';
      stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const status = await new Promise<V1Status>((resolve, reject) => {
        new Exec(config)
          .exec(namespace, 'talker', 'main', ['sh', '-c', 'read line; echo "got $line"; exit 7'], stdout, null, Readable.from(['a line\n']), false, resolve)
          .catch(reject);
      });
      await until('the output came', () => output === 'got a line\n');
      expect(status.status).toBe('Failure');
      expect(status.details?.causes).toEqual([{ message: '7', reason: 'ExitCode' }]);
    });
  });

  test('of many who stand for one lease, one leads', async () => {
    const leases = config.makeApiClient(CoordinationV1Api);
    await leases.createNamespacedLease({ namespace, body: { metadata: { name: 'election' }, spec: { leaseDurationSeconds: 15 } } });
    const read = await leases.readNamespacedLease({ name: 'election', namespace });
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, i) => {
        const body = { ...read, spec: { ...read.spec, holderIdentity: `candidate-${i}` } };
        return codeOf(leases.replaceNamespacedLease({ name: 'election', namespace, body })).then((code) => ({ code, who: `candidate-${i}` }));
      }),
    );
    expect(outcomes.map(({ code }) => code).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 409)]);
    const leader = await leases.readNamespacedLease({ name: 'election', namespace });
    expect(leader.spec?.holderIdentity).toBe(outcomes.find(({ code }) => code === 200)?.who);
  });

  test('a Deployment is scaled through its scale subresource', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const labels = { app: 'scaled' };
    await apps.createNamespacedDeployment({
      namespace,
      body: { metadata: { name: 'scaled' }, spec: { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'coracle.local/busybox:1', command: ['sleep', '3600'] }] } } } },
    });
    // The controller writes the status meanwhile: as every client must, this one reads again when it was too late.
    await until('the scale is written', async () => {
      const scale = await apps.readNamespacedDeploymentScale({ name: 'scaled', namespace });
      // Zero is left out of a Scale, as the type says.
      expect(scale.spec?.replicas ?? 0).toBe(0);
      return apps.replaceNamespacedDeploymentScale({ name: 'scaled', namespace, body: { ...scale, spec: { replicas: 2 } } }).catch((error: { code?: number }) => {
        if (error.code === 409) return false;
        throw error;
      });
    });
    await until('two pods were made', async () => (await core.listNamespacedPod({ namespace, labelSelector: 'app=scaled' })).items.length === 2);
    await apps.deleteNamespacedDeployment({ name: 'scaled', namespace });
  });
});
