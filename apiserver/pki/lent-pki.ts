/** The certificates of another thread, as it sends them: for servers that show them and issue none. */
import type { Pki } from './pki.ts';

/** What is sent; anew whenever certificates have been renewed. */
export type PkiMaterial = Pick<Pki, 'ca' | 'caPem' | 'serving' | 'kubeletClient' | 'frontProxyCaPem' | 'frontProxyClient' | 'serviceAccountKey'>;

/** The authority's key stays where it is. */
export function materialOf({ ca, caPem, serving, kubeletClient, frontProxyCaPem, frontProxyClient, serviceAccountKey }: Pki): PkiMaterial {
  return { ca: { certPem: ca.certPem, keyPem: '' }, caPem, serving, kubeletClient, frontProxyCaPem, frontProxyClient, serviceAccountKey };
}

export interface LentPki extends Pki {
  replace(material: PkiMaterial): void;
}

export function lentPki(first: PkiMaterial): LentPki {
  let material = first;
  const listeners = new Set<() => void>();
  const refuse = (): Promise<never> => Promise.reject(new Error('this thread issues no certificates'));
  return {
    get ca() { return material.ca; },
    get caPem() { return material.caPem; },
    get serving() { return material.serving; },
    get kubeletClient() { return material.kubeletClient; },
    get frontProxyCaPem() { return material.frontProxyCaPem; },
    get frontProxyClient() { return material.frontProxyClient; },
    get serviceAccountKey() { return material.serviceAccountKey; },
    clientCertificate: refuse,
    servingCertificate: refuse,
    renew: () => Promise.resolve(false),
    onRenewed(listener) {
      listeners.add(listener);
      return { close: () => void listeners.delete(listener) };
    },
    close: () => undefined,
    replace(next) {
      material = next;
      for (const listener of listeners) listener();
    },
  };
}
