import { NOW, type Run, podOf, runtimeOf, sandbox } from './fixtures.ts';
import { plan } from './plan.ts';
import type { Action, Situation } from './situation.ts';
import type { Sandbox } from './runtime/model.ts';

/** An action in short: `start app`, `kill app-0 30s: why`, `sandbox 1`. */
function short(action: Action): string {
  switch (action.do) {
    case 'start':
      return `start ${action.name}`;
    case 'kill':
      return `kill ${action.containerId} ${action.graceSeconds}s: ${action.message}`;
    case 'wait':
      return `wait ${action.name} ${(action.untilMs - NOW) / 1000}s: ${action.message}`;
    case 'createSandbox':
      return `sandbox ${action.attempt}`;
    case 'stopSandbox':
      return `stop ${action.sandboxId}`;
    case 'removeSandbox':
      return `remove ${action.sandboxId}`;
    case 'remove':
      return `remove ${action.containerId}`;
    default:
      return action.do;
  }
}

interface Case {
  readonly spec?: object;
  readonly containers?: readonly Run[];
  readonly sandboxes?: readonly Sandbox[];
  readonly situation?: Partial<Situation>;
}

function check(rows: Record<string, [Case, ...string[]]>): void {
  test.each(Object.entries(rows))('%s', (_, [{ spec = {}, containers = [], sandboxes, situation = {} }, ...expected]) => {
    const actions = plan({ pod: podOf(spec), runtime: runtimeOf(containers, sandboxes), now: NOW, probes: new Map(), backoffs: new Map(), stopping: new Map(), ...situation });
    expect(actions.map(short)).toEqual(expected);
  });
}

const two = { containers: [{ name: 'app', image: 'app:1' }, { name: 'log', image: 'log:1' }] };
const init = { initContainers: [{ name: 'one', image: 'one:1' }, { name: 'two', image: 'two:1' }] };
const sidecar = { initContainers: [{ name: 'side', image: 'side:1', restartPolicy: 'Always' }, { name: 'two', image: 'two:1' }] };
const never = { restartPolicy: 'Never' };
const onFailure = { restartPolicy: 'OnFailure' };

describe('plan() makes what is missing', () => {
  check({
    'a new pod': [{ sandboxes: [] }, 'sandbox 0', 'start app'],
    'a new pod with init containers': [{ spec: init, sandboxes: [] }, 'sandbox 0', 'start one'],
    'a pod with a sandbox': [{ spec: two }, 'start app', 'start log'],
    'a pod with one of two': [{ spec: two, containers: [{}] }, 'start log'],
    'nothing is missing': [{ containers: [{}] }],
    'a container that was only created': [{ containers: [{ state: 'created' }] }, 'start app'],
    'a container in unknown state': [{ containers: [{ state: 'unknown' }] }, 'kill app-0 30s: Container is in "unknown" state, try killing it before restart', 'start app'],
    'an ephemeral container, even before initialization is over': [{ spec: { ...init, ephemeralContainers: [{ name: 'debug' }] }, containers: [{ name: 'one' }] }, 'start debug'],
    'an ephemeral container is never restarted': [{ spec: { ephemeralContainers: [{ name: 'debug' }] }, containers: [{}, { name: 'debug', state: 'exited', code: 1 }] }],
  });
});

describe('plan() replaces sandboxes', () => {
  const dead = sandbox({ state: 'notready' });
  check({
    'one that is dead': [{ containers: [{ state: 'exited', code: 137 }], sandboxes: [dead] }, 'sandbox 1', 'start app'],
    'one that is dead, with a container that still runs': [{ containers: [{}], sandboxes: [dead] }, 'stop s0', 'sandbox 1', 'start app'],
    'one without address': [{ sandboxes: [sandbox({ ips: [] })] }, 'stop s0', 'sandbox 1', 'start app'],
    'not one without address in the network of the host': [{ spec: { hostNetwork: true }, sandboxes: [sandbox({ ips: [] })] }, 'start app'],
    'two that are ready': [{ sandboxes: [sandbox(), sandbox({ id: 's1', attempt: 1 })] }, 'stop s1', 'stop s0', 'sandbox 2', 'start app'],
    'and initializes anew': [
      { spec: init, containers: [{ name: 'one', state: 'exited' }, { name: 'two', state: 'exited' }, { state: 'exited', code: 1 }], sandboxes: [dead] },
      'remove two-0', 'remove one-0', 'sandbox 1', 'start one',
    ],
    'not for a pod that runs once': [{ spec: never, containers: [{ state: 'exited', code: 1 }], sandboxes: [dead] }, 'end'],
    'not for containers that have succeeded': [{ spec: { ...two, ...onFailure }, containers: [{ state: 'exited' }, { name: 'log', state: 'exited', code: 1 }], sandboxes: [dead] }, 'sandbox 1', 'start log'],
    'not when all have succeeded': [{ spec: onFailure, containers: [{ state: 'exited' }], sandboxes: [dead] }, 'end'],
    'but for a pod that runs once and never got a container': [{ spec: never, sandboxes: [dead] }, 'sandbox 1', 'start app'],
    'the old one goes with the last of its containers': [{ containers: [{ sandbox: 's1' }], sandboxes: [dead, sandbox({ id: 's1', attempt: 1 })] }, 'remove s0'],
    'the old one stays as long as its container is kept': [{ containers: [{ state: 'exited' }, { sandbox: 's1', attempt: 1 }], sandboxes: [dead, sandbox({ id: 's1', attempt: 1 })] }],
  });
});

