/** Audit records in the form of audit.k8s.io/v1. */
import type { UserInfo } from '../auth/auth.ts';
import type { Exchange } from '../exchange.ts';
import type { Level, Stage } from './policy.ts';

export interface AuditEvent {
  readonly kind: 'Event';
  readonly apiVersion: 'audit.k8s.io/v1';
  readonly level: Level;
  readonly auditID: string;
  readonly stage: Stage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: object;
  readonly impersonatedUser?: object;
  /** By which constrained mode somebody acts as another. */
  readonly authenticationMetadata?: { readonly impersonationConstraint: string };
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: object;
  readonly responseStatus?: object;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What is known of a request before anything was done about it. */
export type Opening = Omit<AuditEvent, 'stage' | 'stageTimestamp'>;

const AGENT_LIMIT = 1024;
const CUT = '...TRUNCATED';

/** `user` undefined: nobody vouched for the caller. */
export function openingOf(exchange: Exchange, level: Level, user: UserInfo | undefined, nowMs: number): Opening {
  const { id, route, headers, uri } = exchange;
  const agent = headers['user-agent'] ?? '';
  const addresses = sourcesOf(exchange);
  return {
    kind: 'Event', apiVersion: 'audit.k8s.io/v1', level, auditID: id, requestURI: uri, verb: route.verb, user: user ? userOf(user) : {},
    ...(addresses.length > 0 && { sourceIPs: addresses }),
    ...(agent !== '' && { userAgent: agent.length > AGENT_LIMIT ? agent.slice(0, AGENT_LIMIT) + CUT : agent }),
    ...(route.isResource && { objectRef: refOf(exchange) }),
    requestReceivedTimestamp: microTime(nowMs),
  };
}

export function userOf({ name, uid, groups, extra }: UserInfo): object {
  return { username: name, ...(uid && { uid }), ...(groups.length > 0 && { groups }), ...(extra && Object.keys(extra).length > 0 && { extra }) };
}

/** Milliseconds are what the clock has; the form has six places. */
export function microTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace('Z', '000Z');
}

/** Proxies name whom they speak for; the connection's own address comes last. */
function sourcesOf({ headers, remoteAddress }: Exchange): string[] {
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',').map((text) => text.trim()).filter((text) => text !== '');
  const real = String(headers['x-real-ip'] ?? '').trim();
  if (real !== '' && !forwarded.includes(real)) forwarded.push(real);
  if (remoteAddress !== undefined && forwarded.at(-1) !== remoteAddress) forwarded.push(remoteAddress);
  return forwarded;
}

function refOf({ route }: Exchange): object {
  const { resource, namespace, name, group, version, subresource } = route;
  return {
    resource, ...(namespace !== '' && { namespace }), ...(name !== '' && { name }), ...(group !== '' && { apiGroup: group }), ...(version !== '' && { apiVersion: version }),
    ...(subresource !== '' && { subresource }),
  };
}
