/**
 * TLS to etcd members that are named by their addresses. grpc-js sends the endpoint's host as the server's name, which Node
 * refuses for addresses; so a name is sent that stands for all, and the certificate is checked against the real hosts.
 */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { credentials } from '@grpc/grpc-js';

/** Nobody checks it: it only has to be a name. */
const SENT_NAME = 'etcd.invalid';

/** Whether one of the endpoints needs it. */
export function namesAddresses(endpoints: readonly string[]): boolean {
  return endpoints.some((url) => url.startsWith('https:') && isIP(hostOf(url)) !== 0);
}

export const ADDRESS_OPTIONS = { 'grpc.ssl_target_name_override': SENT_NAME };

/** Runs something that makes TLS credentials by grpc-js, with this check in place of grpc-js' own. */
export function withRealHosts<T>(endpoints: readonly string[], run: () => T): T {
  const hosts = endpoints.map(hostOf);
  const verifyOptions = {
    checkServerIdentity: (_name: string, certificate: PeerCertificate): Error | undefined => {
      const errors = hosts.map((host) => checkServerIdentity(host, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
  };
  const { createSsl } = credentials;
  credentials.createSsl = (root, key, chain) => createSsl(root, key, chain, verifyOptions);
  try {
    return run();
  } finally {
    credentials.createSsl = createSsl;
  }
}

function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '');
}
