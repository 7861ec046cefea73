/** Credentials for registries, from the secrets that a pod names. */
import type { Secret } from '../api/types/core.v1.ts';
import type { DeepReadonly } from '../std/deep.ts';
import { repositoryOf } from './image-name.ts';
import type { ImageCredentials } from './runtime/model.ts';

interface Entry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
}

/** All that fit the image, the closest first. */
export function credentialsFor(image: string, secrets: readonly DeepReadonly<Secret>[]): readonly ImageCredentials[] {
  const repository = repositoryOf(image);
  return secrets
    .flatMap(entries)
    .map(([key, entry]) => ({ place: placeOf(key), entry }))
    .filter(({ place }) => fits(place, repository))
    .sort((a, b) => b.place.length - a.place.length)
    .map(({ place, entry }) => credentials(place, entry));
}

function entries(secret: DeepReadonly<Secret>): [string, Entry][] {
  const modern = secret.type === 'kubernetes.io/dockerconfigjson';
  const data = secret.data?.[modern ? '.dockerconfigjson' : '.dockercfg'];
  if (!data || (!modern && secret.type !== 'kubernetes.io/dockercfg')) return [];
  try {
    const parsed = JSON.parse(Buffer.from(data, 'base64').toString()) as { auths?: Record<string, Entry> } & Record<string, Entry>;
    return Object.entries(modern ? (parsed.auths ?? {}) : parsed);
  } catch {
    return [];
  }
}

/** `https://index.docker.io/v1/` names the same place as `docker.io`. */
function placeOf(key: string): string {
  const bare = key.replace(/^https?:\/\//, '').replace(/\/+$/, '').replace(/\/v[12]$/, '');
  return bare.replace(/^(index|registry-1)\.docker\.io/, 'docker.io');
}

/** A `*` stands for one label of the host. */
function fits(place: string, repository: string): boolean {
  const [host = '', ...path] = place.split('/');
  const [itsHost = '', ...itsPath] = repository.split('/');
  const labels = host.split('.');
  const itsLabels = itsHost.split('.');
  const sameHost = labels.length === itsLabels.length && labels.every((label, i) => new RegExp(`^${label.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*')}$`).test(itsLabels[i] ?? ''));
  return sameHost && path.join('/') === itsPath.slice(0, path.length).join('/');
}

function credentials(place: string, { username, password, auth, identitytoken }: Entry): ImageCredentials {
  const [user = '', ...rest] = auth ? Buffer.from(auth, 'base64').toString().split(':') : [];
  return {
    username: username ?? user,
    password: password ?? rest.join(':'),
    ...(identitytoken && { identityToken: identitytoken }),
    registry: place.split('/')[0] ?? place,
  };
}
