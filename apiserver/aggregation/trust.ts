/**
 * The ConfigMap by which aggregated API servers learn whom to believe: the authority of client certificates, and that of whoever
 * comes in the name of a user. Provenance: controlplane/controller/clusterauthenticationtrust of v1.36: what others have put in stays.
 */
import { configmaps } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { ConfigMap } from '../../api/types/core.v1.ts';
import { deepCopy, deepEqual } from '../../std/deep.ts';
import type { Reader, Writer } from '../auth/reader.ts';

export interface Trust {
  readonly clientCaPem: string;
  readonly requestHeader: RequestHeaderTrust;
}

export interface RequestHeaderTrust {
  readonly caPem: string;
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

const NAMESPACE = 'kube-system';
const NAME = 'extension-apiserver-authentication';
const ATTEMPTS = 5;

/** Makes it, or completes it. Safe beside other API servers. */
export async function publishTrust({ reader, writer }: { readonly reader: Reader; readonly writer: Writer }, trust: Trust): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const found = await reader.getFresh(configmaps, NAMESPACE, NAME);
      const data = trustData(trust, found?.data ?? {});
      if (!found) await writer.create(configmaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: NAMESPACE, name: NAME }, data });
      else if (!deepEqual(found.data, data)) await writer.update(configmaps, { ...(deepCopy(found) as ConfigMap), data });
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !(isReason(error, 'AlreadyExists') || isReason(error, 'Conflict'))) throw error;
    }
  }
}

/** What stands there together with what this server needs. */
export function trustData({ clientCaPem, requestHeader }: Trust, present: Readonly<Record<string, string>>): Record<string, string> {
  const list = (key: string, own: readonly string[]): string => JSON.stringify([...new Set([...(parse(present[key])), ...own])]);
  return {
    'client-ca-file': certificates(present['client-ca-file'], clientCaPem),
    'requestheader-allowed-names': list('requestheader-allowed-names', requestHeader.allowedNames),
    'requestheader-client-ca-file': certificates(present['requestheader-client-ca-file'], requestHeader.caPem),
    'requestheader-extra-headers-prefix': list('requestheader-extra-headers-prefix', requestHeader.extraPrefixes),
    'requestheader-group-headers': list('requestheader-group-headers', requestHeader.groupHeaders),
    'requestheader-uid-headers': list('requestheader-uid-headers', requestHeader.uidHeaders),
    'requestheader-username-headers': list('requestheader-username-headers', requestHeader.usernameHeaders),
  };
}

function parse(text: string | undefined): readonly string[] {
  try {
    const value = JSON.parse(text ?? '[]') as unknown;
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

function certificates(present = '', own: string): string {
  const blocks = [...`${present}\n${own}`.matchAll(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)].map(([block]) => block);
  return `${[...new Set(blocks)].join('\n')}\n`;
}
