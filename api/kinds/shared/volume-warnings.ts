/** Volumes that no longer do anything, or whose files get into each other's way. */
import type { Path } from '../../field-error.ts';
import type { Volume, VolumeProjection } from '../../types/core.v1.ts';
import { claimSpecWarnings } from './claim-warnings.ts';

const OLD_DRIVERS: readonly (readonly [field: keyof Volume, why: string, shown?: string])[] = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+', 'storageOS'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

export function volumeWarnings(volumes: readonly Volume[], path: Path): string[] {
  const old = volumes.flatMap((volume, at) => {
    const here = path.index(at);
    const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
    return [
      ...OLD_DRIVERS.flatMap(([field, why, shown]) => (volume[field] === undefined ? [] : [`${here.child(shown ?? field)}: ${why}`])),
      ...(claim ? claimSpecWarnings(claim, here.child('ephemeral', 'volumeClaimTemplate', 'spec')) : []),
    ];
  });
  return [...old, ...volumes.flatMap(overlaps)];
}

interface File {
  readonly path: string;
  readonly source: string;
}

function overlaps(volume: Volume): string[] {
  const warn = (what: string, list: readonly string[]): string[] =>
    list.map((found) => `volume ${JSON.stringify(volume.name)} (${what}): overlapping paths: ${found}`);
  const files = (items: readonly { path: string }[] | undefined, source = ''): File[] => (items ?? []).map(({ path }) => ({ path, source }));
  const empty = (volume.projected?.sources ?? []).filter((source) => Object.keys(source).length === 0);
  return [
    ...warn(`ConfigMap ${JSON.stringify(volume.configMap?.name ?? '')}`, collisions(files(volume.configMap?.items))),
    ...warn(`Secret ${JSON.stringify(volume.secret?.secretName ?? '')}`, collisions(files(volume.secret?.items))),
    ...warn('DownwardAPI', collisions(files(volume.downwardAPI?.items))),
    ...empty.map(() => `volume ${JSON.stringify(volume.name)} (Projected) has no sources provided`),
    ...warn('Projected', collisions((volume.projected?.sources ?? []).flatMap((source) => projectedFiles(source, files)))),
  ];
}

function projectedFiles(source: VolumeProjection, files: (items: readonly { path: string }[] | undefined, source: string) => File[]): File[] {
  if (source.configMap?.items) return files(source.configMap.items, `ConfigMap ${JSON.stringify(source.configMap.name ?? '')}`);
  if (source.secret?.items) return files(source.secret.items, `Secret ${JSON.stringify(source.secret.name ?? '')}`);
  if (source.downwardAPI?.items) return files(source.downwardAPI.items, 'DownwardAPI');
  return source.serviceAccountToken ? [{ path: source.serviceAccountToken.path, source: 'ServiceAccountToken' }] : [];
}

function collisions(list: readonly File[]): string[] {
  const files = list.map(({ path, source }) => ({ path: path.replace(/\/+$/, ''), source }));
  return files.flatMap((file, at) =>
    files.slice(0, at).flatMap((other) => (inTheWay(file.path, other.path) ? [`${show(file)} with ${show(other)}`] : [])),
  );
}

function inTheWay(a: string, b: string): boolean {
  return a !== '' && b !== '' && (`${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`));
}

function show({ path, source }: File): string {
  return source ? `${JSON.stringify(path)} (${source})` : JSON.stringify(path);
}
