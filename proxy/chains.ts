/** Rules as iptables chains: text in the language of iptables-restore, one list of lines per chain. Pure. */
import type { Backend, PortRule, ProxyNode, Rules } from './compile.ts';

export type Table = 'nat' | 'filter';

/** All chains of one address family, by table and name, and the jumps that lead into them. */
export interface Chains {
  readonly nat: ReadonlyMap<string, readonly string[]>;
  readonly filter: ReadonlyMap<string, readonly string[]>;
}

/** Everything that is ours begins so; nothing else is ever touched. */
export const PREFIX = 'CORACLE-';

/** A packet with this mark is masqueraded when it leaves. */
const MARK = '0x4000/0x4000';

/** The mark of CNI's port mappings for the same. */
const PORTMAP_MARK = '0x2000/0x2000';

/** Where the built-in chains enter ours, in this order. */
export const JUMPS: Readonly<Record<Table, readonly { readonly from: string; readonly rule: string }[]>> = {
  nat: [
    { from: 'PREROUTING', rule: '-m comment --comment "coracle services" -j CORACLE-SERVICES' },
    { from: 'OUTPUT', rule: '-m comment --comment "coracle services" -j CORACLE-SERVICES' },
    { from: 'POSTROUTING', rule: '-m comment --comment "coracle masquerading" -j CORACLE-POSTROUTING' },
  ],
  filter: [
    { from: 'INPUT', rule: '-m comment --comment "coracle guard" -j CORACLE-GUARD' },
    { from: 'INPUT', rule: '-m conntrack --ctstate NEW -m comment --comment "coracle services without backends" -j CORACLE-REJECT' },
    { from: 'FORWARD', rule: '-m conntrack --ctstate NEW -m comment --comment "coracle services without backends" -j CORACLE-REJECT' },
    { from: 'FORWARD', rule: '-m comment --comment "coracle pods" -j CORACLE-FORWARD' },
    { from: 'OUTPUT', rule: '-m conntrack --ctstate NEW -m comment --comment "coracle services without backends" -j CORACLE-REJECT' },
  ],
};

/** `hash` makes short stable names: chain names have at most 28 characters. */
export function chains({ ports, node }: Rules, family: PortRule['family'], hash: (text: string) => string): Chains {
  const nat = new Map<string, string[]>(fixedNat(node, family));
  const reject: string[] = [];
  const services = nat.get('CORACLE-SERVICES') as string[];
  const nodePorts = nat.get('CORACLE-NODEPORTS') as string[];
  for (const rule of ports) {
    if (rule.family !== family) continue;
    service(rule, { nat, services, nodePorts, reject, node, hash });
  }
  services.push('-m addrtype --dst-type LOCAL -m comment --comment "node ports, after all else" -j CORACLE-NODEPORTS');
  return { nat, filter: new Map([...fixedFilter(node, family), ['CORACLE-REJECT', reject]]) };
}

function fixedNat(node: ProxyNode, family: PortRule['family']): [string, string[]][] {
  return [
    ['CORACLE-SERVICES', []],
    ['CORACLE-NODEPORTS', []],
    ['CORACLE-MASQUERADE', [`-j MARK --set-xmark ${MARK}`]],
    ['CORACLE-FROM-OUTSIDE', [...cidrs(node, family).map((cidr) => `-s ${cidr} -j RETURN`), '-j CORACLE-MASQUERADE']],
    ['CORACLE-POSTROUTING', [...cidrs(node, family).map(betweenPods), `-m mark ! --mark ${MARK} -j RETURN`, '-j MARK --set-xmark 0x0/0x4000', '-j MASQUERADE --random-fully']],
  ];
}

/** Pods see each other's addresses on whichever node they are, though their bridge masquerades what leaves it. */
function betweenPods(cidr: string): string {
  return `-s ${cidr} -d ${cidr} -m mark ! --mark ${MARK} -m mark ! --mark ${PORTMAP_MARK} -j ACCEPT`;
}

function fixedFilter(node: ProxyNode, family: PortRule['family']): [string, string[]][] {
  // Node ports answer on loopback too; nobody outside may reach other loopback listeners by that way.
  const guard = family === 'ipv4' ? ['! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP'] : [];
  const pods = cidrs(node, family).flatMap((cidr) => [`-s ${cidr} -j ACCEPT`, `-d ${cidr} -j ACCEPT`]);
  return [
    ['CORACLE-GUARD', guard],
    ['CORACLE-FORWARD', [`-m mark --mark ${MARK} -j ACCEPT`, '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', ...pods]],
  ];
}

function cidrs(node: ProxyNode, family: PortRule['family']): string[] {
  return node.podCidrs.filter((cidr) => cidr.includes(':') === (family === 'ipv6'));
}

interface Sheet {
  readonly nat: Map<string, string[]>;
  readonly services: string[];
  readonly nodePorts: string[];
  readonly reject: string[];
  readonly node: ProxyNode;
  readonly hash: (text: string) => string;
}

