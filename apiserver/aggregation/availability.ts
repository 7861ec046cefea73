/** Whether an aggregated API can be used: its Service, its endpoints, and its own answer, in the order and the words of upstream. Provenance: kube-aggregator/pkg/controllers/status/remote of v0.36. */
import { services } from '../../api/resources.ts';
import type { Clock } from '../../std/clock.ts';
import { networkProblem } from '../../std/network-problem.ts';
import type { Reader } from '../auth/reader.ts';
import { fetchFrom } from './fetch.ts';
import type { Remote } from './remote.ts';
import { addresses, slicesOf, type Endpoint } from './service-address.ts';

export interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Tried side by side: one answer is enough. */
const ATTEMPTS = 5;

export async function checkAvailability(remote: Remote, reader: Reader, clock: Clock): Promise<Verdict> {
  return checkService(remote, reader) ?? (await checkDiscovery(remote, clock));
}

function checkService({ service: { namespace, name, port } }: Remote, reader: Reader): Verdict | undefined {
  const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message });
  const where = `service/${name} in ${JSON.stringify(namespace)}`;
  const service = reader.get(services, namespace, name);
  if (!service) return no('ServiceNotFound', `${where} is not present`);
  if ((service.spec?.type ?? 'ClusterIP') !== 'ClusterIP') return undefined;
  const found = service.spec?.ports?.find((one) => one.port === port);
  if (!found) return no('ServicePortError', `${where} is not listening on port ${port}`);
  const slices = slicesOf(reader, namespace, name);
  if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for ${where}`);
  const portName = found.name ?? '';
  if (addresses(slices, portName).length === 0) return no('MissingEndpoints', `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`);
  return undefined;
}

async function checkDiscovery(remote: Remote, clock: Clock): Promise<Verdict> {
  try {
    await Promise.any(Array.from({ length: ATTEMPTS }, () => attempt(remote, clock)));
    return { status: 'True', reason: 'Passed', message: 'all checks passed' };
  } catch (error) {
    const last = (error as AggregateError).errors.at(-1) as Error;
    return { status: 'False', reason: 'FailedDiscoveryCheck', message: last.message };
  }
}

async function attempt(remote: Remote, clock: Clock): Promise<void> {
  const endpoint: Endpoint = remote.endpoint();
  const path = `/apis/${remote.group}/${remote.version}`;
  const url = `https://${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}${path}`;
  const failed = (why: string): Error => new Error(`failing or missing response from ${url}: ${why}`);
  const answer = await fetchFrom(remote, clock, { path }, endpoint).catch((error: unknown) => {
    throw failed(`Get ${JSON.stringify(url)}: ${networkProblem(error, clock.now())}`);
  });
  if (answer.code < 200 || answer.code >= 300) throw failed(`bad status from ${url}: ${answer.code}`);
}
