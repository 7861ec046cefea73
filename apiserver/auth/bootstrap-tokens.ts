/** Bootstrap tokens: Secrets of type bootstrap.kubernetes.io/token in kube-system, with which nodes join. */
import { timingSafeEqual } from 'node:crypto';
import { secrets } from '../../api/resources.ts';
import type { UserInfo } from './auth.ts';
import type { Reader } from './reader.ts';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

export function isBootstrapToken(token: string): boolean {
  return TOKEN.test(token);
}

/** Undefined when no Secret vouches for the token. */
export function bootstrapTokenUser(token: string, reader: Reader, now: number): UserInfo | undefined {
  const [, id = '', key = ''] = TOKEN.exec(token) ?? [];
  if (!id) return undefined;
  const secret = reader.get(secrets, 'kube-system', `bootstrap-token-${id}`);
  if (!secret || secret.type !== 'bootstrap.kubernetes.io/token' || secret.metadata.deletionTimestamp) return undefined;
  const value = (name: string): string => Buffer.from(secret.data?.[name] ?? '', 'base64').toString('utf8');
  const stored = Buffer.from(value('token-secret'));
  if (stored.length !== key.length || !timingSafeEqual(stored, Buffer.from(key))) return undefined;
  if (value('token-id') !== id || value('usage-bootstrap-authentication') !== 'true') return undefined;
  const expiration = value('expiration');
  if (expiration && !(Date.parse(expiration) > now)) return undefined;
  const extra = value('auth-extra-groups').split(',').filter(Boolean);
  if (extra.some((group) => !GROUP.test(group))) return undefined;
  return { name: `system:bootstrap:${id}`, groups: ['system:bootstrappers', ...extra] };
}
