/**
 * Acting as somebody else: `Impersonate-*` headers, the constrained modes of v1.36 and the old one.
 *
 * The modes are tried in a fixed order, the one that last let this caller through first; the refusal that is shown is the
 * first. Provenance: apiserver/pkg/endpoints/filters/impersonation of v0.36.
 */
import { goQuote } from '../../api/go-quote.ts';
import { badRequest } from '../../api/status.ts';
import type { Attributes, Authorizer, UserInfo } from './auth.ts';
import { denied } from './denial.ts';
import { headerText } from './header-text.ts';

export interface Impersonation {
  /**
   * The user that the request goes on as: `attributes.user` himself when no header asks otherwise. Throws 400 and 403.
   * `rawHeaders` is Node's flat list of names and values: it keeps repeated headers apart.
   */
  impersonate(attributes: Attributes, rawHeaders: readonly string[]): Promise<UserInfo> | UserInfo;
}

/** Callers whose last successful mode is remembered; the oldest is forgotten. */
const REMEMBERED_LIMIT = 10_000;
/** From so many groups or extra values on, one question with a star is tried before the single ones. */
const MANY = 4;
const AUTHENTICATION = 'authentication.k8s.io';
const MODES = ['associated-node', 'arbitrary-node', 'serviceaccount', 'user-info', 'legacy'] as const;
type Mode = (typeof MODES)[number];

interface Wanted {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

const constraints = new WeakMap<UserInfo, string>();

/** The verb of the constrained mode in which somebody acts as this user; undefined in the old one. */
export function impersonationConstraint(user: UserInfo): string | undefined {
  return constraints.get(user);
}

export function createImpersonation(authorizer: Pick<Authorizer, 'authorize'>): Impersonation {
  const lastMode = new Map<string, Mode>();
  return {
    impersonate(attributes, rawHeaders) {
      const wanted = wantedUser(rawHeaders);
      if (!wanted) return attributes.user;
      return actAs(wanted, attributes);
    },
  };

  async function actAs(wanted: Wanted, attributes: Attributes): Promise<UserInfo> {
    const caller = attributes.user.name;
    const last = lastMode.get(caller);
    let refusal: unknown;
    for (const mode of last ? [last, ...MODES.filter((other) => other !== last)] : MODES) {
      if (!applies(mode, wanted, attributes.user)) continue;
      try {
        const user = await check(mode, wanted, attributes);
        if (mode !== 'legacy') constraints.set(user, `impersonate:${mode}`);
        lastMode.delete(caller);
        lastMode.set(caller, mode);
        if (lastMode.size > REMEMBERED_LIMIT) lastMode.delete(lastMode.keys().next().value as string);
        return user;
      } catch (error) {
        refusal ??= error;
      }
    }
    throw refusal;
  }

  async function check(mode: Mode, wanted: Wanted, attributes: Attributes): Promise<UserInfo> {
    const constrained = mode !== 'legacy';
    const requestor = attributes.user;
    if (constrained) await require({ ...attributes, verb: `impersonate-on:${mode}:${attributes.verb}` });
    const verb = constrained ? `impersonate:${mode}` : 'impersonate';
    const about = (resource: string, name: string, more: Partial<Attributes> = {}): Attributes => ({
      user: requestor, verb, group: constrained ? AUTHENTICATION : '', version: 'v1', resource, subresource: '', namespace: '', name, path: '', ...more,
    });
    const node = constrained ? nodeName(wanted.name) : undefined;
    const account = serviceAccount(wanted.name);
    if (node !== undefined) await require(about('nodes', mode === 'associated-node' ? '*' : node));
    else if (account) await require(about('serviceaccounts', account.name, { namespace: account.namespace }));
    else await require(about('users', wanted.name));
    if (wanted.uid) await require(about('uids', wanted.uid, { group: AUTHENTICATION }));
    await checkGroups(wanted.groups, constrained, (name) => about('groups', name));
    await checkExtra(wanted.extra, constrained, (key, value) => about('userextras', value, { group: AUTHENTICATION, subresource: key }));
    return actualUser(wanted, node, account);
  }

  async function checkGroups(groups: readonly string[], constrained: boolean, about: (name: string) => Attributes): Promise<void> {
    if (constrained && groups.includes('')) throw denied(about(''), 'impersonating the empty string group is not allowed');
    if (constrained && groups.includes('system:masters')) throw denied(about('system:masters'), 'impersonating the system:masters group is not allowed');
    if (constrained && groups.length >= MANY && (await authorizer.authorize(about('*'))).decision === 'allow') return;
    for (const group of groups) await require(about(group));
  }

  async function checkExtra(extra: ReadonlyMap<string, readonly string[]>, constrained: boolean, about: (key: string, value: string) => Attributes): Promise<void> {
    if (constrained) for (const [key, values] of extra) {
      const why = wrongExtra(key, values);
      if (why !== undefined) throw denied(about('', ''), `impersonating ${why}`);
    }
    const count = Math.max(extra.size, [...extra.values()].reduce((sum, values) => sum + values.length, 0));
    if (constrained && count >= MANY && (await authorizer.authorize(about('*', '*'))).decision === 'allow') return;
    for (const [key, values] of extra) for (const value of values) await require(about(key, value));
  }

  async function require(attributes: Attributes): Promise<void> {
    const { decision, reason } = await authorizer.authorize(attributes);
    if (decision !== 'allow') throw denied(attributes, reason);
  }
}

const DOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const PATH = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

/** What the constrained modes do not take for a key with its values. */
function wrongExtra(key: string, values: readonly string[]): string | undefined {
  if (key === '') return 'the empty string key in extra is not allowed';
  const slash = key.indexOf('/');
  const [host, path] = slash < 0 ? ['', ''] : [key.slice(0, slash), key.slice(slash + 1)];
  const wrong = (value: string, why: string): string => `an invalid key in extra is not allowed: extra.key: Invalid value: ${goQuote(value)}: ${why}`;
  if (host === '' || path === '') return wrong(key, 'must be a domain-prefixed path (such as "acme.io/foo")');
  if (!DOMAIN.test(host)) return wrong(host, labelProblem);
  if (!PATH.test(path)) return wrong(path, `Invalid path (regex used for validation is '${PATH.source.slice(1, -1)}')`);
  return values.includes('') ? 'the empty string value in extra is not allowed' : undefined;
}

const labelProblem = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** Undefined when no header asks for it. */
function wantedUser(rawHeaders: readonly string[]): Wanted | undefined {
  // Of these the first counts, empty or not.
  let name: string | undefined;
  let uid: string | undefined;
  const groups: string[] = [];
  const extra = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = (rawHeaders[at] as string).toLowerCase();
    if (!header.startsWith('impersonate-')) continue;
    const value = headerText(rawHeaders[at + 1] as string);
    if (header === 'impersonate-user') name ??= value;
    else if (header === 'impersonate-uid') uid ??= value;
    else if (header === 'impersonate-group') groups.push(value);
    else if (header.startsWith(EXTRA_PREFIX)) {
      const key = decode(header.slice(EXTRA_PREFIX.length));
      extra.set(key, [...(extra.get(key) ?? []), value]);
    }
  }
  if (name) return { name, uid: uid ?? '', groups, extra };
  if (!uid && groups.length === 0 && extra.size === 0) return undefined;
  throw badRequest(`requested ${goUser(uid ?? '', groups, extra)} without impersonating a user name`);
}

