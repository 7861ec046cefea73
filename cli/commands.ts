/** Which subcommands and flags the `coracle` command has. What they do is in the files beside this one. */
import { Command, Option } from 'commander';
import { withControllers } from './controller-flags.ts';
import { withAccess } from './access-flags.ts';
import { withAdmission } from './admission-flags.ts';
import { withServing } from './server-flags.ts';
import { withDiagnostics } from './diagnostics/flags.ts';
import { COMPONENTS, type ApiServerFlags, type ComponentFlags, type UpFlags, componentList, portNumber, threadCount, thresholds, wholeNumber } from './flags.ts';
import type { TestEnvFlags } from './test-env.ts';

const program = new Command('coracle')
  .description('A Kubernetes-compatible cluster in one command.')
  .version(version(), '--version')
  .showHelpAfterError('(coracle --help lists what there is)')
  .configureHelp({ sortSubcommands: false });

function withServer(command: Command, how: { readonly quiet?: boolean } = {}): Command {
  const named = command
    .option('--data-dir <dir>', 'where everything is kept')
    .option('--port <n>', 'port of the API server; 0: any free one', portNumber)
    .option('--bind-address <address>', 'address the API server listens on')
    .option('--kubeconfig <file>', 'written, for the administrator, when the API is ready')
    .addOption(new Option('--store <kind>', 'where objects are stored').choices(['sqlite', 'etcd', 'memory']))
    .option('--etcd-servers <urls>', 'comma-separated; implies --store etcd')
    .option('--etcd-cafile <file>', 'authority of etcd, for TLS')
    .option('--etcd-certfile <file>', 'certificate that is shown to etcd')
    .option('--etcd-keyfile <file>', 'its key')
    .option('--etcd-prefix <prefix>', 'put before all keys within etcd; default: none')
    .option('--service-cluster-ip-range <cidr>', 'addresses of Services')
    .option('--advertise-address <address>', 'address under which others reach the API server')
    .option('--server-threads <n>', 'further threads that answer requests, or `auto`: as many as there is work for, up to the cores (0)', threadCount)
    .option('--encryption-provider-config <file>', 'an EncryptionConfiguration: what is encrypted at rest, and how')
    .option('--encryption-provider-config-automatic-reload', 'read it again when it changes');
  return withAdmission(withAccess(withServing(named, how), how), how);
}

withControllers(withServer(program.command('up'), { quiet: true }), { quiet: true })
  .description('start a cluster: every component in one process')
  .addOption(new Option('--runtime <kind>', 'what runs containers on this node').choices(['auto', 'cri', 'hollow', 'none']))
  .option('--cri-socket <path>', 'a running CRI runtime to use instead of our own containerd')
  .option('--hollow-nodes <n>', 'simulated nodes besides', wholeNumber)
  .option('--hollow-rules <file>', 'YAML: how what runs on them behaves')
  .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration: profiles, plugins and what they are told, extenders')
  .option('--components <list>', `which of ${COMPONENTS.join(',')} to run`, componentList)
  .option('--node-name <name>', 'name of this node')
  .option('--eviction-hard <list>', 'below which a node runs short and ends pods (memory.available<100Mi, 5 % of disks and inodes); empty: never', thresholds)
  .addHelpText('after', '\nAnd the flags of the API server and of the controllers, which coracle apiserver --help and coracle controllers --help list.')
  .option('--ephemeral', 'leave nothing behind: containers, rules and data go when it stops')
  .action(async (flags: UpFlags) => (await import('./up.ts')).up(flags));

program
  .command('down')
  .description('stop the cluster on this machine and remove its containers and rules; data stay')
  .option('--data-dir <dir>', 'of the cluster')
  .option('--purge', 'remove the data too')
  .action(async (flags: { dataDir?: string; purge?: boolean }) => (await import('./down.ts')).down(flags));

withServer(program.command('apiserver'))
  .description('the API server alone')
  .action(async (flags: ApiServerFlags) => (await import('./component.ts')).runApiServer(flags));

for (const [name, what] of [
  ['controllers', 'the controllers alone'],
  ['scheduler', 'the scheduler alone'],
  ['kubelet', 'the node agent alone'],
  ['proxy', 'the Service proxy and name server of a node alone'],
] as const) {
  const command = program
    .command(name)
    .description(what)
    .requiredOption('--kubeconfig <file>', 'how to reach the API server, and as whom');
  if (name === 'scheduler') command.option('--config <file>', 'a KubeSchedulerConfiguration: profiles, plugins and what they are told, extenders');
  if (name === 'controllers' || name === 'scheduler') command.option('--no-leader-elect', 'do not ask who leads: this is the only one');
  else command.option('--node-name <name>', 'name of this node').option('--data-dir <dir>', 'where everything is kept');
  if (name === 'controllers') withControllers(command);
  if (name === 'controllers' || name === 'scheduler') withDiagnostics(command, name);
  if (name === 'kubelet') {
    command
      .addOption(new Option('--runtime <kind>', 'what runs containers').choices(['auto', 'cri', 'hollow']))
      .option('--cri-socket <path>', 'a running CRI runtime to use instead of our own containerd')
      .option('--port <n>', 'port of the kubelet; 0: any free one', portNumber)
      .option('--node-ip <address>', 'address under which the API server reaches this node')
      .option('--eviction-hard <list>', 'below which the node runs short and ends pods (memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%); empty: never', thresholds);
  }
  command.action(async (flags: ComponentFlags) => (await import('./component.ts')).runComponent(name, flags));
}

program
  .command('why <what...>')
  .description('say why a pod, deployment or service does not run, has no node or is not reached, and what would change that')
  .option('-n, --namespace <name>', 'where it is')
  .option('--kubeconfig <file>', 'of the cluster; else $KUBECONFIG, else the cluster of this machine')
  .action(async (what: string[], flags: { namespace?: string; kubeconfig?: string }) => (await import('./why.ts')).why(what, flags));

program
  .command('test-env')
  .description('a cluster with simulated nodes for tests: prints the path of its kubeconfig, and ends with its parent')
  .option('--kubeconfig <file>', 'written there; default: a new file, which goes when it ends')
  .option('--port <n>', 'port of the API server; default: any free one', portNumber)
  .option('--nodes <n>', 'simulated nodes; default: 1', wholeNumber)
  .option('--assets', 'only print the folder of `etcd` and `kube-apiserver` for KUBEBUILDER_ASSETS')
  .action(async (flags: TestEnvFlags) => (await import('./test-env.ts')).testEnv(flags));

program
  .command('kubeconfig')
  .description('write credentials for a component or a person, signed by the authority in the data directory')
  .requiredOption('--for <who>', 'admin, controllers, scheduler, proxy, kubelet:NODE or user:NAME[,GROUP…]')
  .requiredOption('--output <file>', 'the file to write, readable by its owner only')
  .option('--data-dir <dir>', 'of the API server')
  .option('--server <url>', 'how it reaches the API server')
  .action(async (flags: { for: string; output: string; dataDir?: string; server?: string }) => (await import('./credentials.ts')).writeCredentials(flags));

program
  .command('rotate-keys')
  .description('make a new encryption key for the embedded store, seal everything under it, and drop the old one')
  .option('--data-dir <dir>', 'of the cluster')
  .action(async (flags: { dataDir?: string }) => (await import('./encryption.ts')).rotate(flags));

function version(): string {
  return process.env.npm_package_version ?? '0.1.0';
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(`coracle: ${error instanceof Error ? error.message : String(error)}`);
  if (process.env.CORACLE_DEBUG) console.error(error);
  process.exit(1);
}
