/** The flags of the port at which controllers and scheduler can be looked at, under the names that upstream's programs give them. */
import { InvalidArgumentError, type Command } from 'commander';
import { duration } from '../duration.ts';
import { flagsOf, list, truth } from '../named-flags.ts';

export interface DiagnosticsFlags {
  readonly securePort?: number;
  readonly bindAddress?: string;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly clientCaFile?: string;
  readonly requestheaderClientCaFile?: string;
  readonly requestheaderAllowedNames?: readonly string[];
  readonly requestheaderUsernameHeaders?: readonly string[];
  readonly requestheaderGroupHeaders?: readonly string[];
  readonly requestheaderUidHeaders?: readonly string[];
  readonly requestheaderExtraHeadersPrefix?: readonly string[];
  readonly authenticationKubeconfig?: string;
  readonly authenticationSkipLookup?: boolean;
  readonly authenticationTolerateLookupFailure?: boolean;
  readonly authenticationTokenWebhookCacheTtl?: number;
  readonly authorizationKubeconfig?: string;
  readonly authorizationAlwaysAllowPaths?: readonly string[];
  readonly authorizationWebhookCacheAuthorizedTtl?: number;
  readonly authorizationWebhookCacheUnauthorizedTtl?: number;
}

/** Where upstream's programs listen. */
export const SECURE_PORTS = { controllers: 10257, scheduler: 10259 } as const;

export function withDiagnostics(command: Command, component: keyof typeof SECURE_PORTS): Command {
  const add = flagsOf(command, false);
  add('--secure-port <n>', `port of /metrics, /healthz and their like; 0: none (${SECURE_PORTS[component]})`, port);
  add('--bind-address <address>', 'address of that port (0.0.0.0)');
  add('--tls-cert-file <file>', 'what is shown there; without it a certificate that it signs itself');
  add('--tls-private-key-file <file>', 'its key');
  add('--client-ca-file <file>', 'authority of users\' certificates, in place of the cluster\'s');
  add('--requestheader-client-ca-file <file>', 'authority of proxies that name users in headers, in place of the cluster\'s');
  add('--requestheader-allowed-names <list>', 'which of its certificates may', list);
  add('--requestheader-username-headers <list>', 'where they name the user', list);
  add('--requestheader-group-headers <list>', 'where they name groups', list);
  add('--requestheader-uid-headers <list>', 'where they tell the uid', list);
  add('--requestheader-extra-headers-prefix <list>', 'where they tell more', list);
  add('--authentication-kubeconfig <file>', 'how the API server is asked who somebody is (--kubeconfig)');
  add('--authentication-skip-lookup [bool]', 'do not ask the cluster for authorities', truth);
  add('--authentication-tolerate-lookup-failure [bool]', 'go on without authorities that cannot be asked for', truth);
  add('--authentication-token-webhook-cache-ttl <time>', 'how long answers about tokens are kept (10s)', duration);
  add('--authorization-kubeconfig <file>', 'how the API server is asked who may look (--kubeconfig)');
  add('--authorization-always-allow-paths <list>', 'paths that anybody may look at (/healthz,/readyz,/livez)', list);
  add('--authorization-webhook-cache-authorized-ttl <time>', 'how long a yes is kept (10s)', duration);
  add('--authorization-webhook-cache-unauthorized-ttl <time>', 'how long a no is kept (10s)', duration);
  return command;
}

function port(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.');
  return number;
}
