/** Which function answers what: everything besides the verbs that all resources share. */
import { CUSTOM_SCALE, type Handler, type Handlers } from './dispatch.ts';
import { customScale } from './extensions/custom-scale.ts';
import { nodeMetricsHandler, podMetricsHandler } from './metrics-api/handler.ts';
import { pathsOf } from './paths/paths.ts';
import { reviews } from './reviews/review.ts';
import { execHandler, logHandler, portForwardHandler } from './streaming/pod-streams.ts';
import { nodeProxy, podProxy, serviceProxy } from './streaming/proxies.ts';
import { bind } from './subresources/binding.ts';
import { componentStatuses } from './subresources/component-statuses.ts';
import { evict } from './subresources/eviction.ts';
import { reviewHandler, tokenHandler } from './subresources/reviews.ts';
import { scale } from './subresources/scale.ts';
import type { HandlerParts } from './handler-parts.ts';

const REVIEW_GROUPS: Readonly<Record<string, string>> = {
  tokenreviews: 'authentication.k8s.io', selfsubjectreviews: 'authentication.k8s.io', subjectaccessreviews: 'authorization.k8s.io',
  localsubjectaccessreviews: 'authorization.k8s.io', selfsubjectaccessreviews: 'authorization.k8s.io', selfsubjectrulesreviews: 'authorization.k8s.io',
};

export function handlersOf(parts: HandlerParts): Handlers {
  const { authenticator, tokens, pki, statistics } = parts;
  const subresources = new Map<string, Handler>([
    [CUSTOM_SCALE, customScale],
    ['deployments.apps/scale', scale],
    ['replicasets.apps/scale', scale],
    ['statefulsets.apps/scale', scale],
    ['replicationcontrollers/scale', scale],
    ['pods/binding', bind],
    ['pods/eviction', evict],
    ['serviceaccounts/token', tokenHandler(tokens)],
    ['pods/log', logHandler(pki, statistics)],
    ['pods/exec', execHandler('exec', pki, statistics)],
    ['pods/attach', execHandler('attach', pki, statistics)],
    ['pods/portforward', portForwardHandler(pki, statistics)],
    ['pods/proxy', podProxy],
    ['services/proxy', serviceProxy],
    ['nodes/proxy', nodeProxy(pki, statistics)],
  ]);
  const resources = new Map<string, Handler>([
    ['bindings', bind],
    ['componentstatuses', componentStatuses(parts.ownComponents)],
    ['nodes.metrics.k8s.io', nodeMetricsHandler(statistics)],
    ['pods.metrics.k8s.io', podMetricsHandler(statistics)],
  ]);
  for (const plural of Object.keys(reviews)) resources.set(`${plural}.${REVIEW_GROUPS[plural] ?? ''}`, reviewHandler(plural, authenticator));
  return { subresources, resources, aggregated: (exchange) => parts.aggregator.answer(exchange), paths: pathsOf(parts) };
}
