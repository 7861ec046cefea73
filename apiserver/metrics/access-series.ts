/** What authorizers decide and how tokens are known, under upstream's names. */
import type { Clock } from '../../std/clock.ts';
import type { Meter } from '../../std/meter.ts';
import type { TokenLook } from '../auth/authenticator.ts';
import type { OnDecision } from '../auth/authorizer.ts';
import { DEFAULT_SECONDS } from './rule-series.ts';

export function decisionSeries(meter: Meter): OnDecision {
  const decisions = meter.counter({ name: 'apiserver_authorization_decisions_total', help: 'What authorizers decided, by which of them.', labels: ['type', 'name', 'decision'] });
  return (type, name, decision) => decisions.of(type, name, decision === 'allow' ? 'allowed' : 'denied').add();
}

/** Whoever answers at once has known the token. */
export function tokenSeries(meter: Meter, clock: Clock): TokenLook {
  const labels = ['status'];
  const requests = meter.counter({ name: 'authentication_token_cache_request_total', help: 'Tokens by whether they were known.', labels });
  const seconds = meter.histogram({ name: 'authentication_token_cache_request_duration_seconds', help: 'How long tokens took.', labels, buckets: DEFAULT_SECONDS });
  const fetches = meter.counter({ name: 'authentication_token_cache_fetch_total', help: 'Tokens that were not known, by how that ended.', labels });
  const active = meter.gauge({ name: 'authentication_token_cache_active_fetch_count', help: 'Tokens that are being looked at.', labels });
  active.of('blocked').set(0);
  const inFlight = active.of('in_flight');
  const [hits, misses] = ['hit', 'miss'].map((status) => ({ count: requests.of(status), seconds: seconds.of(status) }));
  const end = (cells: typeof hits, beganMs: number): void => {
    cells?.count.add();
    cells?.seconds.observe((clock.monotonic() - beganMs) / 1000);
  };
  return (look) => {
    const beganMs = clock.monotonic();
    let answer: ReturnType<typeof look>;
    try {
      answer = look();
    } catch (error) {
      end(hits, beganMs);
      throw error;
    }
    if (!(answer instanceof Promise)) {
      end(hits, beganMs);
      return answer;
    }
    inFlight.add();
    const over = (status: string): void => {
      inFlight.add(-1);
      fetches.of(status).add();
      end(misses, beganMs);
    };
    return answer.then((found) => (over('ok'), found), (error: unknown) => {
      over('error');
      throw error;
    });
  };
}
