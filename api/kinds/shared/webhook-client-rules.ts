/** Where a webhook is called: a URL or a Service. */
import { parseUrl } from '../../go-url.ts';
import { type FieldError, type Path, invalid, required } from '../../field-error.ts';
import type { WebhookClientConfig } from '../../types/admissionregistration.v1.ts';
import { dnsSubdomain, portNumber } from './formats.ts';

const FORM = '; desired format: https://host[/path]';

export function checkWebhookClient(client: WebhookClientConfig | undefined, path: Path): FieldError[] {
  if (!client || (client.url === undefined) === (client.service === undefined)) return [required(path, 'exactly one of url or service is required')];
  if (client.url !== undefined) return checkUrl(client.url, path.child('url'));
  return client.service ? checkServiceReference(client.service, path.child('service')) : [];
}

function checkUrl(text: string, path: Path): FieldError[] {
  const url = parseUrl(text);
  if (typeof url === 'string') return [required(path, `url must be a valid URL: ${url}${FORM}`)];
  const [, scheme = '', authority = '', , query = '', fragment = ''] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/.exec(text) ?? [];
  const at = authority.lastIndexOf('@');
  const errors: FieldError[] = [];
  if (scheme.toLowerCase() !== 'https') errors.push(invalid(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${FORM}`));
  if (authority.slice(at + 1) === '') errors.push(invalid(path, '', `host must be specified${FORM}`));
  if (at >= 0) errors.push(invalid(path, authority.slice(0, at), 'user information is not permitted in the URL'));
  if (fragment !== '') errors.push(invalid(path, fragment, 'fragments are not permitted in the URL'));
  return query === '' ? errors : [...errors, invalid(path, query, 'query parameters are not permitted in the URL')];
}

/** Upstream hands name and namespace over in the wrong order, so that the other one is missed. */
function checkServiceReference(service: NonNullable<WebhookClientConfig['service']>, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (!service.namespace) errors.push(required(path.child('name')));
  if (!service.name) errors.push(required(path.child('namespace')));
  const port = service.port ?? 0;
  const wrong = portNumber(port);
  if (wrong.length > 0) errors.push(invalid(path.child('port'), port, `port is not valid: ${wrong.join(', ')}`));
  return [...errors, ...checkPath(service.path ?? '', path.child('path'))];
}

function checkPath(text: string, path: Path): FieldError[] {
  if (text === '' || text === '/') return [];
  if (text === '//') return [invalid(path, text, 'segment[0] may not be empty')];
  const errors = text.startsWith('/') ? [] : [invalid(path, text, "must start with a '/'")];
  // Upstream cuts off the first byte, which may be a part of a character.
  const rest = (text.codePointAt(0) ?? 0) < 0x80 ? text.slice(1) : `\uFFFD${text.slice(1)}`;
  for (const [at, step] of rest.replace(/\/$/, '').split('/').entries()) {
    if (step === '') errors.push(invalid(path, text, `segment[${at}] may not be empty`));
    else errors.push(...dnsSubdomain(step).map((why) => invalid(path, text, `segment[${at}]: ${why}`)));
  }
  return errors;
}
