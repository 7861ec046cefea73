/** Images made here and put into containerd without a registry: the sandbox's, and busybox for tests. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sleep, type Clock } from '../../std/clock.ts';
import { SANDBOX_IMAGE } from './containerd.ts';
import { type ImageSource, ociArchive } from './oci-image.ts';
import { pauseProgram } from './pause-program.ts';
import type { Runtime } from './runtime.ts';

export interface ImportOptions {
  readonly socket: string;
  readonly snapshotter: string;
  readonly runtime: Runtime;
  readonly clock: Clock;
}

const run = promisify(execFile);
const BUSYBOX = '/bin/busybox';
/** Stands in for the applet, which crashes in Debian's static build (1.35). */
const WGET = join(import.meta.dirname, 'busybox-wget.sh');
const LOOK_MS = 20;
const LOOK_ATTEMPTS = 250;

/** Does nothing where the image is there already. */
export async function ensureSandboxImage(options: ImportOptions, name: string = SANDBOX_IMAGE): Promise<void> {
  if (await options.runtime.image(name)) return;
  await importImage(await sandboxImage(name), options);
}

/** A static busybox with all its applets, as `coracle.local/busybox:1`. */
export async function importBusybox(options: ImportOptions, name = 'coracle.local/busybox:1'): Promise<string> {
  if (!(await options.runtime.image(name))) await importImage(await busyboxImage(name), options);
  return name;
}

export async function importImage(source: ImageSource, { socket, snapshotter, runtime, clock }: ImportOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'coracle-image-'));
  try {
    const path = join(directory, 'image.tar');
    await writeFile(path, await ociArchive(source));
    await run('ctr', ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', '--snapshotter', snapshotter, path]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  // The CRI plugin learns of new images by an event.
  for (let attempt = 0; attempt < LOOK_ATTEMPTS; attempt++) {
    if (await runtime.image(source.name)) return;
    await sleep(clock, LOOK_MS);
  }
  throw new Error(`image ${source.name} was imported, but the runtime does not know it`);
}

async function sandboxImage(name: string): Promise<ImageSource> {
  const own = pauseProgram(arch());
  if (own) return { name, files: [{ path: 'pause', content: own, mode: 0o755 }], entrypoint: ['/pause'] };
  const busybox = await staticBusybox();
  // A shell that waits reaps whatever ends in its namespace.
  const script = "trap 'exit 0' TERM INT; while :; do sleep 2147483647 & wait $!; done";
  return { name, files: [{ path: 'busybox', content: busybox, mode: 0o755 }], entrypoint: ['/busybox', 'sh', '-c', script] };
}

async function busyboxImage(name: string): Promise<ImageSource> {
  const busybox = await staticBusybox();
  const { stdout } = await run(BUSYBOX, ['--list']);
  const applets = stdout.split('\n').filter((applet) => applet !== '' && applet !== 'busybox');
  return {
    name,
    files: [
      { path: 'bin', directory: true, mode: 0o755 },
      { path: 'tmp', directory: true, mode: 0o1777 },
      { path: 'etc', directory: true, mode: 0o755 },
      { path: 'etc/passwd', content: Buffer.from('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n'), mode: 0o644 },
      { path: 'etc/group', content: Buffer.from('root:x:0:\nnogroup:x:65534:\n'), mode: 0o644 },
      { path: 'bin/busybox', content: busybox, mode: 0o755 },
      ...applets.filter((applet) => applet !== 'wget').map((applet) => ({ path: `bin/${applet}`, link: '/bin/busybox' })),
      { path: 'bin/wget', content: await readFile(WGET), mode: 0o755 },
    ],
    command: ['sh'],
  };
}

async function staticBusybox(): Promise<Buffer> {
  try {
    return await readFile(BUSYBOX);
  } catch (error) {
    throw new Error(`an image is made from ${BUSYBOX}, which is not installed (Debian: apt-get install busybox-static)`, { cause: error });
  }
}
