/** The flags by which the API server knows its callers and decides what they may, under the names that kube-apiserver gives them. */
import type { Command } from 'commander';
import { duration } from './duration.ts';
import { flagsOf, list, truth } from './named-flags.ts';

export interface AccessFlags {
  readonly anonymousAuth?: boolean;
  readonly tokenAuthFile?: string;
  readonly clientCaFile?: string;
  readonly authenticationConfig?: string;
  readonly requestheaderClientCaFile?: string;
  readonly requestheaderAllowedNames?: readonly string[];
  readonly requestheaderUsernameHeaders?: readonly string[];
  readonly requestheaderUidHeaders?: readonly string[];
  readonly requestheaderGroupHeaders?: readonly string[];
  readonly requestheaderExtraHeadersPrefix?: readonly string[];
  readonly authenticationTokenWebhookConfigFile?: string;
  readonly authenticationTokenWebhookVersion?: string;
  readonly authenticationTokenWebhookCacheTtl?: number;
  readonly oidcIssuerUrl?: string;
  readonly oidcClientId?: string;
  readonly oidcCaFile?: string;
  readonly oidcUsernameClaim?: string;
  readonly oidcUsernamePrefix?: string;
  readonly oidcGroupsClaim?: string;
  readonly oidcGroupsPrefix?: string;
  readonly oidcRequiredClaim?: readonly string[];
  readonly oidcSigningAlgs?: readonly string[];
  readonly serviceAccountIssuer?: readonly string[];
  readonly serviceAccountKeyFile?: readonly string[];
  readonly serviceAccountJwksUri?: string;
  readonly apiAudiences?: readonly string[];
  readonly authorizationMode?: readonly string[];
  readonly authorizationPolicyFile?: string;
  readonly authorizationConfig?: string;
  readonly authorizationWebhookConfigFile?: string;
  readonly authorizationWebhookVersion?: string;
  readonly authorizationWebhookCacheAuthorizedTtl?: number;
  readonly authorizationWebhookCacheUnauthorizedTtl?: number;
}

export function withAccess(command: Command, { quiet = false } = {}): Command {
  const add = flagsOf(command, quiet);
  add('--anonymous-auth <yes>', 'whether requests without credentials are let in as anonymous (true)', truth);
  add('--token-auth-file <file>', 'tokens and whom they are: token,user,uid,"group1,group2" per line');
  add('--client-ca-file <file>', 'authorities of client certificates, besides the cluster\'s own');
  add('--authentication-config <file>', 'an AuthenticationConfiguration: issuers of tokens, and who may be anonymous; read again when it changes');
  add('--requestheader-client-ca-file <file>', 'authority of proxies that name their users in headers; in place of the cluster\'s own');
  add('--requestheader-allowed-names <list>', 'common names of such proxies; none: all of that authority', list);
  add('--requestheader-username-headers <list>', 'headers that name the user (X-Remote-User)', list);
  add('--requestheader-uid-headers <list>', 'headers that name his uid (X-Remote-Uid)', list);
  add('--requestheader-group-headers <list>', 'headers that name his groups (X-Remote-Group)', list);
  add('--requestheader-extra-headers-prefix <list>', 'beginnings of headers that tell more of him (X-Remote-Extra-)', list);
  add('--authentication-token-webhook-config-file <file>', 'a server that knows tokens, in the form of a kubeconfig');
  add('--authentication-token-webhook-version <version>', 'of the reviews it is asked with: v1 or v1beta1 (v1beta1)');
  add('--authentication-token-webhook-cache-ttl <time>', 'how long its answers are kept (2m)', duration);
  add('--oidc-issuer-url <url>', 'an issuer of tokens');
  add('--oidc-client-id <id>', 'for whom its tokens are');
  add('--oidc-ca-file <file>', 'authority of its certificate');
  add('--oidc-username-claim <claim>', 'what names the user (sub)');
  add('--oidc-username-prefix <prefix>', 'put before it; - for none (the issuer\'s URL and #, but for email)');
  add('--oidc-groups-claim <claim>', 'what names his groups');
  add('--oidc-groups-prefix <prefix>', 'put before them');
  add('--oidc-required-claim <key=value>', 'what a token must say; may be given several times', several);
  add('--oidc-signing-algs <list>', 'how its tokens may be signed (RS256)', list);
  add('--service-account-issuer <url>', 'who issues ServiceAccount tokens; given again: others that are accepted', several);
  add('--service-account-key-file <file>', 'a key of another signer of ServiceAccount tokens; may be given several times', several);
  add('--service-account-jwks-uri <url>', 'where others find the keys of ServiceAccount tokens');
  add('--api-audiences <list>', 'for whom tokens are by default (the issuer)', list);
  add('--authorization-mode <list>', 'authorizers in their order: Node, RBAC, ABAC, Webhook, AlwaysAllow, AlwaysDeny (Node,RBAC)', list);
  add('--authorization-policy-file <file>', 'the policies of ABAC, one per line');
  add('--authorization-config <file>', 'an AuthorizationConfiguration; read again when it changes');
  add('--authorization-webhook-config-file <file>', 'the webhook of --authorization-mode, in the form of a kubeconfig');
  add('--authorization-webhook-version <version>', 'of the reviews it is asked with: v1 or v1beta1 (v1beta1)');
  add('--authorization-webhook-cache-authorized-ttl <time>', 'how long a yes is kept (5m)', duration);
  add('--authorization-webhook-cache-unauthorized-ttl <time>', 'how long a no is kept (30s)', duration);
  return command;
}

function several(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
