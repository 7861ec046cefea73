/** As the rest of the cluster calls them. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** The version that clients are told: of the API that is served. */
export const VERSION = {
  major: '1', minor: '36', emulationMajor: '1', emulationMinor: '36', minCompatibilityMajor: '1', minCompatibilityMinor: '35',
  gitVersion: 'v1.36.3', gitCommit: '', gitTreeState: 'clean', buildDate: '1970-01-01T00:00:00Z', goVersion: '', compiler: 'coracle', platform: `${process.platform}/${ARCHITECTURES[process.arch] ?? process.arch}`,
};
