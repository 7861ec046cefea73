import type { ContainerStatus, PodStatus } from '../api/types/core.v1.ts';
import { NOW, type Run, podOf, runtimeOf, sandbox } from './fixtures.ts';
import type { PodStatusObject } from './pod.ts';
import { podStatus } from './status.ts';
import type { StatusInput } from './status-input.ts';
import type { Sandbox } from './runtime/model.ts';

interface Case {
  readonly spec?: object;
  readonly containers?: readonly Run[];
  readonly sandboxes?: readonly Sandbox[];
  readonly input?: Partial<StatusInput>;
  readonly previous?: object;
  readonly metadata?: object;
  readonly status?: object;
}

const TIME = '2026-01-01T12:00:00Z';

function statusOf({ spec = {}, containers = [], sandboxes, input = {}, previous, metadata, status }: Case): PodStatus {
  return podStatus({
    pod: podOf(spec, metadata, status),
    previous: (previous ?? {}) as PodStatusObject,
    runtime: runtimeOf(containers, sandboxes),
    probes: new Map(),
    waiting: new Map(),
    hostIps: ['192.0.2.1'],
    runtimeName: 'containerd',
    startTime: TIME,
    now: TIME,
    isEnding: false,
    isFinished: false,
    ...input,
  });
}

/** `app running ready started`, `app waiting CrashLoopBackOff <- Error 1 x2`. */
function short({ name, state = {}, lastState = {}, ready, started, restartCount }: ContainerStatus): string {
  const of = ({ running, waiting, terminated }: typeof state): string =>
    running ? 'running' : terminated ? `${terminated.reason ?? 'ended'} ${terminated.exitCode}` : waiting ? `waiting ${waiting.reason ?? ''}`.trimEnd() : '';
  return [name, of(state), ready && 'ready', started && 'started', lastState.terminated && `<- ${of(lastState)}`, restartCount > 0 && `x${restartCount}`].filter(Boolean).join(' ');
}

