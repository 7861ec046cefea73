/** Reviews and token requests: decoded and admitted here, answered by who knows, stored nowhere. */
import type { ApiObject } from '../../api/kind.ts';
import type { Exchange } from '../exchange.ts';
import { noteSaid } from '../audit/said.ts';
import type { RequestAuthenticator } from '../auth/authenticator.ts';
import type { ServiceAccountTokens } from '../auth/service-account-tokens.ts';
import { trackUpdate } from '../../api/apply/track-update.ts';
import { decodeBody } from '../request/decode.ts';
import { checkNamespace, dropGiven } from '../objects/identity.ts';
import { trackManager } from '../objects/managed-fields.ts';
import type { Handler } from '../dispatch.ts';
import { reviews } from '../reviews/review.ts';
import { requestToken } from '../reviews/token-request.ts';
import { managerOf, parseWriteOptions } from '../request/write-options.ts';
import { admitBody } from './admit-body.ts';

export function reviewHandler(plural: string, authenticator: RequestAuthenticator): Handler {
  const review = reviews[plural];
  if (!review) throw new Error(`nobody answers ${plural}`);
  return async (core, exchange, resource) => {
    const options = parseWriteOptions(exchange, 'CreateOptions');
    const { kind, version, apiVersion } = resource;
    const object = await decodeBody(exchange, { apiVersion, kind: kind.kind, schema: version.schema }, options.fieldValidation);
    checkNamespace(object, exchange.route, resource);
    dropGiven(object);
    version.defaults?.(object);
    noteSaid(exchange, object);
    await trackManager({ resource, exchange, options, old: undefined, object, now: core.clock.now() });
    const admitted = await admitBody(core, exchange, resource, { object, options });
    const answer = await review({ user: exchange.user, namespace: exchange.route.namespace, object: admitted }, { authorizer: core.authorizer, authenticator });
    return { type: 'document', code: 201, object: answer };
  };
}

const DEFAULT_SECONDS = 3600;

export function tokenHandler(tokens: ServiceAccountTokens): Handler {
  return async (core, exchange, resource) => {
    const options = parseWriteOptions(exchange, 'CreateOptions');
    const schema = { type: 'io.k8s.api.authentication.v1.TokenRequest' };
    const object = await decodeBody(exchange, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', schema }, options.fieldValidation);
    dropGiven(object);
    const now = core.clock.now();
    const spec = (object['spec'] ??= {}) as { expirationSeconds?: number | null };
    spec.expirationSeconds ??= DEFAULT_SECONDS;
    noteSaid(exchange, object);
    trackUpdate({ schema, live: undefined, next: object, manager: managerOf(options, exchange), apiVersion: object.apiVersion, subresource: 'token', now });
    const { namespace, name } = exchange.route;
    const admitted = await admitBody(core, exchange, resource, { object, options, complete: ({ metadata }) => { metadata.name ||= name; metadata.namespace ||= namespace; } });
    const answer = await requestToken({ object: admitted, namespace, name, now }, { reader: core.reader, tokens });
    noteCredential(exchange, answer);
    return { type: 'document', code: 201, object: answer };
  };
}

/** By which uses of the token can be found again. */
function noteCredential({ auditAnnotations }: Exchange, { status }: ApiObject): void {
  if (!auditAnnotations) return;
  const { token = '' } = (status ?? {}) as { token?: string };
  const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString() || '{}') as { jti?: string };
  if (jti) auditAnnotations.set('authentication.kubernetes.io/issued-credential-id', `JTI=${jti}`);
}