describe('plan() restarts what has ended', () => {
  const failed = { state: 'exited', code: 1 } as const;
  const rule = (action: string, operator = 'In'): object => ({ ...never, containers: [{ name: 'app', image: 'app:1', restartPolicy: 'Never', restartPolicyRules: [{ action, exitCodes: { operator, values: [42] } }] }] });
  check({
    'Always, after success': [{ containers: [{ state: 'exited' }] }, 'start app'],
    'OnFailure, after failure': [{ spec: onFailure, containers: [failed] }, 'start app'],
    'OnFailure, not after success': [{ spec: onFailure, containers: [{ state: 'exited' }] }, 'end'],
    'Never': [{ spec: never, containers: [failed] }, 'end'],
    'Never, but another still runs': [{ spec: { ...two, ...never }, containers: [failed, { name: 'log' }] }],
    "the container's own policy wins": [{ spec: { ...never, containers: [{ name: 'app', image: 'app:1', restartPolicy: 'OnFailure' }] }, containers: [failed] }, 'start app'],
    'a rule wins over the policy': [{ spec: rule('Restart'), containers: [{ state: 'exited', code: 42 }] }, 'start app'],
    'a rule for other codes': [{ spec: rule('Restart', 'NotIn'), containers: [failed] }, 'start app'],
    'a rule that does not match': [{ spec: rule('Restart'), containers: [failed] }, 'end'],
    'keeps one dead container besides the present one': [
      { containers: [{ ...failed, attempt: 0 }, { ...failed, attempt: 1 }, { attempt: 2 }] },
      'remove app-0',
    ],
  });
});

describe('plan() backs off', () => {
  const containers: Run[] = [{ state: 'exited', code: 1, ended: 4 }];
  const backoffs = (delayMs: number, ago: number) => ({ backoffs: new Map([['app', { delayMs, updatedAt: NOW - ago * 1000 }]]) });
  check({
    'not after the first failure': [{ containers }, 'start app'],
    'counted from the end of the container': [
      { containers, situation: backoffs(10_000, 20) },
      'wait app 6s: back-off 10s restarting failed container=app pod=web_default(u1)',
    ],
    'until it is over': [{ containers: [{ state: 'exited', code: 1, ended: 10 }], situation: backoffs(10_000, 20) }, 'start app'],
    'minutes, as Go prints them': [{ containers, situation: backoffs(160_000, 200) }, 'wait app 156s: back-off 2m40s restarting failed container=app pod=web_default(u1)'],
    'no more after a long good run': [{ containers, situation: backoffs(300_000, 605) }, 'start app'],
    'others are started meanwhile': [{ spec: two, containers, situation: backoffs(10_000, 20) }, 'wait app 6s: back-off 10s restarting failed container=app pod=web_default(u1)', 'start log'],
  });
});

