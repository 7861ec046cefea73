/** What a pod's resolv.conf says, by its DNS policy. */
import { type PodObject, isHostNetwork } from './pod.ts';

export interface Dns {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface ClusterDns {
  readonly servers: readonly string[];
  readonly domain: string;
  /** What the node itself uses. */
  readonly host: Dns;
}

/** The resolver's own limits. */
const SERVER_LIMIT = 3;
const SEARCH_LIMIT = 32;

export function podDns(pod: PodObject, cluster: ClusterDns): Dns {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst';
  const first = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !isHostNetwork(pod));
  const { namespace } = pod.metadata;
  const { domain, host } = cluster;
  const base: Dns =
    policy === 'None'
      ? { servers: [], searches: [], options: [] }
      : first && cluster.servers.length > 0
        ? { servers: cluster.servers, searches: [...(domain ? [`${namespace}.svc.${domain}`, `svc.${domain}`, domain] : []), ...host.searches], options: ['ndots:5'] }
        : host;
  const own = pod.spec.dnsConfig;
  const options = new Map(base.options.map((option) => [option.split(':')[0] as string, option]));
  for (const { name = '', value } of own?.options ?? []) options.set(name, value ? `${name}:${value}` : name);
  return {
    servers: [...new Set([...base.servers, ...(own?.nameservers ?? [])])].slice(0, SERVER_LIMIT),
    searches: [...new Set([...base.searches, ...(own?.searches ?? [])])].slice(0, SEARCH_LIMIT),
    options: [...options.values()],
  };
}

export function parseResolvConf(text: string): Dns {
  const servers: string[] = [];
  let searches: readonly string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.replace(/[#;].*$/, '').trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0]) servers.push(values[0]);
    if (keyword === 'search') searches = values.filter((value) => value !== '.');
    if (keyword === 'options') options = [...options, ...values];
  }
  return { servers, searches, options };
}
