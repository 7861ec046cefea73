/** Counts who acts as somebody else, by how, and what the authorizers were asked for it, under upstream's names. */
import type { Clock } from '../../std/clock.ts';
import type { Meter } from '../../std/meter.ts';
import type { Impersonation } from '../auth/impersonate.ts';
import { impersonationConstraint } from '../auth/impersonate.ts';
import type { Authorizer, Decision } from '../auth/auth.ts';

const SECONDS = Array.from({ length: 15 }, (_, at) => 0.001 * 2 ** at);
const LABELS = ['mode', 'decision'];
const IMPERSONATE = /^impersonate(?:-on)?(?::([^:]+))?/;

export interface ImpersonationSeries {
  /** The authorizer that an impersonation asks. */
  asked(authorizer: Pick<Authorizer, 'authorize'>): Pick<Authorizer, 'authorize'>;
  counted(impersonation: Impersonation): Impersonation;
}

export function impersonationSeries(meter: Meter, clock: Clock): ImpersonationSeries {
  const family = (name: string, what: string): ((mode: string, isAllowed: boolean, beganMs: number) => void) => {
    const total = meter.counter({ name: `apiserver_impersonation_${name}_total`, help: `${what}, by mode and how they ended.`, labels: LABELS });
    const seconds = meter.histogram({ name: `apiserver_impersonation_${name}_duration_seconds`, help: `How long they took: ${what.toLowerCase()}.`, labels: LABELS, buckets: SECONDS });
    return (mode, isAllowed, beganMs) => {
      const decision = isAllowed ? 'allowed' : 'denied';
      total.of(mode, decision).add();
      seconds.of(mode, decision).observe((clock.monotonic() - beganMs) / 1000);
    };
  };
  const attempted = family('attempts', 'Attempts to act as somebody else');
  const checked = family('authorization_attempts', 'Questions whether somebody may act as another');
  return {
    asked: (authorizer) => ({
      async authorize(attributes): Promise<Decision> {
        const beganMs = clock.monotonic();
        const made = await authorizer.authorize(attributes);
        checked(modeOf(attributes.verb), made.decision === 'allow', beganMs);
        return made;
      },
    }),
    counted: (impersonation) => ({
      async impersonate(attributes, rawHeaders) {
        const beganMs = clock.monotonic();
        const found = impersonation.impersonate(attributes, rawHeaders);
        // Nobody was asked for, or it was asked wrongly.
        if (!(found instanceof Promise)) return found;
        try {
          const user = await found;
          attempted(modeOf(impersonationConstraint(user) ?? 'impersonate'), true, beganMs);
          return user;
        } catch (error) {
          attempted('', false, beganMs);
          throw error;
        }
      },
    }),
  };
}

function modeOf(verb: string): string {
  const found = IMPERSONATE.exec(verb);
  return found ? (found[1] ?? 'legacy') : 'unknown';
}
