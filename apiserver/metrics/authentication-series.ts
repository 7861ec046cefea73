/** Counts who comes, and whether he may: wrapped around the steps that find out. */
import type { Clock } from '../../std/clock.ts';
import { ApiError } from '../../api/status.ts';
import type { Cell, HistogramCell, Meter } from '../../std/meter.ts';
import type { Step } from '../chain/chain.ts';
import type { Exchange } from '../exchange.ts';

const SECONDS = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384];
const HOUR = 3_600;
const DAY = 24 * HOUR;
/** What is left of a certificate's life: from none to a year. */
const LEFT_SECONDS = [0, HOUR / 2, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 30 * DAY, 90 * DAY, 180 * DAY, 360 * DAY];

export function countAuthentication(meter: Meter, clock: Clock, authenticate: Step): Step {
  const attempts = meter.counter({ name: 'authentication_attempts', help: 'Requests by whether somebody vouched for the caller.', labels: ['result'] });
  const seconds = meter.histogram({ name: 'authentication_duration_seconds', help: 'How long it took to find out who asks.', labels: ['result'], buckets: SECONDS });
  const left = meter.histogram({ name: 'apiserver_client_certificate_expiration_seconds', help: 'What was left of the life of client certificates.', buckets: LEFT_SECONDS });
  const cells = (result: string): { readonly count: () => void; readonly seconds: HistogramCell } => {
    const cell = attempts.of(result);
    return { count: () => cell.add(), seconds: seconds.of(result) };
  };
  const [passed, failed] = [cells('success'), cells('error')];
  const ends = new WeakMap<object, number>();
  const certificateOf = ({ body, credentials }: Exchange): void => {
    const certificate = body.form === 'bytes' ? credentials.certificate : undefined;
    if (!certificate) return;
    let end = ends.get(certificate);
    if (end === undefined) ends.set(certificate, (end = Date.parse(certificate.valid_to)));
    left.of().observe((end - clock.now()) / 1000);
  };
  const done = ({ count, seconds: cell }: typeof passed, beganMs: number): void => {
    count();
    cell.observe((clock.monotonic() - beganMs) / 1000);
  };
  const refused = (error: unknown, beganMs: number): never => {
    done(failed, beganMs);
    throw error;
  };
  return (exchange) => {
    const beganMs = clock.monotonic();
    try {
      const pending = authenticate(exchange);
      if (pending) return pending.then(() => (certificateOf(exchange), done(passed, beganMs)), (error: unknown) => refused(error, beganMs));
    } catch (error) {
      refused(error, beganMs);
    }
    certificateOf(exchange);
    return done(passed, beganMs);
  };
}

/** Authorizers that refuse have no opinion, all but webhooks; whatever else they throw is an error. */
type AuthorizationResult = 'allowed' | 'no-opinion' | 'error';

export function countAuthorization(meter: Meter, clock: Clock, authorize: Step): Step {
  const attempts = meter.counter({ name: 'authorization_attempts_total', help: 'Requests by whether their user may.', labels: ['result'] });
  const seconds = meter.histogram({ name: 'authorization_duration_seconds', help: 'How long it took to find out whether a user may.', labels: ['result'], buckets: SECONDS });
  const users = meter.counter({ name: 'authenticated_user_requests', help: 'Requests by the kind of user names.', labels: ['username'] });
  const cells = (result: AuthorizationResult): { readonly count: Cell; readonly seconds: HistogramCell } => ({ count: attempts.of(result), seconds: seconds.of(result) });
  const [allowed, refused, failed] = [cells('allowed'), cells('no-opinion'), cells('error')];
  const userCells = new Map<string, Cell>();
  const done = ({ count, seconds: took }: typeof allowed, beganMs: number): void => {
    count.add();
    took.observe((clock.monotonic() - beganMs) / 1000);
  };
  const not = (error: unknown, beganMs: number): never => {
    done(error instanceof ApiError && error.code === 403 ? refused : failed, beganMs);
    throw error;
  };
  return (exchange) => {
    const kind = userKind(exchange.user.name);
    let cell = userCells.get(kind);
    if (!cell) userCells.set(kind, (cell = users.of(kind)));
    cell.add();
    const beganMs = clock.monotonic();
    try {
      const pending = authorize(exchange);
      if (pending) return pending.then(() => done(allowed, beganMs), (error: unknown) => not(error, beganMs));
    } catch (error) {
      not(error, beganMs);
    }
    return done(allowed, beganMs);
  };
}

const KNOWN_USERS = new Set(['admin', 'client', 'kube_proxy', 'kubelet', 'system:serviceaccount:kube-system:default']);

/** Few enough to be counted apart, as upstream tells them. */
function userKind(name: string): string {
  if (KNOWN_USERS.has(name)) return name;
  return name.includes('@') ? 'email_id' : 'other';
}