function check(rows: Record<string, [Case, string, ...string[]]>): void {
  test.each(Object.entries(rows))('%s', (_, [given, phase, ...containers]) => {
    const status = statusOf(given);
    expect([[status.phase, status.reason].filter(Boolean).join(' '), ...[...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(short)]).toEqual([phase, ...containers]);
  });
}

const init = { initContainers: [{ name: 'one' }] };
const sidecar = { initContainers: [{ name: 'side', restartPolicy: 'Always' }] };
const never = { restartPolicy: 'Never' };
const failed = { state: 'exited', code: 1 } as const;
const waiting = (reason: string, name = 'app') => ({ waiting: new Map([[name, { reason, message: 'why' }]]) });

describe('podStatus() says of containers', () => {
  check({
    'before anything is there': [{ sandboxes: [] }, 'Pending', 'app waiting ContainerCreating'],
    'before anything is there, with init containers': [{ spec: init, sandboxes: [] }, 'Pending', 'one waiting PodInitializing', 'app waiting PodInitializing'],
    'while initializing': [{ spec: init, containers: [{ name: 'one' }] }, 'Pending', 'one running started', 'app waiting PodInitializing'],
    'once initialized': [{ spec: init, containers: [{ name: 'one', state: 'exited' }, {}] }, 'Running', 'one Completed 0 ready', 'app running ready started'],
    'an image that cannot be had': [{ input: waiting('ErrImagePull') }, 'Pending', 'app waiting ErrImagePull'],
    'a crash loop': [
      { containers: [{ ...failed, attempt: 1 }, { ...failed, attempt: 2 }], input: waiting('CrashLoopBackOff') },
      'Running', 'app waiting CrashLoopBackOff <- Error 1 x2',
    ],
    'a restart': [{ containers: [failed, { attempt: 1 }] }, 'Running', 'app running ready started <- Error 1 x1'],
    'a container that ended and waits to be started again': [{ containers: [failed] }, 'Running', 'app Error 1'],
    'why it waits does not hide that it runs': [{ containers: [{}], input: waiting('ErrImagePull') }, 'Running', 'app running ready started'],
    'why it waits does not hide a final end': [{ spec: never, containers: [failed], input: waiting('ErrImagePull') }, 'Failed', 'app Error 1'],
    'sorted by name': [{ spec: { containers: [{ name: 'b' }, { name: 'a' }] }, containers: [{ name: 'b' }, { name: 'a' }] }, 'Running', 'a running ready started', 'b running ready started'],
    'one that ran and was removed behind our back': [
      { previous: { phase: 'Running', containerStatuses: [{ name: 'app', state: { running: {} }, restartCount: 1 }] } },
      'Running', 'app waiting ContainerCreating <- ContainerStatusUnknown 137 x2',
    ],
    'one that ended and was removed keeps its end': [
      { spec: never, previous: { containerStatuses: [{ name: 'app', state: { terminated: { exitCode: 3, reason: 'Error' } }, restartCount: 0, ready: false }] } },
      'Failed', 'app Error 3',
    ],
  });

  test('how a container ended, with ids and times', () => {
    const [app] = statusOf({ containers: [{ ...failed, message: 'disk full', ended: 5 }] }).containerStatuses ?? [];
    expect(app).toMatchObject({
      image: 'app:1',
      imageID: 'sha256:app:1',
      containerID: 'containerd://app-0',
      state: { terminated: { exitCode: 1, reason: 'Error', message: 'disk full', startedAt: '2026-01-01T11:59:00Z', finishedAt: '2026-01-01T11:59:55Z', containerID: 'containerd://app-0' } },
    });
  });
});

describe('podStatus() counts phases', () => {
  const two = { containers: [{ name: 'app' }, { name: 'log' }] };
  check({
    'Running with one of two ended': [{ spec: { ...two, ...never }, containers: [failed, { name: 'log' }] }, 'Running', 'app Error 1', 'log running ready started'],
    'Pending with one of two waiting': [{ spec: two, containers: [{}] }, 'Pending', 'app running ready started', 'log waiting ContainerCreating'],
    'Succeeded': [{ spec: never, containers: [{ state: 'exited' }] }, 'Succeeded', 'app Completed 0'],
    'Failed when one of two failed': [{ spec: { ...two, ...never }, containers: [failed, { name: 'log', state: 'exited' }] }, 'Failed', 'app Error 1', 'log Completed 0'],
    'Running while OnFailure will try again': [{ spec: { restartPolicy: 'OnFailure' }, containers: [failed] }, 'Running', 'app Error 1'],
    'Failed when initialization failed for good': [{ spec: { ...init, ...never }, containers: [{ name: 'one', ...failed }] }, 'Failed', 'one Error 1', 'app waiting PodInitializing'],
    'Pending while initialization is tried again': [{ spec: init, containers: [{ name: 'one', ...failed }] }, 'Pending', 'one Error 1', 'app waiting PodInitializing'],
    'Succeeded though a sidecar was killed at the end': [
      { spec: { ...sidecar, ...never }, containers: [{ name: 'side', state: 'exited', code: 137 }, { state: 'exited' }] },
      'Succeeded', 'side Error 137', 'app Completed 0',
    ],
    'Running as long as a sidecar still runs': [{ spec: { ...sidecar, ...never }, containers: [{ name: 'side' }, { state: 'exited' }] }, 'Running', 'side running ready started', 'app Completed 0'],
    'Failed when a pod that always restarts is ended': [{ containers: [failed], input: { isEnding: true } }, 'Failed', 'app Error 1'],
    'never back from a final one': [{ containers: [{}], previous: { phase: 'Failed', reason: 'Evicted' } }, 'Failed Evicted', 'app running ready started'],
  });
});

describe('podStatus() tells of the end', () => {
  const failure = { reason: 'DeadlineExceeded', message: 'late' };
  check({
    'not before all containers have ended': [{ containers: [{}], previous: { phase: 'Running' }, input: { failure, isEnding: true } }, 'Running', 'app running ready started'],
    'with its reason': [{ containers: [failed], previous: { phase: 'Running' }, input: { failure, isEnding: true } }, 'Failed DeadlineExceeded', 'app Error 1'],
    'that what nobody saw ending has failed': [{ input: { isFinished: true, isEnding: true } }, 'Failed', 'app ContainerStatusUnknown 137'],
    'but not of main containers that were never due': [
      { spec: init, containers: [{ name: 'one', ...failed }], input: { isFinished: true, isEnding: true } },
      'Failed', 'one Error 1', 'app waiting PodInitializing',
    ],
  });
});

/** `Ready=False ContainersNotReady: message`. */
function conditions(given: Case): string[] {
  return (statusOf(given).conditions ?? []).map(({ type, status, reason, message }) => `${type}=${status}${reason ? ` ${reason}` : ''}${message ? `: ${message}` : ''}`);
}

describe('podStatus() says of conditions', () => {
  const probed = { containers: [{ name: 'app', readinessProbe: {} }] };
  const rows: Record<string, [Case, string[]]> = {
    'before the sandbox': [
      { spec: init, sandboxes: [] },
      [
        'PodReadyToStartContainers=False',
        'Initialized=False ContainersNotInitialized: containers with incomplete status: [one]',
        'Ready=False ContainersNotReady: containers with unready status: [app]',
        'ContainersReady=False ContainersNotReady: containers with unready status: [app]',
        'PodScheduled=True',
      ],
    ],
    'all is well': [{ containers: [{}] }, ['PodReadyToStartContainers=True', 'Initialized=True', 'Ready=True', 'ContainersReady=True', 'PodScheduled=True']],
    'success': [
      { spec: never, containers: [{ state: 'exited' }], sandboxes: [sandbox({ state: 'notready' })] },
      ['PodReadyToStartContainers=False', 'Initialized=True PodCompleted', 'Ready=False PodCompleted', 'ContainersReady=False PodCompleted', 'PodScheduled=True'],
    ],
    'failure': [
      { spec: never, containers: [failed] },
      ['PodReadyToStartContainers=True', 'Initialized=True', 'Ready=False PodFailed', 'ContainersReady=False PodFailed', 'PodScheduled=True'],
    ],
    'a readiness gate that nobody has opened': [
      { spec: { readinessGates: [{ conditionType: 'example.com/gate' }] }, containers: [{}] },
      ['PodReadyToStartContainers=True', 'Initialized=True', 'Ready=False ReadinessGatesNotReady: corresponding condition of pod readiness gate "example.com/gate" does not exist.', 'ContainersReady=True', 'PodScheduled=True'],
    ],
    'a readiness gate that somebody has opened, whose condition is kept': [
      { spec: { readinessGates: [{ conditionType: 'example.com/gate' }] }, containers: [{}], status: { conditions: [{ type: 'example.com/gate', status: 'True' }] } },
      ['example.com/gate=True', 'PodReadyToStartContainers=True', 'Initialized=True', 'Ready=True', 'ContainersReady=True', 'PodScheduled=True'],
    ],
    'a container that is not probed yet': [
      { spec: probed, containers: [{}] },
      ['PodReadyToStartContainers=True', 'Initialized=True', 'Ready=False ContainersNotReady: containers with unready status: [app]', 'ContainersReady=False ContainersNotReady: containers with unready status: [app]', 'PodScheduled=True'],
    ],
  };
  test.each(Object.entries(rows))('%s', (_, [given, expected]) => expect(conditions(given)).toEqual(expected));

  test('the time of the last change is kept while nothing changes', () => {
    const before = '2026-01-01T11:00:00Z';
    const previous = { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: before }, { type: 'ContainersReady', status: 'False', lastTransitionTime: before }] };
    const times = new Map((statusOf({ containers: [{}], previous }).conditions ?? []).map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
    expect([times.get('Ready'), times.get('ContainersReady')]).toEqual([before, TIME]);
  });
});

