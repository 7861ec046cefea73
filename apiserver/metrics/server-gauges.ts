/** What a server is and holds now: looked up when `/metrics` is asked. */
import type { Meter } from '../../std/meter.ts';
import type { ResourceCache } from '../cache/cache.ts';
import type { InFlight } from '../flow/flow-control.ts';
import { VERSION } from '../version.ts';
import type { Registry } from '../registry/registry.ts';

interface Parts {
  readonly inFlight: () => InFlight;
  readonly inQueue: () => InFlight;
  readonly registry: Registry;
}

export function serverGauges(meter: Meter, { inFlight, inQueue, registry }: Parts): void {
  const running = meter.gauge({
    name: 'apiserver_current_inflight_requests', help: 'Requests that are worked on now.', labels: ['request_kind'],
    collect() {
      running.of('readOnly').set(inFlight().reading);
      running.of('mutating').set(inFlight().writing);
    },
  });
  const waiting = meter.gauge({
    name: 'apiserver_current_inqueue_requests', help: 'Requests that wait now.', labels: ['request_kind'],
    collect() {
      waiting.of('readOnly').set(inQueue().reading);
      waiting.of('mutating').set(inQueue().writing);
    },
  });
  /** Of each resource whose cache has been opened. */
  const perResource = (name: string, help: string, value: (cache: ResourceCache) => number, ofOne = false): void => {
    const family = meter.gauge({
      name, help, labels: ofOne ? ['resource'] : ['group', 'resource'],
      collect() {
        family.clear();
        for (const { group, plural } of registry.kinds) {
          const cache = registry.hub(group, plural)?.cache;
          if (!cache || cache.revision === 0) continue;
          (ofOne ? family.of(group === '' ? plural : `${plural}.${group}`) : family.of(group, plural)).set(value(cache));
        }
      },
    });
  };
  perResource('apiserver_resource_objects', 'Objects in the watch caches.', ({ size }) => size);
  perResource('apiserver_resource_size_estimate_bytes', 'Bytes of the objects in the watch caches.', ({ sizeBytes }) => sizeBytes);
  perResource('apiserver_storage_objects', 'Objects in the watch caches, by resource.', ({ size }) => size, true);
  perResource('apiserver_watch_cache_resource_version', 'The version that a watch cache has reached.', ({ revision }) => revision);
  const build = meter.gauge({
    name: 'kubernetes_build_info', help: 'What was built.',
    labels: ['major', 'minor', 'git_version', 'git_commit', 'git_tree_state', 'build_date', 'go_version', 'compiler', 'platform'],
  });
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = VERSION;
  build.of(major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform).set(1);
}
