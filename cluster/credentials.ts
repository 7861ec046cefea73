/** Certificates for clusters in tests: made once for all of a process, on the real clock, since making keys takes longer than a cluster. */
import { kubeconfig } from '../apiserver/pki/kubeconfig.ts';
import { openPki, type Pki } from '../apiserver/pki/pki.ts';
import { systemClock } from '../std/clock.ts';
import { systemRandom } from '../std/random.ts';

let pki: Promise<Pki> | undefined;

export function sharedPki(): Promise<Pki> {
  return (pki ??= openPki({ directory: undefined, clock: systemClock, random: systemRandom, addresses: ['127.0.0.1'], tokenKey: 'ec' }).then((made) => {
    // Nothing is renewed: a process of tests does not last for months.
    made.close();
    return made;
  }));
}

export async function kubeconfigText(server: string, user: string, groups: readonly string[]): Promise<string> {
  const made = await sharedPki();
  const { certPem, keyPem } = await made.clientCertificate({ commonName: user, organizations: groups });
  return kubeconfig({ server, caPem: made.caPem, certPem, keyPem, user });
}
