/** Which function answers what: everything besides the verbs that all resources share. */
import type { RequestAuthenticator } from './auth/authenticator.ts';
import type { ServiceAccountTokens } from './auth/service-account-tokens.ts';
import type { Core } from './core.ts';
import type { Handlers } from './dispatch.ts';
import type { Pki } from './pki/pki.ts';
import { pathsOf } from './paths/paths.ts';
import type { Readiness } from './readiness.ts';

export interface HandlerParts {
  readonly core: Core;
  readonly authenticator: RequestAuthenticator;
  readonly tokens: ServiceAccountTokens;
  readonly readiness: Readiness;
  readonly pki: Pki;
}

export function handlersOf(parts: HandlerParts): Handlers {
  return { subresources: new Map(), resources: new Map(), paths: pathsOf(parts) };
}
