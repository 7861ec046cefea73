/** Renders a kubeconfig file with one cluster, one user and one context, credentials inside. */

export interface KubeconfigOptions {
  readonly server: string;
  readonly caPem: string;
  /** A client certificate with its key, or a bearer token. */
  readonly certPem?: string;
  readonly keyPem?: string;
  readonly token?: string;
  /** Names of the cluster and the user; the context is the cluster's name. */
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

export function kubeconfig(options: KubeconfigOptions): string {
  const cluster = options.cluster ?? 'coracle';
  const user = options.user ?? 'admin';
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    `- name: ${quote(cluster)}`,
    '  cluster:',
    `    server: ${quote(options.server)}`,
    `    certificate-authority-data: ${base64(options.caPem)}`,
    'users:',
    `- name: ${quote(user)}`,
    '  user:',
    ...(options.certPem === undefined ? [] : [`    client-certificate-data: ${base64(options.certPem)}`]),
    ...(options.keyPem === undefined ? [] : [`    client-key-data: ${base64(options.keyPem)}`]),
    ...(options.token === undefined ? [] : [`    token: ${quote(options.token)}`]),
    'contexts:',
    `- name: ${quote(cluster)}`,
    '  context:',
    `    cluster: ${quote(cluster)}`,
    `    user: ${quote(user)}`,
    ...(options.namespace === undefined ? [] : [`    namespace: ${quote(options.namespace)}`]),
    `current-context: ${quote(cluster)}`,
    '',
  ].join('\n');
}

/** A JSON string is a YAML string. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
