/** `/statusz` and `/flagz`: what this server is and how it was started, for people as text, for programs in versions of config.k8s.io. */
import { ApiError } from '../../api/status.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { encodeDocument } from '../forms/encode.ts';
import { contentType, type Media } from '../request/negotiate.ts';
import { VERSION } from '../version.ts';

export interface ZpageFacts {
  /** Default: the API server. */
  readonly component?: string;
  readonly startedMs: number;
  readonly nowMs: number;
  /** All paths that are listed at the root. */
  readonly paths: readonly string[];
  readonly flags: Readonly<Record<string, string>>;
}

const COMPONENT = 'apiserver';
const GROUP = 'config.k8s.io';
const VERSIONS = ['v1beta1', 'v1alpha1'];
const DEPRECATED = 'v1alpha1';
const TYPES = ['application/json', 'application/yaml', 'text/plain'];
/** First parts of paths that are there for clients rather than for looking at the server. */
const FOR_CLIENTS = new Set(['apis', 'api', 'openid', 'openapi', '.well-known']);
const WARNING = 'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';

export function statusz(exchange: Exchange, { component, startedMs, nowMs, paths }: ZpageFacts): Answer {
  const uptimeSeconds = Math.max(0, Math.floor((nowMs - startedMs) / 1000));
  const shown = [...new Set(paths.map((path) => path.split('/')[1] ?? ''))].filter((part) => part !== '' && !FOR_CLIENTS.has(part)).sort().map((part) => `/${part}`);
  const binaryVersion = VERSION.gitVersion.slice(1);
  const emulationVersion = `${VERSION.emulationMajor}.${VERSION.emulationMinor}`;
  const startTime = new Date(Math.floor(startedMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
  return answerAs(exchange, { kind: 'Statusz', component }, { startTime, uptimeSeconds, goVersion: VERSION.goVersion, binaryVersion, emulationVersion, paths: shown }, () => [
    '', `Started: ${unixDate(startedMs)}`, `Up: ${upFor(uptimeSeconds)}`, `Go version: ${VERSION.goVersion}`, `Binary version: ${binaryVersion}`, `Emulation version: ${emulationVersion}`, `Paths: ${shown.join(' ')}`,
  ]);
}

export function flagz(exchange: Exchange, { component, flags }: ZpageFacts): Answer {
  const sorted = Object.entries(flags).sort(([a], [b]) => (a < b ? -1 : 1));
  return answerAs(exchange, { kind: 'Flagz', component }, sorted.length > 0 ? { flags: Object.fromEntries(sorted) } : {}, () => sorted.map(([name, value]) => `${name}=${value}`));
}

function answerAs(exchange: Exchange, { kind, component = COMPONENT }: { readonly kind: 'Statusz' | 'Flagz'; readonly component: string | undefined }, fields: object, lines: () => readonly string[]): Answer {
  const asked = versionFor(exchange.headers.accept ?? '', kind);
  if (asked === 'text') return { type: 'text', code: 200, text: `\n${component} ${kind.toLowerCase()}\n${WARNING}\n${lines().join('\n')}\n`, contentType: 'text/plain; charset=utf-8' };
  const { version, media } = asked;
  if (version === DEPRECATED) exchange.warnings.push(`This version of the ${kind.toLowerCase()} endpoint is deprecated. Please use a newer version.`);
  const object = { kind, apiVersion: `${GROUP}/${version}`, metadata: { name: component }, ...fields };
  return { type: 'document', code: 200, object, bytes: encodeDocument(object, { media, pretty: false }), contentType: contentType(media) };
}

/** Nothing said, or text: text. Else the version that is named. Throws 406. */
function versionFor(accept: string, kind: string): 'text' | { readonly version: string; readonly media: Media } {
  if (accept.trim() === '') return 'text';
  for (const clause of accept.split(',')) {
    const [type = '', ...rest] = clause.split(';').map((part) => part.trim());
    const parameters = new Map(rest.map((part) => part.split('=', 2) as [string, string]));
    const isStructured = type === 'application/json' || type === 'application/yaml';
    if ((type === 'text/plain' || type === 'text/*' || type === '*/*') && !parameters.has('as')) return 'text';
    const version = parameters.get('v') ?? '';
    if (isStructured && parameters.get('as') === kind && parameters.get('g') === GROUP && VERSIONS.includes(version)) return { version, media: type === 'application/yaml' ? 'yaml' : 'json' };
  }
  throw new ApiError({ code: 406, reason: 'NotAcceptable', message: `only the following media types are accepted: ${TYPES.join(', ')}` });
}

/** `Sat Nov  7 22:00:22 UTC 2026`: how Go's UnixDate writes a time. */
function unixDate(ms: number): string {
  const [weekday = '', day = '', month = '', year = '', time = ''] = new Date(ms).toUTCString().split(' ');
  return `${weekday.slice(0, 3)} ${month} ${String(Number(day)).padStart(2)} ${time} UTC ${year}`;
}

function upFor(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60) % 60)} min ${two(seconds % 60)} sec`;
}
