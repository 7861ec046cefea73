/** Real kubectl binaries: the newest there is, and one that is two minor versions older. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export interface Kubectl {
  readonly path: string;
  /** `1.33` */
  readonly version: string;
  readonly minor: number;
}

export const KUBECTL_MISSING = 'kubectl is not installed: put one on PATH (https://kubernetes.io/docs/tasks/tools/; on Debian: apt-get install kubernetes-client)';

let found: Kubectl[] | undefined;

/** Every version on this machine, the newest first: `kubectl` on PATH, and `kubectl.1.NN` on PATH or beside it. */
export function kubectls(): readonly Kubectl[] {
  if (found) return found;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const first = folders.map((folder) => join(folder, 'kubectl')).find(isExecutable);
  if (first) folders.push(dirname(realpathSync(first)), '/usr/lib/google-cloud-sdk/bin');
  const paths = folders.flatMap((folder) => {
    try {
      return readdirSync(folder).filter((name) => /^kubectl(\.1\.\d+)?$/.test(name)).map((name) => join(folder, name));
    } catch {
      return [];
    }
  });
  const byVersion = new Map<number, Kubectl>();
  for (const path of new Set(paths.filter(isExecutable).map((path) => realpathSync(path)))) {
    const version = /"gitVersion":\s*"v1\.(\d+)/.exec(tryRun(path))?.[1];
    if (version) byVersion.set(Number(version), { path, version: `1.${version}`, minor: Number(version) });
  }
  return (found = [...byVersion.values()].sort((a, b) => b.minor - a.minor));
}

/** The newest, and the newest of those at least two minor versions older. */
export function twoKubectls(): readonly Kubectl[] {
  const [newest, ...others] = kubectls();
  if (!newest) return [];
  const older = others.find(({ minor }) => minor <= newest.minor - 2);
  return older ? [newest, older] : [newest];
}

function tryRun(path: string): string {
  try {
    return execFileSync(path, ['version', '--client', '-o', 'json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
