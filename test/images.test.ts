/** Images from a real registry that asks for a name and a password: pull policies, secrets, and what is said when it fails. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiObject, Cluster, condition, whyNoContainers } from './harness/cluster.ts';
import { until } from './harness/until.ts';

const obstacle = whyNoContainers();
const suite = obstacle ? describe.skip : describe;
const REGISTRY = '127.0.0.1:5000';
const IMAGE = `${REGISTRY}/tools/box:1`;
/** Of the password `harbour`. */
const HASH = '$2b$05$Wyv4j5C4Yo.ERMGAt9Ao/uUnqZvz.gS9s/LTlodI965uzE2WmpcPy';

suite(`images${obstacle ? ` (${obstacle})` : ''}`, () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ env: { CORACLE_PLAIN_REGISTRIES: REGISTRY } });
    await startRegistry();
    const ctr = ['--address', join(cluster.dataDir, 'containerd/containerd.sock'), '--namespace', 'k8s.io', 'images'];
    await mustRun('ctr', [...ctr, 'tag', 'coracle.local/busybox:1', IMAGE]);
    await mustRun('ctr', [...ctr, 'push', '--plain-http', '--user', 'sailor:harbour', IMAGE]);
    await mustRun('ctr', [...ctr, 'rm', IMAGE]);
    await cluster.must(['create', 'secret', 'docker-registry', 'harbour', `--docker-server=${REGISTRY}`, '--docker-username=sailor', '--docker-password=harbour']);
    await cluster.must(['create', 'secret', 'docker-registry', 'wrong', `--docker-server=${REGISTRY}`, '--docker-username=sailor', '--docker-password=storm']);
  }, 180_000);
  afterAll(() => cluster?.remove(), 60_000);

  async function startRegistry(): Promise<void> {
    const directory = join(cluster.directory, 'registry');
    mkdirSync(directory);
    writeFileSync(join(directory, 'users'), `sailor:${HASH}\n`);
    writeFileSync(join(directory, 'config.yml'), JSON.stringify({
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(directory, 'data') } },
      http: { addr: REGISTRY },
      auth: { htpasswd: { realm: 'harbour', path: join(directory, 'users') } },
    }));
    cluster.net.spawn('docker-registry', ['serve', join(directory, 'config.yml')], { stdio: 'ignore' });
    await until('the registry answers', async () => (await cluster.net.run('curl', ['-s', '-o', '/dev/null', `http://${REGISTRY}/v2/`])).code === 0);
  }

  async function mustRun(program: string, args: readonly string[]): Promise<void> {
    const { code, stderr } = await cluster.net.run(program, args);
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  }

  const pod = (name: string, imagePullPolicy: string, secret?: string): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        terminationGracePeriodSeconds: 0,
        ...(secret && { imagePullSecrets: [{ name: secret }] }),
        containers: [{ name: 'main', image: IMAGE, imagePullPolicy, command: ['sleep', '3600'] }],
      },
    });
  const ready = (name: string): Promise<ApiObject> =>
    until(`${name} is Ready`, async () => {
      const one = await cluster.one('pod', name);
      return condition(one, 'Ready') === 'True' && one;
    }, 60_000);
  const waitingFor = (name: string): Promise<string> =>
    until(`${name} waits`, async () => {
      const [status] = (await cluster.one('pod', name)).status.containerStatuses as { state: { waiting?: { reason: string } } }[];
      const reason = status?.state.waiting?.reason;
      return reason !== 'ContainerCreating' && reason;
    }, 60_000);
  const eventsOf = (name: string): Promise<string> => cluster.must(['get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', 'custom-columns=R:.reason,M:.message']);

  test('Never does not pull, and says so', async () => {
    await cluster.apply(pod('never', 'Never', 'harbour'));
    expect(await waitingFor('never')).toBe('ErrImageNeverPull');
  }, 90_000);

  test.each([['no', undefined], ['a wrong', 'wrong']])('with %s password the pull is refused, and the event says why', async (_, secret) => {
    const name = secret ? 'refused' : 'anonymous';
    await cluster.apply(pod(name, 'IfNotPresent', secret));
    expect(await waitingFor(name)).toMatch(/^(ErrImagePull|ImagePullBackOff)$/);
    expect(await eventsOf(name)).toMatch(/Failed +Failed to pull image "127\.0\.0\.1:5000\/tools\/box:1".*(authorization|401|unauthorized|no basic auth)/i);
  }, 90_000);

  test('with the right secret it is pulled and runs', async () => {
    await cluster.apply(pod('allowed', 'IfNotPresent', 'harbour'));
    const one = await ready('allowed');
    expect((one.status.containerStatuses as { imageID: string }[])[0]?.imageID).toContain('sha256:');
    expect(await eventsOf('allowed')).toMatch(/Pulled +Successfully pulled image "127\.0\.0\.1:5000\/tools\/box:1"/);
  }, 90_000);

  test('Always pulls what is there already, IfNotPresent does not', async () => {
    await cluster.apply(pod('always', 'Always', 'harbour'));
    await ready('always');
    expect(await eventsOf('always')).toMatch(/Pulled +Successfully pulled image/);
    await cluster.apply(pod('present', 'IfNotPresent', 'harbour'));
    await ready('present');
    expect(await eventsOf('present')).toMatch(/Pulled +Container image "127\.0\.0\.1:5000\/tools\/box:1" already present on machine/);
  }, 120_000);

  test('the node lists the image', async () => {
    await until('the node says so', async () => {
      const images = (await cluster.get('nodes')).items.flatMap((node) => (node.status.images as { names: string[] }[] | undefined) ?? []);
      return images.some(({ names }) => names.includes(IMAGE));
    });
  }, 150_000);

  test('a containerd that dies is started again: containers go on, and new ones come up', async () => {
    const pid = Number(execFileSync('pgrep', ['-f', `containerd --config ${join(cluster.dataDir, 'containerd')}`], { encoding: 'utf8' }).split('\n')[0]);
    const before = await ready('allowed');
    process.kill(pid, 'SIGKILL');
    expect((await cluster.kubectl('get nodes')).code).toBe(0);
    await cluster.apply(pod('afterwards', 'IfNotPresent', 'harbour'));
    await ready('afterwards');
    const after = await ready('allowed');
    expect(after.status.containerStatuses).toEqual(before.status.containerStatuses);
  }, 150_000);
});
