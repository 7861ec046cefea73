/** What a component's calls of the API server and its leadership show as, under client-go's names. */
import type { HttpDoorOptions } from '../../client/http.ts';
import type { LeaderOptions } from '../../client/leader.ts';
import type { Check } from '../../apiserver/readiness.ts';
import type { Clock } from '../../std/clock.ts';
import type { Meter } from '../../std/meter.ts';

const SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const BYTES = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

export function callSeries(meter: Meter): NonNullable<HttpDoorOptions['onCall']> {
  const total = meter.counter({ name: 'rest_client_requests_total', help: 'Calls of the API server by what was answered.', labels: ['code', 'host', 'method'] });
  const seconds = meter.histogram({ name: 'rest_client_request_duration_seconds', help: 'How long answers took.', labels: ['host', 'verb'], buckets: SECONDS });
  const sent = meter.histogram({ name: 'rest_client_request_size_bytes', help: 'Bytes sent.', labels: ['host', 'verb'], buckets: BYTES });
  const received = meter.histogram({ name: 'rest_client_response_size_bytes', help: 'Bytes answered, where that was told beforehand.', labels: ['host', 'verb'], buckets: BYTES });
  return (call) => {
    total.of(call.code, call.host, call.method).add();
    seconds.of(call.host, call.method).observe(call.seconds);
    sent.of(call.host, call.method).observe(call.sent);
    received.of(call.host, call.method).observe(call.received);
  };
}

/** How long a lease lasts, and how late its renewal may be noticed. */
const LATE_MS = 15_000 + 20_000;

export interface Leadership {
  readonly observer: NonNullable<LeaderOptions['observer']>;
  readonly isLeading: () => boolean;
  readonly check: Check;
}

export function leadership(meter: Meter, clock: Clock, lease: string): Leadership {
  const status = meter.gauge({ name: 'leader_election_master_status', help: 'Whether this process leads.', labels: ['name'] }).of(lease);
  let renewedAt = 0;
  return {
    observer: {
      leads: (isLeader) => status.set(isLeader ? 1 : 0),
      renewed: () => (renewedAt = clock.monotonic()),
    },
    isLeading: () => status.value === 1,
    check: { name: 'leaderElection', failing: () => (status.value === 1 && clock.monotonic() - renewedAt > LATE_MS ? `failed election to renew leadership on lease ${lease}` : undefined) },
  };
}
