/** The rules for APIServices. Their name is their version and group. */
import { goQuote } from '../../go-quote.ts';
import { type FieldError, Path, invalid, notSupported, required } from '../../field-error.ts';
import type { APIService } from '../../types/apiregistration.v1.ts';
import { base64Length } from '../shared/base64.ts';
import { dns1035Label, dnsSubdomain, inRange, pathSegment } from '../shared/formats.ts';

const SPEC = Path.of('spec');
const MAX_GROUP_PRIORITY = 20000;
const MAX_VERSION_PRIORITY = 1000;

const STATUSES = ['True', 'False', 'Unknown'];

export function validateApiServiceStatus({ status }: APIService): FieldError[] {
  return (status?.conditions ?? []).flatMap((condition, at) => {
    const path = Path.of('status', 'conditions').index(at).child('status');
    return STATUSES.includes(condition.status) ? [] : [notSupported(path, condition.status ?? '', STATUSES)];
  });
}

export function validateApiService({ metadata, spec }: APIService): FieldError[] {
  if (!spec) return [];
  const { group = '', version = '', service } = spec;
  const name = `${version}.${group}`;
  const errors: FieldError[] = [];
  if (metadata.name !== name && pathSegment(metadata.name ?? '', false).length === 0) errors.push(invalid(Path.of('metadata', 'name'), metadata.name ?? '', `must be \`spec.version+"."+spec.group\`: ${goQuote(name)}`));
  if (group === '') {
    if (version !== 'v1') errors.push(required(SPEC.child('group'), 'only v1 may have an empty group and it better be legacy kube'));
  } else errors.push(...dnsSubdomain(group).map((why) => invalid(SPEC.child('group'), group, why)));
  errors.push(...dns1035Label(version).map((why) => invalid(SPEC.child('version'), version, why)));
  const [low, high] = [spec.groupPriorityMinimum, spec.versionPriority];
  if (low <= 0 || low > MAX_GROUP_PRIORITY) errors.push(invalid(SPEC.child('groupPriorityMinimum'), low, `must be positive and less than ${MAX_GROUP_PRIORITY}`));
  if (high <= 0 || high > MAX_VERSION_PRIORITY) errors.push(invalid(SPEC.child('versionPriority'), high, `must be positive and less than ${MAX_VERSION_PRIORITY}`));
  if (!service) {
    if (spec.caBundle) errors.push(invalid(SPEC.child('caBundle'), `${base64Length(spec.caBundle)} bytes`, 'local APIServices may not have a caBundle'));
    if (spec.insecureSkipTLSVerify) errors.push(invalid(SPEC.child('insecureSkipTLSVerify'), true, 'local APIServices may not have insecureSkipTLSVerify'));
    return errors;
  }
  if (!service.namespace) errors.push(required(SPEC.child('service', 'namespace')));
  if (!service.name) errors.push(required(SPEC.child('service', 'name')));
  const port = service.port ?? 0;
  errors.push(...inRange(port, 1, 65535).map((why) => invalid(SPEC.child('service', 'port'), port, `port is not valid: ${why}`)));
  if (spec.insecureSkipTLSVerify && spec.caBundle) {
    errors.push(invalid(SPEC.child('insecureSkipTLSVerify'), true, 'may not be true if caBundle is present'));
  }
  return errors;
}
