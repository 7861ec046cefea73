/** Runs plugins over a request as the server's verbs do; for tests of plugins without a server. */
import type { ApiObject, Kind } from '../../api/kind.ts';
import { VirtualClock } from '../../std/clock.ts';
import { seededRandom } from '../../std/random.ts';
import { createAuthorizer } from '../auth/authorizer.ts';
import type { FakeReader } from '../auth/fake-reader.ts';
import type { AdmissionPlugin, AdmissionRequest, MutationPass } from './admission.ts';
import { builtinPlugins } from './order.ts';

export function pluginsOver(store: FakeReader): AdmissionPlugin[] {
  return builtinPlugins({ reader: store, writer: store, clock: new VirtualClock(), random: seededRandom(1), authorizer: createAuthorizer(store) });
}

/** A request for `pods`, `apps/deployments` or `pods/status`; a create unless there is an old object. */
export function requestFor(what: string, object: object | undefined, more: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const parts = what.split('/');
  const group = parts.length > 1 && (parts[0]?.includes('.') || parts[0] === 'apps') ? (parts.shift() ?? '') : '';
  const [plural = '', subresource = ''] = parts;
  const copy = object && (structuredClone(object) as ApiObject);
  const about = copy ?? more.old;
  const operation = more.operation ?? (more.old ? (object ? 'UPDATE' : 'DELETE') : 'CREATE');
  return {
    operation,
    kind: { group, plural } as Kind,
    version: 'v1',
    subresource,
    namespace: CLUSTER_SCOPED.has(plural) ? '' : 'd',
    name: about?.metadata?.name ?? '',
    object: copy,
    old: undefined,
    options: {},
    user: { name: 'admin', groups: ['system:masters'] },
    dryRun: false,
    now: Date.UTC(2026, 0, 1),
    warnings: [],
    ...more,
  };
}

const CLUSTER_SCOPED = new Set(['nodes', 'namespaces', 'persistentvolumes', 'priorityclasses', 'certificatesigningrequests', 'clusterroles', 'clusterrolebindings', 'csinodes', 'resourceslices']);

/** The object as it would be stored. Throws what refuses it. */
export async function admit(plugins: readonly AdmissionPlugin[], request: AdmissionRequest): Promise<ApiObject | undefined> {
  const pass: MutationPass = { round: 0, again: false, memory: new Map() };
  for (const plugin of plugins) if (plugin.handles(request)) await plugin.mutate?.(request, pass);
  for (const plugin of plugins) if (plugin.handles(request)) await plugin.validate?.(request);
  return request.object;
}
