/** Everything by which this server knows its callers, put together: authorities of certificates, proxies, tokens of its own and of others. */
import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../std/clock.ts';
import type { Pki } from '../pki/pki.ts';
import { createAuthenticator, type RequestAuthenticator, type TokenLook } from './authenticator.ts';
import type { Anonymous, IssuerConfig } from './jwt/config.ts';
import { createJwtAuthenticator, type JwtAuthenticator } from './jwt/jwt-authenticator.ts';
import type { Reader } from './reader.ts';
import { createTokenWebhook, type TokenWebhookSettings } from './token-webhook.ts';
import { REQUEST_HEADERS, type RequestHeaderNames } from './request-header.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';

export interface AuthenticationSettings {
  /** The text of a static token file. */
  readonly staticTokens?: string;
  readonly issuers?: readonly IssuerConfig[];
  /** Another server that knows tokens. */
  readonly webhook?: TokenWebhookSettings;
  readonly anonymous?: Anonymous;
  /** Authorities of users' certificates besides the cluster's own. */
  readonly clientCaPem?: string;
  /** In place of the proxy that the cluster makes a certificate for. */
  readonly requestHeader?: { readonly caPem: string; readonly names: RequestHeaderNames };
}

export interface Authentication {
  readonly authenticator: RequestAuthenticator;
  /** Authorities against which the TLS layer verifies what clients show. */
  readonly trustedPems: readonly string[];
  readonly requestHeader: { readonly caPem: string; readonly names: RequestHeaderNames };
  readonly clientCaPem: string;
  readonly jwt: JwtAuthenticator;
  close(): void;
}

export interface AuthenticationParts {
  readonly pki: Pick<Pki, 'caPem' | 'frontProxyCaPem'>;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly tokens: ServiceAccountTokens;
  readonly look?: TokenLook;
}

export function openAuthentication(settings: AuthenticationSettings, { pki, reader, clock, tokens, look }: AuthenticationParts): Authentication {
  const clientCaPem = settings.clientCaPem === undefined ? pki.caPem : `${pki.caPem.trim()}\n${settings.clientCaPem}`;
  const requestHeader = settings.requestHeader ?? { caPem: pki.frontProxyCaPem, names: REQUEST_HEADERS };
  const jwt = createJwtAuthenticator(settings.issuers ?? [], clock);
  const webhook = settings.webhook && createTokenWebhook(settings.webhook, clock);
  const authenticator = createAuthenticator({
    reader, clock, tokens, jwt, look,
    ...(webhook && { webhook }),
    ...(settings.staticTokens !== undefined && { staticTokens: settings.staticTokens }),
    ...(settings.anonymous && { anonymous: settings.anonymous }),
    authorities: fingerprints(clientCaPem),
    proxy: { authorities: fingerprints(requestHeader.caPem), names: requestHeader.names },
  });
  const close = (): void => {
    jwt.close();
    webhook?.close();
  };
  return { authenticator, trustedPems: [...certificates(clientCaPem), ...certificates(requestHeader.caPem)], requestHeader, clientCaPem, jwt, close };
}

function certificates(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
}

function fingerprints(pem: string): Set<string> {
  return new Set(certificates(pem).map((one) => new X509Certificate(one).fingerprint256));
}
