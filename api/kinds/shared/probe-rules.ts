/** Probes and lifecycle hooks of containers. */
import { type FieldError, type Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../../types/core.v1.ts';
import { httpHeaderName, portName, portNumber } from './formats.ts';
import { notNegative } from './quantity-rules.ts';

/** The pod's own grace period, which sleeps may not exceed. */
type Grace = number | undefined;

export function checkLiveness(probe: Probe | undefined, grace: Grace, path: Path): FieldError[] {
  if (!probe) return [];
  const once = probe.successThreshold === 1 ? [] : [invalid(path.child('successThreshold'), probe.successThreshold, 'must be 1')];
  return [...checkProbe(probe, grace, path), ...once];
}

/** Startup probes follow the rules of liveness probes. */
export const checkStartup = checkLiveness;

export function checkReadiness(probe: Probe | undefined, grace: Grace, path: Path): FieldError[] {
  if (!probe) return [];
  const field = path.child('terminationGracePeriodSeconds');
  const period = probe.terminationGracePeriodSeconds;
  return [...checkProbe(probe, grace, path), ...(period === undefined ? [] : [invalid(field, period, 'must not be set for readinessProbes')])];
}

export function checkLifecycle(lifecycle: Lifecycle, grace: Grace, path: Path): FieldError[] {
  return (['postStart', 'preStop'] as const).flatMap((hook) => {
    const handler = lifecycle[hook];
    return handler ? checkHandler(handler, grace, path.child(hook)) : [];
  });
}

export function checkPortNumberOrName(port: number | string, path: Path): FieldError[] {
  const reasons = typeof port === 'number' ? portNumber(port) : portName(port);
  return reasons.map((why) => invalid(path, port, why));
}

const COUNTS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const;

function checkProbe(probe: Probe, grace: Grace, path: Path): FieldError[] {
  const errors = checkHandler(probe, grace, path);
  for (const field of COUNTS) errors.push(...notNegative(probe[field], path.child(field)));
  const period = probe.terminationGracePeriodSeconds;
  if (period !== undefined && period <= 0) errors.push(invalid(path.child('terminationGracePeriodSeconds'), period, 'must be greater than 0'));
  return errors;
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>;

function checkHandler(handler: Handler, grace: Grace, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  let found = false;
  for (const type of ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const) {
    if (!handler[type]) continue;
    if (found) errors.push(forbiddenField(path.child(type), 'may not specify more than 1 handler type'));
    else errors.push(...checkAction(handler, type, grace, path.child(type)));
    found = true;
  }
  return found ? errors : [required(path, 'must specify a handler type')];
}

function checkAction(handler: Handler, type: keyof Handler, grace: Grace, path: Path): FieldError[] {
  if (type === 'exec') return handler.exec?.command?.length ? [] : [required(path.child('command'))];
  if (type === 'httpGet' && handler.httpGet) return checkHttpGet(handler.httpGet, path);
  if (type === 'tcpSocket' && handler.tcpSocket) return checkPortNumberOrName(handler.tcpSocket.port, path.child('port'));
  if (type === 'grpc' && handler.grpc) return checkPortNumberOrName(handler.grpc.port, path.child('port'));
  const seconds = handler.sleep?.seconds ?? 0;
  if (grace === undefined || (seconds >= 0 && seconds <= grace)) return [];
  return [invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${grace})`)];
}

const SCHEMES = ['HTTP', 'HTTPS'];

function checkHttpGet(action: HTTPGetAction, path: Path): FieldError[] {
  const errors: FieldError[] = action.path ? [] : [required(path.child('path'))];
  errors.push(...checkPortNumberOrName(action.port, path.child('port')));
  if (!SCHEMES.includes(action.scheme ?? '')) errors.push(notSupported(path.child('scheme'), action.scheme ?? '', SCHEMES));
  for (const { name } of action.httpHeaders ?? []) {
    errors.push(...httpHeaderName(name).map((why) => invalid(path.child('httpHeaders'), name, why)));
  }
  return errors;
}