describe('podStatus() follows probes', () => {
  const spec = { containers: [{ name: 'app', readinessProbe: {}, startupProbe: {} }] };
  const probes = (results: Record<string, 'success' | 'failure'>) => ({ probes: new Map(Object.entries(results)) });
  const before = { phase: 'Running', containerStatuses: [{ name: 'app', ready: true, started: true, containerID: 'containerd://app-0' }] };
  check({
    'not started before the startup probe': [{ spec, containers: [{}], input: probes({ 'app-0/readiness': 'success' }) }, 'Running', 'app running'],
    'started': [{ spec, containers: [{}], input: probes({ 'app-0/startup': 'success' }) }, 'Running', 'app running started'],
    'ready': [{ spec, containers: [{}], input: probes({ 'app-0/startup': 'success', 'app-0/readiness': 'success' }) }, 'Running', 'app running ready started'],
    'ready no more': [{ spec, containers: [{}], previous: before, input: probes({ 'app-0/startup': 'success', 'app-0/readiness': 'failure' }) }, 'Running', 'app running started'],
    'ready as before our own restart': [{ spec, containers: [{}], previous: before, input: probes({ 'app-0/startup': 'success' }) }, 'Running', 'app running ready started'],
    'another container has to be probed first': [{ spec, containers: [failed, { attempt: 1 }], previous: before, input: probes({ 'app-1/startup': 'success' }) }, 'Running', 'app running started <- Error 1 x1'],
  });
});

test('podStatus() names addresses, class, start and generation', () => {
  const status = statusOf({ containers: [{}], sandboxes: [sandbox({ ips: ['10.244.0.5', 'fd00::5'] })], metadata: { generation: 4 } });
  expect(status).toMatchObject({
    observedGeneration: 4,
    hostIP: '192.0.2.1',
    hostIPs: [{ ip: '192.0.2.1' }],
    podIP: '10.244.0.5',
    podIPs: [{ ip: '10.244.0.5' }, { ip: 'fd00::5' }],
    qosClass: 'BestEffort',
    startTime: TIME,
  });
  expect(statusOf({ spec: { hostNetwork: true }, containers: [{}], sandboxes: [sandbox({ ips: [] })] }).podIP).toBe('192.0.2.1');
  expect(NOW).toBe(Date.parse(TIME));
});
