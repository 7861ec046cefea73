/** What a KubeSchedulerConfiguration says of extenders: servers that are asked about pods over HTTP. */
import { labelKeyProblems } from '../api/selectors/label-syntax.ts';
import { type Fields, type Problems, durationOf, flagOf, listOf, numberOf, strict, textOf } from './strict.ts';

export interface ExtenderSettings {
  readonly urlPrefix: string;
  readonly filterVerb: string;
  readonly prioritizeVerb: string;
  readonly bindVerb: string;
  readonly preemptVerb: string;
  readonly weight: number;
  readonly timeoutMs: number;
  /** It knows the nodes itself: names are enough. */
  readonly nodeCacheCapable: boolean;
  /** Only pods that ask for one of these are its business; none: all pods are. */
  readonly managedResources: readonly string[];
  /** Of those, what it alone counts. */
  readonly ignoredResources: readonly string[];
  /** Its failure is no reason to refuse a pod. */
  readonly ignorable: boolean;
  readonly tls: ExtenderTls | undefined;
}

export interface ExtenderTls {
  readonly insecure: boolean;
  readonly serverName?: string;
  /** PEM, or the file that holds it. */
  readonly ca?: PemSource;
  readonly cert?: PemSource;
  readonly key?: PemSource;
}

export type PemSource = { readonly file: string } | { readonly data: string };

const FIELDS = ['urlPrefix', 'filterVerb', 'preemptVerb', 'prioritizeVerb', 'weight', 'bindVerb', 'enableHTTPS', 'tlsConfig', 'httpTimeout', 'nodeCacheCapable', 'managedResources', 'ignorable'];
const TIMEOUT_MS = 5_000;

export function readExtenders(list: readonly unknown[], problems: Problems): ExtenderSettings[] {
  const extenders = list.map((one, i) => extenderOf(strict(one, `extenders[${i}]`, FIELDS), `extenders[${i}]`, problems));
  const binders = extenders.filter(({ bindVerb }) => bindVerb !== '').length;
  if (binders > 1) problems.add('extenders', `Invalid value: "found ${binders} extenders implementing bind": only one extender can implement bind`);
  return extenders;
}

function extenderOf(fields: Fields, path: string, problems: Problems): ExtenderSettings {
  const text = (key: string): string => textOf(fields, key, path) ?? '';
  const weight = numberOf(fields, 'weight', path, 'int64') ?? 0;
  if (text('prioritizeVerb') !== '' && weight <= 0) problems.add(`${path}.weight`, `Invalid value: ${weight}: must have a positive weight applied to it`);
  const managed = listOf(fields, 'managedResources', path).map((one, i) => strict(one, `${path}.managedResources[${i}]`, ['name', 'ignoredByScheduler']));
  const names = managed.map((one) => String(one.name));
  for (const [i, name] of names.entries()) {
    const at = `${path}.managedResources[${i}].name`;
    if (!name.includes('/') || name.includes('kubernetes.io/') || name.startsWith('requests.') || labelKeyProblems(name).length > 0) problems.add(at, `Invalid value: "${name}": is an invalid extended resource name`);
    if (names.indexOf(name) < i) problems.add(at, `Invalid value: "${name}": duplicate extender managed resource name`);
  }
  const ignored = managed.filter((one, i) => flagOf(one, 'ignoredByScheduler', `${path}.managedResources[${i}]`)).map((one) => String(one.name));
  return {
    urlPrefix: text('urlPrefix').replace(/\/+$/, ''),
    filterVerb: text('filterVerb'),
    prioritizeVerb: text('prioritizeVerb'),
    bindVerb: text('bindVerb'),
    preemptVerb: text('preemptVerb'),
    weight,
    timeoutMs: durationOf(fields, 'httpTimeout', path) || TIMEOUT_MS,
    nodeCacheCapable: flagOf(fields, 'nodeCacheCapable', path) ?? false,
    managedResources: names,
    ignoredResources: ignored,
    ignorable: flagOf(fields, 'ignorable', path) ?? false,
    tls: trusting(flagOf(fields, 'enableHTTPS', path), fields.tlsConfig === undefined || fields.tlsConfig === null ? undefined : tlsOf(fields.tlsConfig, `${path}.tlsConfig`)),
  };
}

/** Where HTTPS is asked for in so many words and no authority is named, any certificate will do. */
function trusting(isAsked: boolean | undefined, tls: ExtenderTls | undefined): ExtenderTls | undefined {
  return isAsked && !tls?.ca ? { ...tls, insecure: true } : tls;
}

function tlsOf(document: unknown, path: string): ExtenderTls {
  const fields = strict(document, path, ['insecure', 'serverName', 'certFile', 'keyFile', 'caFile', 'certData', 'keyData', 'caData']);
  const pem = (key: string): PemSource | undefined => {
    const data = textOf(fields, `${key}Data`, path);
    const file = textOf(fields, `${key}File`, path);
    return data ? { data } : file ? { file } : undefined;
  };
  const [ca, cert, key] = [pem('ca'), pem('cert'), pem('key')];
  if (ca && flagOf(fields, 'insecure', path)) throw new Error("couldn't build extenders: specifying a root certificates file with the insecure flag is not allowed");
  const serverName = textOf(fields, 'serverName', path);
  return { insecure: flagOf(fields, 'insecure', path) ?? false, ...(serverName && { serverName }), ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}
