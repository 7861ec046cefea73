/** Whether he may, and on whose behalf he acts. */
import { goQuote } from '../../api/go-quote.ts';
import { ApiError } from '../../api/status.ts';
import type { Attributes, Authorizer, Decision } from '../auth/auth.ts';
import { denied } from '../auth/denial.ts';
import type { Impersonation } from '../auth/impersonate.ts';
import type { Exchange } from '../exchange.ts';
import type { Step } from './chain.ts';

export function impersonate(impersonation: Impersonation): Step {
  return (exchange) => {
    if (!asksToImpersonate(exchange)) return undefined;
    return actAs(exchange, impersonation);
  };
}

async function actAs(exchange: Exchange, impersonation: Impersonation): Promise<void> {
  try {
    exchange.user = await impersonation.impersonate(attributesOf(exchange), exchange.rawHeaders);
  } catch (error) {
    exchange.extraHeaders['X-Content-Type-Options'] = 'nosniff';
    throw error;
  }
}

export function authorize(authorizer: Authorizer): Step {
  return (exchange) => {
    // Superusers are let through before anything else is looked at.
    if (exchange.user.groups.includes('system:masters')) return note(exchange, ALLOWED);
    const attributes = attributesOf(exchange);
    const decision = authorizer.authorize(attributes);
    return decision instanceof Promise ? decision.then((made) => require(made, attributes, exchange)) : require(decision, attributes, exchange);
  };
}

const ALLOWED: Decision = { decision: 'allow', reason: '' };

/** For the audit record. */
function note({ auditAnnotations }: Exchange, { decision, reason }: Decision): void {
  auditAnnotations?.set('authorization.k8s.io/decision', decision === 'allow' ? 'allow' : 'forbid').set('authorization.k8s.io/reason', reason);
}

function require(made: Decision, attributes: Attributes, exchange: Exchange): void {
  note(exchange, made);
  if (made.decision === 'allow') return;
  if (made.error !== undefined) throw failed(exchange, made.error);
  exchange.extraHeaders['X-Content-Type-Options'] = 'nosniff';
  throw denied(attributes, made.reason);
}

/** Nobody could say: that is no refusal. */
function failed({ uri }: Exchange, why: string): ApiError {
  return new ApiError({ code: 500, reason: 'InternalError', message: `Internal Server Error: ${goQuote(uri ?? '')}: ${why}` });
}

export function attributesOf({ user, route, query }: Exchange): Attributes {
  const { verb, group, version, resource, subresource, namespace, path } = route;
  const fieldSelector = query.get('fieldSelector');
  const labelSelector = SELECTING.has(verb) ? query.get('labelSelector') : null;
  const named = fieldSelector && (verb === 'list' || verb === 'watch') && route.name === '' ? nameIn(fieldSelector) : route.name;
  return { user, verb, group, version, resource, subresource, namespace, name: named, path: unescaped(path), ...(fieldSelector !== null && { fieldSelector }), ...(labelSelector !== null && { labelSelector }) };
}

function unescaped(path: string): string {
  try {
    return path.includes('%') ? decodeURIComponent(path) : path;
  } catch {
    return path;
  }
}

/** Verbs that labels select for. */
const SELECTING = new Set(['list', 'watch', 'deletecollection']);

/** A list of one name is about that name. */
function nameIn(fieldSelector: string): string {
  return /(?:^|,)metadata\.name==?([^,]+)/.exec(fieldSelector)?.[1] ?? '';
}

function asksToImpersonate({ headers }: Exchange): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}
