/** The pod network of a node that has no other: a bridge with addresses from the node's pod range, and port mappings. */
import { mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface CniOptions {
  readonly directory: string;
  /** `10.244.0.0/24`; of two families the first is the primary. */
  readonly podCidrs: readonly string[];
  readonly bridge?: string;
}

/** Where the range of a node stands before a controller gave it one. */
export const DEFAULT_POD_CIDR = '10.244.0.0/24';
/** Where distributions put the plugins. */
export const CNI_PLUGIN_DIRECTORIES = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni'];
export const CNI_PLUGINS = ['bridge', 'host-local', 'loopback', 'portmap'];
export const BRIDGE = 'coracle0';

/** The plugins of several directories in one, as containerd wants them. Returns the ones that are nowhere. */
export async function linkCniPlugins(into: string, directories: readonly string[] = CNI_PLUGIN_DIRECTORIES): Promise<readonly string[]> {
  await mkdir(into, { recursive: true });
  const present = new Set(await readdir(into));
  for (const directory of directories) {
    for (const plugin of await readdir(directory).catch(() => [])) {
      if (present.has(plugin)) continue;
      await symlink(join(directory, plugin), join(into, plugin));
      present.add(plugin);
    }
  }
  return CNI_PLUGINS.filter((plugin) => !present.has(plugin));
}

/** Written beside and renamed, so that the runtime, which watches the directory, never reads half of it. */
export async function writeCniConfig(confDirectory: string, options: CniOptions): Promise<void> {
  await mkdir(confDirectory, { recursive: true });
  const path = join(confDirectory, '10-coracle.conflist');
  await writeFile(`${path}.new`, JSON.stringify(cniConfig(options), undefined, 2));
  await rename(`${path}.new`, path);
}

export function cniConfig({ directory, podCidrs, bridge = BRIDGE }: CniOptions): object {
  return {
    cniVersion: '0.4.0',
    name: 'coracle',
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(directory, 'ipam'),
          ranges: podCidrs.map((subnet) => [{ subnet }]),
          routes: podCidrs.map((subnet) => ({ dst: subnet.includes(':') ? '::/0' : '0.0.0.0/0' })),
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}
