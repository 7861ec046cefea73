/** What to answer to a question about the cluster's zone, or that somebody else must be asked. Pure. */
import type { DnsRecord, Records } from './records.ts';

export interface Question {
  readonly name: string;
  readonly type: string;
}

export type Answer =
  | { readonly kind: 'answer'; readonly code: 'NOERROR' | 'NXDOMAIN'; readonly records: readonly NamedRecord[] }
  /** An alias that leads out of the zone: the rest is for the upstream servers to say. */
  | { readonly kind: 'alias'; readonly records: readonly NamedRecord[]; readonly target: string }
  | { readonly kind: 'forward' };

export type NamedRecord = (DnsRecord | { readonly type: 'PTR'; readonly data: string } | { readonly type: 'TXT'; readonly data: string }) & { readonly name: string };

/** Whether a namespace exists: pods' address names (`10-0-0-1.ns.pod.zone`) are answered only in those. */
export type HasNamespace = (name: string) => boolean;

const DNS_VERSION = '1.1.0';
const ALIAS_LIMIT = 8;

export function answer(question: Question, records: Records, hasNamespace: HasNamespace): Answer {
  const name = question.name.toLowerCase().replace(/\.$/, '');
  const type = question.type.toUpperCase();
  const reversed = reverseAddress(name);
  if (reversed !== undefined) {
    const names = records.namesOf(reversed);
    if (names.length === 0) return { kind: 'forward' };
    return found(type === 'PTR' || type === 'ANY' ? names.map((data) => ({ name, type: 'PTR', data })) : []);
  }
  if (name !== records.zone && !name.endsWith(`.${records.zone}`)) return { kind: 'forward' };
  return inZone(name, question.name, type, records, hasNamespace);
}

function inZone(name: string, asked: string, type: string, records: Records, hasNamespace: HasNamespace): Answer {
  if (name === `dns-version.${records.zone}`) return found(type === 'TXT' ? [{ name: asked, type: 'TXT', data: DNS_VERSION }] : []);
  const pod = podAddress(name, records.zone, hasNamespace);
  if (pod === 'none') return { kind: 'answer', code: 'NXDOMAIN', records: [] };
  if (pod !== undefined) return found(pod && type === (pod.includes(':') ? 'AAAA' : 'A') ? [{ name: asked, type, data: pod }] : []);

  const out: NamedRecord[] = [];
  let at = name;
  for (let step = 0; step < ALIAS_LIMIT; step++) {
    const known = at === records.zone ? [] : records.get(at);
    if (!known) return at === name ? { kind: 'answer', code: 'NXDOMAIN', records: [] } : found(out);
    const label = step === 0 ? asked : at;
    const alias = known.find((record) => record.type === 'CNAME');
    if (!alias || type === 'CNAME') {
      out.push(...known.filter((record) => record.type === type || type === 'ANY').map((record) => ({ ...record, name: label })));
      return found(out);
    }
    out.push({ ...alias, name: label });
    at = String(alias.data).toLowerCase();
    if (!at.endsWith(`.${records.zone}`)) return { kind: 'alias', records: out, target: at };
  }
  return found(out);
}

function found(records: readonly NamedRecord[]): Answer {
  return { kind: 'answer', code: 'NOERROR', records };
}

/** The address that a pod's name spells; '' for the namespace's own name; 'none' where there is no such name; undefined elsewhere. */
function podAddress(name: string, zone: string, hasNamespace: HasNamespace): string | 'none' | undefined {
  const suffix = `.pod.${zone}`;
  if (!name.endsWith(suffix)) return undefined;
  const labels = name.slice(0, -suffix.length).split('.');
  const [spelled = '', namespace = ''] = labels;
  if (labels.length === 1) return hasNamespace(spelled) ? '' : 'none';
  if (labels.length !== 2 || !hasNamespace(namespace)) return 'none';
  const dotted = spelled.replaceAll('-', '.');
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(dotted) && dotted.split('.').every((part) => Number(part) <= 255)) return dotted;
  const colons = spelled.replaceAll('-', ':');
  const groups = colons.split(':').length;
  return /^([0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}$/.test(colons) && (groups === 8 || colons.includes('::')) ? colons : 'none';
}

/** The address that a name under in-addr.arpa or ip6.arpa stands for; undefined for other names. */
export function reverseAddress(name: string): string | undefined {
  const four = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (four) return four.slice(1).reverse().join('.');
  if (!name.endsWith('.ip6.arpa')) return undefined;
  const digits = name.slice(0, -'.ip6.arpa'.length).split('.').reverse().join('');
  if (!/^[0-9a-f]{32}$/.test(digits)) return undefined;
  return compress((digits.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, '')));
}

/** The usual short form of an IPv6 address: the longest run of zero groups left out. */
function compress(groups: readonly string[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}
