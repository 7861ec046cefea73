/** Where a node's kubelet answers, and how to be sure that it is the one. */
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import { nodes } from '../../api/resources.ts';
import { ApiError, notFound } from '../../api/status.ts';
import type { Node } from '../../api/types/core.v1.ts';
import { checkServerIdentity } from '../../std/secure-http.ts';
import type { Stored } from '../auth/reader.ts';
import type { Core } from '../core.ts';
import type { Pki } from '../pki/pki.ts';

export interface KubeletAddress {
  readonly node: string;
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 10250;
/** Which of a node's addresses is taken, the first that it has. */
const PREFERENCE = ['InternalIP', 'ExternalIP', 'InternalDNS', 'ExternalDNS', 'Hostname'];

/** `asked`: what the request is about; upstream tells a missing node in its words. Throws 404 and 500. */
export function kubeletAddress({ reader }: Core, name: string, asked: 'nodes' | 'pods' = 'nodes'): KubeletAddress {
  const node: Stored<Node> | undefined = reader.get(nodes, '', name);
  if (!node) throw notFound({ group: '', resource: asked, name });
  const addresses = node.status?.addresses ?? [];
  const found = PREFERENCE.map((type) => addresses.find((address) => address.type === type)?.address).find((address) => address);
  if (!found) throw new ApiError({ code: 500, message: `no preferred addresses found; known addresses: ${JSON.stringify(addresses)}` });
  return { node: name, host: found, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || DEFAULT_PORT };
}

/** The kubelet's certificate is of the cluster's CA, and names the node or its address. */
export function kubeletTls({ node, host }: KubeletAddress, pki: Pki): ConnectionOptions {
  return {
    ca: pki.caPem, cert: pki.kubeletClient.certPem, key: pki.kubeletClient.keyPem,
    checkServerIdentity(_asked: string, certificate: PeerCertificate) {
      return checkServerIdentity(node, certificate) && checkServerIdentity(host, certificate);
    },
  };
}