describe('plan() initializes in order', () => {
  const done = { state: 'exited' } as const;
  const started = (...ids: string[]) => ({ probes: new Map(ids.map((id) => [`${id}/startup`, 'success' as const])) });
  const probed = { initContainers: [{ name: 'side', image: 'side:1', restartPolicy: 'Always', startupProbe: {} }, { name: 'two', image: 'two:1' }] };
  check({
    'the second after the first': [{ spec: init, containers: [{ name: 'one', ...done }] }, 'start two'],
    'main containers after the last': [{ spec: init, containers: [{ name: 'one', ...done }, { name: 'two', ...done }] }, 'start app'],
    'nothing while one runs': [{ spec: init, containers: [{ name: 'one' }] }],
    'again after failure': [{ spec: init, containers: [{ name: 'one', state: 'exited', code: 1 }] }, 'start one'],
    'failure is final in a pod that runs once': [{ spec: { ...init, ...never }, containers: [{ name: 'one', state: 'exited', code: 1 }] }, 'end'],
    'not again once main containers run, though init containers were removed': [{ spec: init, containers: [{}] }],
    'what follows a sidecar that has started': [{ spec: sidecar, containers: [{ name: 'side' }] }, 'start two'],
    'nothing before the startup probe of a sidecar': [{ spec: probed, containers: [{ name: 'side' }] }],
    'after the startup probe of a sidecar': [{ spec: probed, containers: [{ name: 'side' }], situation: started('side-0') }, 'start two'],
    'a sidecar that ended is started beside main containers': [{ spec: sidecar, containers: [{ name: 'side', ...done }, { name: 'two', ...done }, {}] }, 'start side'],
    'a sidecar that failed its liveness probe': [
      {
        spec: { initContainers: [{ name: 'side', image: 'side:1', restartPolicy: 'Always', livenessProbe: { terminationGracePeriodSeconds: 3 } }] },
        containers: [{ name: 'side' }, {}],
        situation: { probes: new Map([['side-0/liveness', 'failure']]) },
      },
      'kill side-0 3s: Init container side failed liveness probe', 'start side',
    ],
    'sidecars do not keep a pod alive whose work is done': [{ spec: { ...sidecar, ...never }, containers: [{ name: 'side' }, { name: 'two', ...done }, { ...done }] }, 'end'],
  });
});

describe('plan() ends what fails', () => {
  const liveness = { probes: new Map([['app-0/liveness', 'failure' as const]]) };
  const startup = { probes: new Map([['app-0/startup', 'failure' as const]]) };
  check({
    'its liveness probe': [{ containers: [{}], situation: liveness }, 'kill app-0 30s: Container app failed liveness probe, will be restarted', 'start app'],
    'its startup probe': [{ containers: [{}], situation: startup }, 'kill app-0 30s: Container app failed startup probe, will be restarted', 'start app'],
    'its liveness probe, in a pod that runs once': [{ spec: never, containers: [{}], situation: liveness }, 'kill app-0 30s: Container app failed liveness probe'],
    'a container whose image has changed': [
      { spec: { ...never, containers: [{ name: 'app', image: 'app:2' }] }, containers: [{}] },
      'kill app-0 30s: Container app definition changed, will be restarted', 'start app',
    ],
    'not for its readiness probe': [{ containers: [{}], situation: { probes: new Map([['app-0/readiness', 'failure']]) } }],
  });
});

describe('plan() terminates', () => {
  const termination = (graceSeconds: number, ago = 0) => ({ termination: { reason: 'deleted' as const, graceSeconds, startedAt: NOW - ago * 1000 } });
  const running: Run[] = [{ name: 'side' }, { name: 'last' }, {}];
  const spec = { initContainers: [{ name: 'side', restartPolicy: 'Always' }, { name: 'last', restartPolicy: 'Always' }] };
  check({
    'main containers first': [{ spec, containers: running, situation: termination(30) }, 'kill app-0 30s: Stopping container app'],
    'then sidecars from the last, with what is left of the grace': [
      { spec, containers: [{ name: 'side' }, { name: 'last' }, { state: 'exited' }], situation: termination(30, 12) },
      'kill last-0 18s: Stopping container last',
    ],
    'with two seconds at least': [{ containers: [{}], situation: termination(0) }, 'kill app-0 2s: Stopping container app'],
    'without saying it twice': [{ containers: [{}], situation: { ...termination(30), stopping: new Map([['app-0', 30]]) } }],
    'faster when the grace is cut': [{ containers: [{}], situation: { ...termination(5), stopping: new Map([['app-0', 30]]) } }, 'kill app-0 5s: Stopping container app'],
    'the sandbox after the last container': [{ containers: [{ state: 'exited' }], situation: termination(30) }, 'stop s0'],
    'until nothing is left': [{ containers: [{ state: 'exited' }], sandboxes: [sandbox({ state: 'notready' })], situation: termination(30) }, 'finish'],
    'a pod of which nothing was ever made': [{ sandboxes: [], situation: termination(30) }, 'finish'],
  });
});
