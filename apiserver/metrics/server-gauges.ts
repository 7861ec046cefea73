/** What a server is and holds now: looked up when `/metrics` is asked. */
import type { Meter } from '../../std/meter.ts';
import type { FlowControl } from '../flow/flow-control.ts';
import { VERSION } from '../paths/version.ts';
import type { Registry } from '../registry.ts';

interface Parts {
  readonly flow: FlowControl;
  readonly registry: Registry;
}

export function serverGauges(meter: Meter, { flow, registry }: Parts): void {
  const inFlight = meter.gauge({
    name: 'apiserver_current_inflight_requests', help: 'Requests that are worked on now.', labels: ['request_kind'],
    collect() {
      inFlight.of('readOnly').set(flow.inFlight().reading);
      inFlight.of('mutating').set(flow.inFlight().writing);
    },
  });
  const inQueue = meter.gauge({
    name: 'apiserver_current_inqueue_requests', help: 'Requests that wait now.', labels: ['request_kind'],
    collect() {
      inQueue.of('readOnly').set(flow.inQueue().reading);
      inQueue.of('mutating').set(flow.inQueue().writing);
    },
  });
  const size = meter.gauge({ name: 'apiserver_resource_size_estimate_bytes', help: 'Bytes of the objects in the watch caches.', labels: ['group', 'resource'] });
  const count = meter.gauge({ name: 'apiserver_resource_objects', help: 'Objects in the watch caches.', labels: ['group', 'resource'] });
  const objects = meter.gauge({
    name: 'apiserver_storage_objects', help: 'Objects in the watch caches, by resource.', labels: ['resource'],
    collect() {
      objects.clear();
      for (const { group, plural } of registry.kinds) {
        const cache = registry.hub(group, plural)?.cache;
        if (!cache || cache.revision === 0) continue;
        objects.of(group === '' ? plural : `${plural}.${group}`).set(cache.size);
        count.of(group, plural).set(cache.size);
        size.of(group, plural).set(cache.sizeBytes);
      }
    },
  });
  const build = meter.gauge({
    name: 'kubernetes_build_info', help: 'What was built.',
    labels: ['major', 'minor', 'git_version', 'git_commit', 'git_tree_state', 'build_date', 'go_version', 'compiler', 'platform'],
  });
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = VERSION;
  build.of(major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform).set(1);
}
