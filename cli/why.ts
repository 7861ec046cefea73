/** `coracle why`: says in plain words why something is not running, not placed or not reachable, and what would change that. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as resources from '../api/resources.ts';
import type { ResourceRef } from '../api/resources.ts';
import { isReason } from '../api/status.ts';
import type { Client, Stored } from '../client/client.ts';
import { openClient } from '../client/open-client.ts';
import { openHttpDoor } from '../client/http.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { systemClock } from '../std/clock.ts';
import { defaultDataDir } from './data-dir.ts';
import { type Finding, linesOf } from './why/finding.ts';
import { type Picture, takePicture } from './why/picture.ts';
import { whyPod } from './why/pod.ts';
import { whyService } from './why/service.ts';
import { whyDeployment, whyOwner } from './why/workload.ts';

export interface WhyFlags {
  readonly namespace?: string;
  readonly kubeconfig?: string;
}

interface Subject {
  readonly kind: string;
  readonly words: readonly string[];
  find(client: Client, key: { readonly namespace: string; readonly name: string }): Promise<((picture: Picture) => Finding) | undefined>;
}

function subject<T>(kind: string, words: readonly string[], resource: ResourceRef<T>, why: (picture: Picture, object: Stored<T>) => Finding): Subject {
  return {
    kind,
    words: [kind.toLowerCase(), `${kind.toLowerCase()}s`, ...words],
    async find(client, key) {
      try {
        const object = await client.get(resource, key);
        return (picture) => why(picture, object);
      } catch (error) {
        if (isReason(error, 'NotFound')) return undefined;
        throw error;
      }
    },
  };
}

/** In the order in which a name without a kind is looked for. */
const SUBJECTS: readonly Subject[] = [
  subject('Deployment', ['deploy'], resources.deployments, whyDeployment),
  subject('Pod', ['po'], resources.pods, whyPod),
  subject('Service', ['svc'], resources.services, whyService),
  subject('StatefulSet', ['sts'], resources.statefulsets, (picture, one) => whyOwner(picture, 'StatefulSet', { metadata: one.metadata, wanted: one.spec?.replicas ?? 1 })),
  subject('DaemonSet', ['ds'], resources.daemonsets, (picture, one) => whyOwner(picture, 'DaemonSet', { metadata: one.metadata, wanted: one.status?.desiredNumberScheduled ?? 0 })),
  subject('ReplicaSet', ['rs'], resources.replicasets, (picture, one) => whyOwner(picture, 'ReplicaSet', { metadata: one.metadata, wanted: one.spec?.replicas ?? 1 })),
  subject('Job', [], resources.jobs, (picture, one) => whyOwner(picture, 'Job', { metadata: one.metadata, wanted: one.status?.active ?? 0 })),
];

/** `why web`, `why deployment web` or `why deployment/web`. */
export async function why(words: readonly string[], flags: WhyFlags): Promise<void> {
  const file = flags.kubeconfig ?? process.env.KUBECONFIG ?? join(defaultDataDir(), 'kubeconfig');
  if (!existsSync(file)) throw new Error(`there is no kubeconfig ${file}; name one with --kubeconfig`);
  const door = openHttpDoor({ ...(await readKubeconfig(file)), clock: systemClock, userAgent: 'coracle' });
  try {
    for (const line of linesOf([await answer(openClient(door, { userAgent: 'coracle' }), words, { namespace: flags.namespace ?? 'default', now: systemClock.now() })])) console.log(line);
  } finally {
    await door.close();
  }
}

export async function answer(client: Client, words: readonly string[], { namespace, now }: { readonly namespace: string; readonly now: number }): Promise<Finding> {
  const [first = '', second] = words.length === 1 && words[0]?.includes('/') ? words[0].split('/') : words;
  const name = second ?? first;
  const asked = second === undefined ? SUBJECTS : SUBJECTS.filter(({ words: known }) => known.includes(first.toLowerCase()));
  if (asked.length === 0) throw new Error(`why knows ${SUBJECTS.map(({ kind }) => kind.toLowerCase()).join(', ')}; there is no ${first} among them`);
  for (const one of asked) {
    const explain = await one.find(client, { namespace, name });
    if (explain) return explain(await takePicture(client, namespace, now));
  }
  throw new Error(`there is no ${asked.length === 1 ? asked[0]?.kind : asked.map(({ kind }) => kind).join(', ')} called ${name} in namespace ${namespace}`);
}
