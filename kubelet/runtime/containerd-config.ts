/** The configuration of our own containerd, as TOML. */

export interface ContainerdConfig {
  readonly root: string;
  readonly state: string;
  readonly socket: string;
  readonly sandboxImage: string;
  readonly snapshotter: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  readonly registryDir: string;
  /** Without CAP_SYS_RESOURCE nobody may lower an OOM score: it is left where it is. */
  readonly mayLowerOomScore: boolean;
}

/** Version 2 of the format: containerd 1.6 and 1.7 read it, 2.x translates it. */
export function containerdConfig(config: ContainerdConfig): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return [
    'version = 2',
    `root = ${text(config.root)}`,
    `state = ${text(config.state)}`,
    // It must not be killed before the containers it looks after.
    ...(config.mayLowerOomScore ? ['oom_score = -999'] : []),
    '[grpc]',
    `  address = ${text(config.socket)}`,
    '[debug]',
    '  level = "warn"',
    `[${cri}]`,
    `  sandbox_image = ${text(config.sandboxImage)}`,
    '  stream_server_address = "127.0.0.1"',
    '  stream_server_port = "0"',
    `  restrict_oom_score_adj = ${!config.mayLowerOomScore}`,
    '  enable_unprivileged_ports = true',
    '  enable_unprivileged_icmp = true',
    `  [${cri}.cni]`,
    `    bin_dir = ${text(config.cniBinDir)}`,
    `    conf_dir = ${text(config.cniConfDir)}`,
    `  [${cri}.registry]`,
    `    config_path = ${text(config.registryDir)}`,
    `  [${cri}.containerd]`,
    `    snapshotter = ${text(config.snapshotter)}`,
    '    default_runtime_name = "runc"',
    `    [${cri}.containerd.runtimes.runc]`,
    '      runtime_type = "io.containerd.runc.v2"',
    `      [${cri}.containerd.runtimes.runc.options]`,
    '        SystemdCgroup = false',
    '',
  ].join('\n');
}

/** `hosts.toml` of one registry that speaks plain HTTP. */
export function plainRegistry(host: string): string {
  const url = text(`http://${host}`);
  return [`server = ${url}`, `[host.${url}]`, '  capabilities = ["pull", "resolve"]', ''].join('\n');
}

function text(value: string): string {
  return JSON.stringify(value);
}
