/** A PUT or apply of what is not there makes it: that takes the right to create, besides the one that let the request in. */
import { attributesOf } from '../chain/authorize.ts';
import { denied } from '../auth/denial.ts';
import type { Core } from '../core.ts';
import type { Exchange } from '../exchange.ts';

/** Throws 403. */
export async function requireCreate({ authorizer }: Core, exchange: Exchange): Promise<void> {
  if (exchange.user.groups.includes('system:masters')) return;
  const attributes = { ...attributesOf(exchange), verb: 'create' };
  const { decision, reason } = await authorizer.authorize(attributes);
  if (decision !== 'allow') throw denied(attributes, reason);
}
