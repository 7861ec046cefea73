/** The /etc/hosts that the kubelet writes for the containers of a pod. */
import type { PodObject } from './pod.ts';

export interface HostsInput {
  readonly pod: PodObject;
  readonly ips: readonly string[];
  readonly hostname: string;
  readonly clusterDomain: string;
  /** The node's own file, for pods in the host's network. */
  readonly hostFile?: string;
}

const HEADER = '# Kubernetes-managed hosts file';
const LOCAL = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'fe00::0\tip6-localnet', 'fe00::0\tip6-mcastprefix', 'fe00::1\tip6-allnodes', 'fe00::2\tip6-allrouters'];

export function hostsFile({ pod, ips, hostname, clusterDomain, hostFile }: HostsInput): string {
  const { subdomain, hostAliases = [] } = pod.spec;
  const domain = subdomain ? `${hostname}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}\t` : '';
  const own = hostFile === undefined ? [`${HEADER}.`, ...LOCAL, ...ips.map((ip) => `${ip}\t${domain}${hostname}`)] : [`${HEADER} (host network).`, hostFile.trimEnd()];
  const aliases = hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`);
  return [...own, ...(aliases.length > 0 ? ['', '# Entries added by HostAliases.', ...aliases] : []), ''].join('\n');
}

const HOSTNAME_LIMIT = 63;

/** As the kernel takes it: at most 63 characters, not ending in a separator. */
export function podHostname(pod: PodObject, clusterDomain: string): string {
  const { hostname, subdomain, setHostnameAsFQDN, hostnameOverride } = pod.spec;
  if (hostnameOverride) return hostnameOverride;
  const short = (hostname ?? pod.metadata.name).slice(0, HOSTNAME_LIMIT).replace(/[-.]+$/, '');
  return setHostnameAsFQDN && subdomain ? `${short}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : short;
}