function service(rule: PortRule, sheet: Sheet): void {
  const { id, protocol, family } = rule;
  const note = (what: string): string => `-m comment --comment "${id} ${what}"`;
  const to = (ip: string): string => `-d ${ip}/${family === 'ipv4' ? 32 : 128} -p ${protocol} -m ${protocol} --dport ${rule.port}`;
  const name = sheet.hash(`${id} ${family}`);

  if (rule.internal.length > 0) {
    const inside = spread(rule, rule.internal, insideName(rule, name), sheet);
    const cluster = `${PREFIX}CIP-${name}`;
    sheet.nat.set(cluster, ['-j CORACLE-FROM-OUTSIDE', `-j ${inside}`]);
    sheet.services.push(`${to(rule.clusterIp)} ${note('cluster address')} -j ${cluster}`);
  } else {
    sheet.reject.push(`${to(rule.clusterIp)} ${note('has no backends')} -j ${refuse(rule.anywhere)}`);
  }

  const entries = rule.external.map(({ ip, sources }) => ({ match: to(ip), sources, what: `address ${ip}` }));
  const nodePort = rule.nodePort ? `-p ${protocol} -m ${protocol} --dport ${rule.nodePort}` : undefined;
  if (entries.length === 0 && !nodePort) return;
  const open = rule.outside.length > 0 || (rule.externalLocal && rule.internal.length > 0);
  const external = open ? outsideChain(rule, name, sheet) : undefined;
  for (const { match, sources, what } of entries) {
    if (external) {
      const allowed = sources.length > 0 ? sources.map((range) => `-s ${range} `) : [''];
      for (const from of allowed) sheet.services.push(`${from}${match} ${note(what)} -j ${external}`);
      if (sources.length > 0) sheet.reject.push(`${match} ${note(`${what}: source not allowed`)} -j DROP`);
    }
    if (rule.outside.length === 0) sheet.reject.push(`${match} ${note(`${what} has no backends`)} -j ${refuse(rule.anywhere)}`);
  }
  if (!nodePort) return;
  if (external) sheet.nodePorts.push(`${nodePort} ${note('node port')} -j ${external}`);
  if (rule.outside.length === 0) sheet.reject.push(`-m addrtype --dst-type LOCAL ${nodePort} ${note('node port has no backends')} -j ${refuse(rule.anywhere)}`);
}

/** Dropped where another node would answer, so that a load balancer looks elsewhere; rejected where nobody would. */
function refuse(anywhere: boolean): string {
  return anywhere ? 'DROP' : 'REJECT';
}

/** What traffic from outside passes: masqueraded and spread over all backends, or (`Local`) its source kept and only backends here. */
function outsideChain(rule: PortRule, name: string, sheet: Sheet): string {
  const chain = `${PREFIX}EXT-${name}`;
  if (!rule.externalLocal) {
    sheet.nat.set(chain, ['-j CORACLE-MASQUERADE', `-j ${spread(rule, rule.outside, `${PREFIX}SVC-${name}`, sheet)}`]);
    return chain;
  }
  const lines: string[] = [];
  if (rule.internal.length > 0) {
    const inside = spread(rule, rule.internal, insideName(rule, name), sheet);
    for (const cidr of cidrs(sheet.node, rule.family)) lines.push(`-s ${cidr} -j ${inside}`);
    lines.push('-m addrtype --src-type LOCAL -j CORACLE-MASQUERADE', `-m addrtype --src-type LOCAL -j ${inside}`);
  }
  if (rule.outside.length > 0) lines.push(`-j ${spread(rule, rule.outside, `${PREFIX}SVL-${name}`, sheet)}`);
  sheet.nat.set(chain, lines);
  return chain;
}

/** Traffic from inside and outside share a chain unless their policies differ. */
function insideName(rule: PortRule, name: string): string {
  const same = rule.internal.length === rule.outside.length && rule.internal.every(({ ip, port }, i) => rule.outside[i]?.ip === ip && rule.outside[i]?.port === port);
  return `${PREFIX}${same ? 'SVC' : 'SVI'}-${name}`;
}

/** A chain that sends each connection to one of the backends, each as likely, or to the one that the client had before. */
function spread(rule: PortRule, backends: readonly Backend[], chain: string, sheet: Sheet): string {
  if (sheet.nat.has(chain)) return chain;
  const ends = backends.map((backend) => backendChain(rule, backend, sheet));
  const lines: string[] = [];
  if (rule.affinitySeconds !== undefined) {
    for (const end of ends) lines.push(`-m recent --name ${end} --rcheck --seconds ${rule.affinitySeconds} --reap -j ${end}`);
  }
  ends.forEach((end, i) => {
    const left = ends.length - i;
    lines.push(left > 1 ? `-m statistic --mode random --probability ${(1 / left).toFixed(10)} -j ${end}` : `-j ${end}`);
  });
  sheet.nat.set(chain, lines);
  return chain;
}

function backendChain(rule: PortRule, backend: Backend, sheet: Sheet): string {
  const target = rule.family === 'ipv4' ? `${backend.ip}:${backend.port}` : `[${backend.ip}]:${backend.port}`;
  const chain = `${PREFIX}SEP-${sheet.hash(`${rule.id} ${target}`)}`;
  const remember = rule.affinitySeconds === undefined ? '' : `-m recent --name ${chain} --set `;
  sheet.nat.set(chain, [
    // A pod that reaches itself through the Service would otherwise get an answer from an address it never asked.
    `-s ${backend.ip} -j CORACLE-MASQUERADE`,
    `${remember}-p ${rule.protocol} -m ${rule.protocol} -j DNAT --to-destination ${target}`,
  ]);
  return chain;
}
