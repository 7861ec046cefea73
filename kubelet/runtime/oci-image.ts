/** A one-layer container image as an OCI archive, made in memory: the sandbox's own, and small ones for tests. */
import { createHash } from 'node:crypto';
import { arch } from 'node:os';
import { pack, type Header } from 'tar-stream';

export type ImageFile =
  | { readonly path: string; readonly content: Buffer; readonly mode: number }
  | { readonly path: string; readonly link: string }
  | { readonly path: string; readonly directory: true; readonly mode: number };

export interface ImageSource {
  readonly name: string;
  readonly files: readonly ImageFile[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: readonly string[];
  readonly user?: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm', riscv64: 'riscv64', s390x: 's390x', ppc64: 'ppc64le' };
/** The same content gives the same digests: no times. */
const NO_TIME = new Date(0);

export async function ociArchive(source: ImageSource): Promise<Buffer> {
  const layer = await tar(source.files);
  const config = json({
    architecture: ARCHITECTURES[arch()] ?? arch(),
    os: 'linux',
    config: {
      ...(source.entrypoint && { Entrypoint: source.entrypoint }),
      ...(source.command && { Cmd: source.command }),
      ...(source.user && { User: source.user }),
      Env: source.environment ?? ['PATH=/bin:/sbin:/usr/bin:/usr/sbin'],
    },
    rootfs: { type: 'layers', diff_ids: [digest(layer)] },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
  });
  const index = json({
    schemaVersion: 2,
    manifests: [{ ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest), annotations: { 'io.containerd.image.name': source.name } }],
  });
  const blobs = [layer, config, manifest].map((content) => ({ path: `blobs/sha256/${digest(content).slice(7)}`, content, mode: 0o644 }));
  return tar([{ path: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }), mode: 0o644 }, { path: 'index.json', content: index, mode: 0o644 }, ...blobs]);
}

async function tar(files: readonly ImageFile[]): Promise<Buffer> {
  const archive = pack();
  for (const file of files) {
    const head: Partial<Header> & { name: string } = { name: file.path, mtime: NO_TIME };
    if ('link' in file) archive.entry({ ...head, type: 'symlink', linkname: file.link });
    else if ('directory' in file) archive.entry({ ...head, type: 'directory', mode: file.mode });
    else archive.entry({ ...head, mode: file.mode }, file.content);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function descriptor(mediaType: string, content: Buffer): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest: digest(content), size: content.length };
}

function digest(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
