/** How a definition may say that its versions are converted. Provenance: apiextensions-apiserver pkg/apis/apiextensions/validation of v0.36. */
import { forbiddenField, invalid, notSupported, type Path, required, type FieldError } from '../../field-error.ts';
import type { CustomResourceConversion, WebhookClientConfig } from '../../types/apiextensions.v1.ts';
import { dns1035Label } from '../shared/formats.ts';

const STRATEGIES = ['None', 'Webhook'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];

export function validateConversion(conversion: CustomResourceConversion | undefined, path: Path): FieldError[] {
  if (!conversion) return [];
  const { strategy = '', webhook } = conversion;
  if (strategy === '') return [required(path.child('strategy'))];
  const errors = STRATEGIES.includes(strategy) ? [] : [notSupported(path.child('strategy'), strategy, STRATEGIES)];
  const config = path.child('webhookClientConfig');
  const versions = webhook?.conversionReviewVersions ?? [];
  if (strategy === 'Webhook') {
    const client = webhook?.clientConfig;
    errors.push(...(client ? validateClient(client, config) : [required(config, 'required when strategy is set to Webhook')]));
    return [...errors, ...validateReviewVersions(versions, path.child('conversionReviewVersions'))];
  }
  const why = 'should not be set when strategy is not set to Webhook';
  if (webhook?.clientConfig) errors.push(forbiddenField(config, why));
  if (versions.length > 0) errors.push(forbiddenField(path.child('conversionReviewVersions'), why));
  return errors;
}

function validateClient({ url, service }: WebhookClientConfig, path: Path): FieldError[] {
  if ((url === undefined) === (service === undefined)) return [required(path, 'exactly one of url or service is required')];
  if (url !== undefined) return validateUrl(url, path.child('url'));
  const field = path.child('service');
  const errors: FieldError[] = [];
  if (!service?.name) errors.push(required(field.child('name'), 'service name is required'));
  if (!service?.namespace) errors.push(required(field.child('namespace'), 'service namespace is required'));
  const { port = 443, path: urlPath } = service ?? {};
  if (port < 1 || port > 65535) errors.push(invalid(field.child('port'), port, `port is not valid: must be between 1 and 65535, inclusive`));
  if (urlPath !== undefined && !urlPath.startsWith('/')) errors.push(invalid(field.child('path'), urlPath, `must start with a '/'`));
  return errors;
}

function validateUrl(text: string, field: Path): FieldError[] {
  const form = '; desired format: https://host[/path]';
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/.exec(text);
  if (!match) return [required(field, `url must be a valid URL: parse ${JSON.stringify(text)}${form}`)];
  const [, scheme = '', host = '', , query, fragment] = match;
  const errors: FieldError[] = [];
  if (scheme !== 'https') errors.push(invalid(field, scheme, `'https' is the only allowed URL scheme${form}`));
  if (host === '') errors.push(invalid(field, host, `host must be specified${form}`));
  if (host.includes('@')) errors.push(invalid(field, host.split('@')[0], `user information is not permitted in the URL`));
  if (fragment) errors.push(invalid(field, fragment.slice(1), `fragments are not permitted in the URL`));
  if (query) errors.push(invalid(field, query.slice(1), `query parameters are not permitted in the URL`));
  return errors;
}

function validateReviewVersions(versions: readonly string[], path: Path): FieldError[] {
  if (versions.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  for (const [at, version] of versions.entries()) {
    if (versions.indexOf(version) < at) errors.push(invalid(path.index(at), version, 'duplicate version'));
    else errors.push(...dns1035Label(version).map((why) => invalid(path.index(at), version, why)));
  }
  if (!versions.some((version) => REVIEW_VERSIONS.includes(version))) errors.push(invalid(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`));
  return errors;
}