/** As upstream's message shows it. */
function goUser(uid: string, groups: readonly string[], extra: Wanted['extra']): string {
  const list = (values: readonly string[]): string => `[]string${values.length === 0 ? '(nil)' : `{${values.map(goQuote).join(', ')}}`}`;
  const pairs = [...extra].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, values]) => `${goQuote(key)}:${list(values)}`);
  return `&user.DefaultInfo{Name:"", UID:${goQuote(uid)}, Groups:${list(groups)}, Extra:map[string][]string${pairs.length === 0 ? '(nil)' : `{${pairs.join(', ')}}`}}`;
}

const EXTRA_PREFIX = 'impersonate-extra-';

/** Escapes stand for bytes, which need not make sense together; a key with a broken one is taken as it is. */
function decode(key: string): string {
  if (!key.includes('%') || /%(?![0-9a-f]{2})/i.test(key)) return key;
  return Buffer.from(key.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))), 'latin1').toString();
}

/** Whether a mode is for such users at all. */
function applies(mode: Mode, wanted: Wanted, requestor: UserInfo): boolean {
  const nameOnly = !wanted.uid && wanted.groups.length === 0 && wanted.extra.size === 0;
  const node = nodeName(wanted.name);
  const account = serviceAccount(wanted.name);
  switch (mode) {
    case 'associated-node':
      return nameOnly && node !== undefined && requestor.name.startsWith('system:serviceaccount:') && requestor.extra?.['authentication.kubernetes.io/node-name']?.join() === node;
    case 'arbitrary-node':
      return nameOnly && node !== undefined;
    case 'serviceaccount':
      return nameOnly && account !== undefined;
    case 'user-info':
      return node === undefined && account === undefined;
    case 'legacy':
      return true;
  }
}

function actualUser(wanted: Wanted, node: string | undefined, account: { readonly namespace: string } | undefined): UserInfo {
  let groups = [...wanted.groups];
  if (node !== undefined) groups = ['system:nodes'];
  else if (account && groups.length === 0) groups = ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`];
  const own = wanted.name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  if (!groups.includes(own) && !groups.includes('system:unauthenticated')) groups.push(own);
  return {
    name: wanted.name,
    groups,
    ...(wanted.uid && { uid: wanted.uid }),
    ...(wanted.extra.size > 0 && { extra: Object.fromEntries(wanted.extra) }),
  };
}

const NODE = 'system:node:';
const ACCOUNT = 'system:serviceaccount:';

function nodeName(user: string): string | undefined {
  if (!user.startsWith(NODE)) return undefined;
  const name = user.slice(NODE.length);
  return isSubdomain(name) ? name : undefined;
}

/** The parts of a ServiceAccount's user name. */
export function serviceAccount(user: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!user.startsWith(ACCOUNT)) return undefined;
  const [namespace = '', name = '', ...more] = user.slice(ACCOUNT.length).split(':');
  return more.length === 0 && LABEL.test(namespace) && isSubdomain(name) ? { namespace, name } : undefined;
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN_LIMIT = 253;

function isSubdomain(name: string): boolean {
  return name.length <= SUBDOMAIN_LIMIT && DOMAIN.test(name);
}
