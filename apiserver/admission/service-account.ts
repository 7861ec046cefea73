/** ServiceAccount: every pod runs as an account of its namespace and finds that account's token mounted. */
import { goQuote } from '../../api/go-quote.ts';
import { serviceaccounts } from '../../api/resources.ts';
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '../../api/types/core.v1.ts';
import type { Clock } from '../../std/clock.ts';
import { sleep } from '../../std/clock.ts';
import type { Random } from '../../std/random.ts';
import { nameSuffix } from '../../std/random.ts';
import { MIRROR_ANNOTATION, referencesOf } from '../auth/pod-references.ts';
import type { Reader, Stored } from '../auth/reader.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { isAbout, refused } from './refuse.ts';

export interface ServiceAccountDependencies {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly random: Random;
}

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
/** An hour and seven seconds: the odd number tells tokens of this volume from others. */
export const PROJECTED_TOKEN_SECONDS = 3607;
/** The controller makes `default` a moment after the namespace: how often it is looked for. */
const DEFAULT_ACCOUNT_ATTEMPTS = 10;
const RETRY_MS = 100;
/** Specifications that are known by their text, which must not be longer; all are forgotten when there are more. */
const ALIKE_LIMIT = 64;
const ALIKE_TEXT_LIMIT = 8 * 1024;

export function serviceAccountAdmission(dependencies: ServiceAccountDependencies): AdmissionPlugin {
  const names = new VolumeNames(dependencies.random);
  return {
    name: 'ServiceAccount',
    handles: (request) => (request.operation === 'CREATE' ? isAbout(request, 'pods') : request.operation === 'UPDATE' && isAbout(request, 'pods', 'ephemeralcontainers')),
    mutate(request) {
      const { metadata, spec } = request.object as unknown as Pod;
      if (request.operation !== 'CREATE' || !spec) return undefined;
      if (metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return checkMirror(request);
      spec.serviceAccountName ||= 'default';
      // The old name of the field follows the new one.
      spec.serviceAccount = spec.serviceAccountName;
      return withAccount(request, spec.serviceAccountName, dependencies, (account) => {
        if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec, names);
        if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => ({ ...(name !== undefined && { name }) }));
        limitSecrets(request, account, spec);
      });
    },
    validate(request) {
      const { metadata, spec } = request.object as unknown as Pod;
      if (!spec) return undefined;
      if (metadata.annotations?.[MIRROR_ANNOTATION] !== undefined && request.operation === 'CREATE') return checkMirror(request);
      if (!spec.serviceAccountName) throw refused(request, `no service account specified for pod ${request.namespace}/${metadata.name ?? ''}`);
      return withAccount(request, spec.serviceAccountName, dependencies, (account) => limitSecrets(request, account, spec));
    },
  };
}

function checkMirror(request: AdmissionRequest): void {
  const pod = request.object as unknown as Pod;
  if (pod.spec?.serviceAccountName) throw refused(request, 'a mirror pod may not reference service accounts');
  if (referencesOf(pod).secrets.size > 0) throw refused(request, 'a mirror pod may not reference secrets');
  if (pod.spec?.volumes?.some(({ projected }) => projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken))) {
    throw refused(request, 'a mirror pod may not use ServiceAccountToken volume projections');
  }
}

/** At once where the cache has the account. */
function withAccount(request: AdmissionRequest, name: string, dependencies: ServiceAccountDependencies, use: (account: Stored<ServiceAccount>) => void): void | Promise<void> {
  const cached = dependencies.reader.get(serviceaccounts, request.namespace, name);
  return cached ? use(cached) : find(request, name, dependencies).then(use);
}

/** A new namespace has its account in a moment. */
async function find(request: AdmissionRequest, name: string, { reader, clock, random }: ServiceAccountDependencies): Promise<Stored<ServiceAccount>> {
  const attempts = name === 'default' ? DEFAULT_ACCOUNT_ATTEMPTS : 1;
  for (let attempt = 1; ; attempt++) {
    const fresh = await reader.getFresh(serviceaccounts, request.namespace, name);
    if (fresh) return fresh;
    if (attempt === attempts) break;
    await sleep(clock, RETRY_MS * (1 + random.next()));
  }
  throw refused(request, `error looking up service account ${request.namespace}/${name}: serviceaccount ${goQuote(name)} not found`);
}

/** Pods that were sent alike stay alike: the volume has one name in all of them. */
class VolumeNames {
  readonly #random: Random;
  /** By the text of the specification. */
  readonly #known = new Map<string, string>();

  constructor(random: Random) {
    this.#random = random;
  }

  of(spec: PodSpec): string {
    const text = JSON.stringify(spec);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const name = VOLUME_PREFIX + nameSuffix(this.#random);
    if (text.length > ALIKE_TEXT_LIMIT) return name;
    if (this.#known.size >= ALIKE_LIMIT) this.#known.clear();
    this.#known.set(text, name);
    return name;
  }
}

function mountToken(spec: PodSpec, names: VolumeNames): void {
  const present = spec.volumes?.find(({ name }) => name.startsWith(VOLUME_PREFIX));
  const name = present?.name ?? names.of(spec);
  let needed = false;
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    // What stands at the path already is the author's will.
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH)) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }];
    needed = true;
  }
  if (needed && !present) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds: PROJECTED_TOKEN_SECONDS } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  };
}

/** Accounts with the annotation let pods use only the secrets that they list. */
function limitSecrets(request: AdmissionRequest, account: Stored<ServiceAccount>, spec: PodSpec): void {
  if (!/^(1|t|T|TRUE|true|True)$/.test(account.metadata.annotations?.['kubernetes.io/enforce-mountable-secrets'] ?? '')) return;
  const mountable = new Set(account.secrets?.map(({ name }) => name));
  const because = `is not allowed because service account ${account.metadata.name} does not reference that`;
  const check = (container: Pick<Container, 'name' | 'env' | 'envFrom'>, kind: string): void => {
    for (const { name, valueFrom } of container.env ?? []) {
      const secret = valueFrom?.secretKeyRef?.name;
      if (secret && !mountable.has(secret)) throw refused(request, `${kind} ${container.name} with envVar ${name} referencing secret.secretName="${secret}" ${because} secret`);
    }
    for (const { secretRef } of container.envFrom ?? []) {
      if (secretRef?.name && !mountable.has(secretRef.name)) throw refused(request, `${kind} ${container.name} with envFrom referencing secret.secretName="${secretRef.name}" ${because} secret`);
    }
  };
  if (request.operation === 'UPDATE') {
    for (const container of spec.ephemeralContainers ?? []) check(container, 'ephemeral container');
    return;
  }
  for (const { secret } of spec.volumes ?? []) {
    if (secret && !mountable.has(secret.secretName ?? '')) throw refused(request, `volume with secret.secretName="${secret.secretName}" ${because} secret`);
  }
  for (const container of spec.initContainers ?? []) check(container, 'init container');
  for (const container of spec.containers) check(container, 'container');
  const pulls = new Set(account.imagePullSecrets?.map(({ name }) => name));
  spec.imagePullSecrets?.forEach(({ name }, at) => {
    if (!pulls.has(name)) throw refused(request, `imagePullSecrets[${at}].name="${name}" ${because} imagePullSecret`);
  });
}
