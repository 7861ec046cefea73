import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chains } from './chains.ts';
import type { Backend, PortRule, Rules } from './compile.ts';
import { Iptables } from './iptables.ts';

/** A node and three pods, each a network namespace of its own, joined by a bridge; and a host outside. Nothing leads out of the machine. */
const id = `cp${process.pid}`;
const NODE = `${id}-n`;
const PODS = ['10.244.7.2', '10.244.7.3', '10.244.7.4'];
const OUTSIDE = `${id}-o`;
const processes: ChildProcess[] = [];

const missing = process.getuid?.() !== 0 ? 'root' : lacks('ip', 'iptables-restore');
const suite = missing && process.env.CI !== 'true' ? describe.skip : describe;

function lacks(...programs: string[]): string | undefined {
  return programs.find((program) => {
    try {
      execFileSync('which', [program], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
      return false;
    } catch {
      return true;
    }
  });
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function pod(i: number): string {
  return `${id}-p${i}`;
}

beforeAll(async () => {
  if (missing) return;
  ip('netns', 'add', NODE);
  ip('-n', NODE, 'link', 'set', 'lo', 'up');
  ip('-n', NODE, 'link', 'add', 'br0', 'type', 'bridge');
  ip('-n', NODE, 'addr', 'add', '10.244.7.1/24', 'dev', 'br0');
  ip('-n', NODE, 'link', 'set', 'br0', 'up');
  PODS.forEach((address, i) => {
    ip('netns', 'add', pod(i));
    ip('-n', pod(i), 'link', 'set', 'lo', 'up');
    ip('-n', NODE, 'link', 'add', `v${i}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pod(i));
    ip('-n', NODE, 'link', 'set', `v${i}`, 'master', 'br0', 'up');
    ip('-n', NODE, 'link', 'set', 'dev', `v${i}`, 'type', 'bridge_slave', 'hairpin', 'on');
    ip('-n', pod(i), 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', pod(i), 'link', 'set', 'eth0', 'up');
    ip('-n', pod(i), 'route', 'add', 'default', 'via', '10.244.7.1');
  });
  ip('netns', 'add', OUTSIDE);
  ip('-n', NODE, 'link', 'add', 'ext', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', OUTSIDE);
  ip('-n', NODE, 'addr', 'add', '192.0.2.1/24', 'dev', 'ext');
  ip('-n', NODE, 'link', 'set', 'ext', 'up');
  // As on any host with a default route: without one, nothing could be sent towards a cluster address at all.
  ip('-n', NODE, 'route', 'add', '10.96.0.0/16', 'via', '192.0.2.9');
  ip('-n', OUTSIDE, 'addr', 'add', '192.0.2.9/24', 'dev', 'eth0');
  ip('-n', OUTSIDE, 'link', 'set', 'eth0', 'up');
  execFileSync('ip', ['netns', 'exec', NODE, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  await Promise.all(PODS.map((address, i) => serve(pod(i), address)));
});

afterAll(() => {
  for (const child of processes) child.kill('SIGKILL');
  if (!missing) for (const name of [NODE, OUTSIDE, ...PODS.map((_, i) => pod(i))]) ip('netns', 'del', name);
});

/** Answers each connection with its own address and that of the peer. */
async function serve(namespace: string, address: string): Promise<void> {
  const program = `require('net').createServer(s => { s.on('error', () => {}); s.end('${address} ' + s.remoteAddress) }).listen(8080, '${address}', () => console.log('up'))`;
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  await once(child.stdout, 'data');
}

/** What `times` connections were answered with, or the error's code. */
function ask(namespace: string, address: string, port: number, times = 1): string[] {
  const program = `
    const net = require('net'), out = []; let left = ${times};
    const next = () => { if (left-- === 0) return console.log(JSON.stringify(out));
      let text = ''; const s = net.connect({ port: ${port}, host: '${address}', timeout: 1500 });
      const done = (answer) => { s.destroy(); out.push(answer); next(); };
      s.on('data', d => text += d).on('end', () => done(text)).on('error', e => done(e.code)).on('timeout', () => done('ETIMEDOUT')); };
    next();`;
  return JSON.parse(execFileSync('ip', ['netns', 'exec', namespace, process.execPath, '-e', program], { encoding: 'utf8' })) as string[];
}

function backends(...at: number[]): Backend[] {
  return at.map((i) => ({ ip: PODS[i] as string, port: 8080, local: true }));
}

function rule(internal: Backend[], more: Partial<PortRule> = {}): PortRule {
  return {
    id: 'd/web/tcp/80',
    family: 'ipv4',
    protocol: 'tcp',
    clusterIp: '10.96.0.77',
    port: 80,
    external: [],
    internal,
    outside: internal,
    externalLocal: false,
    anywhere: internal.length > 0,
    ...more,
  };
}

const iptables = new Iptables('ipv4', ['ip', 'netns', 'exec', NODE]);
const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

async function program(...ports: PortRule[]): Promise<void> {
  const rules: Rules = { ports, node: { name: 'n', podCidrs: ['10.244.0.0/16'] } };
  await iptables.apply(chains(rules, 'ipv4', hash));
}

function saved(): string {
  return execFileSync('ip', ['netns', 'exec', NODE, 'iptables-save'], { encoding: 'utf8' });
}

suite(`iptables carries Services${missing ? ` (needs ${missing})` : ''}`, () => {
  test('a cluster address reaches every backend about as often, from the node and from a pod', async () => {
    await program(rule(backends(0, 1, 2)));
    for (const from of [NODE, pod(0)]) {
      const counts = new Map<string, number>();
      for (const answer of ask(from, '10.96.0.77', 80, 150)) {
        const [backend = ''] = answer.split(' ');
        counts.set(backend, (counts.get(backend) ?? 0) + 1);
      }
      expect([...counts.keys()].sort()).toEqual(PODS);
      // 150 draws of 1/3 fall below 20 once in ten million times.
      for (const count of counts.values()) expect(count).toBeGreaterThan(20);
    }
  });

  test('a pod reaches itself through its Service', async () => {
    await program(rule(backends(0)));
    expect(ask(pod(0), '10.96.0.77', 80, 3)).toEqual(Array.from({ length: 3 }, () => `${PODS[0]} 10.244.7.1`));
  });

  test('pods see the address of the pod that asks', async () => {
    await program(rule(backends(1)));
    expect(ask(pod(0), '10.96.0.77', 80)).toEqual([`${PODS[1]} ${PODS[0]}`]);
  });

  test('a Service without backends refuses at once', async () => {
    await program(rule([], { nodePort: 30077 }));
    expect(ask(NODE, '10.96.0.77', 80)).toEqual(['ECONNREFUSED']);
    expect(ask(pod(0), '10.96.0.77', 80)).toEqual(['ECONNREFUSED']);
    expect(ask(OUTSIDE, '192.0.2.1', 30077)).toEqual(['ECONNREFUSED']);
  });

  test('a client keeps its backend with sessionAffinity', async () => {
    await program(rule(backends(0, 1, 2), { affinitySeconds: 60 }));
    expect(new Set(ask(NODE, '10.96.0.77', 80, 20)).size).toBe(1);
  });

  test('a node port answers from outside, with the source kept where the policy is Local', async () => {
    await program(rule(backends(1), { nodePort: 30077 }));
    expect(ask(OUTSIDE, '192.0.2.1', 30077)).toEqual([`${PODS[1]} 10.244.7.1`]);
    await program(rule(backends(1), { nodePort: 30077, externalLocal: true }));
    execFileSync('ip', ['-n', OUTSIDE, 'route', 'replace', '10.244.7.0/24', 'via', '192.0.2.1']);
    expect(ask(OUTSIDE, '192.0.2.1', 30077)).toEqual([`${PODS[1]} 192.0.2.9`]);
  });

  test('an external address lets in only the sources it names', async () => {
    await program(rule(backends(0), { external: [{ ip: '192.0.2.50', sources: ['192.0.2.8/32'] }] }));
    execFileSync('ip', ['-n', OUTSIDE, 'route', 'replace', '192.0.2.50', 'via', '192.0.2.1']);
    expect(ask(OUTSIDE, '192.0.2.50', 80)).toEqual(['ETIMEDOUT']);
    await program(rule(backends(0), { external: [{ ip: '192.0.2.50', sources: ['192.0.2.9/32'] }] }));
    expect(ask(OUTSIDE, '192.0.2.50', 80)).toEqual([`${PODS[0]} 10.244.7.1`]);
  });

  test('changes are made by difference, and rules of others stay', async () => {
    execFileSync('ip', ['netns', 'exec', NODE, 'iptables', '-t', 'nat', '-A', 'PREROUTING', '-p', 'tcp', '--dport', '9', '-j', 'ACCEPT']);
    const many = Array.from({ length: 40 }, (_, i) => rule(backends(i % 3), { id: `d/s${i}/tcp/80`, clusterIp: `10.96.1.${i}` }));
    await program(...many);
    await program(...many.slice(1), rule(backends(2), { id: 'd/new/tcp/80', clusterIp: '10.96.1.99' }));
    expect(ask(NODE, '10.96.1.99', 80)[0]).toMatch(PODS[2] as string);
    expect(ask(NODE, '10.96.1.39', 80)[0]).toMatch(PODS[0] as string);
    expect(saved()).not.toContain('10.96.1.0/32');
    expect(saved()).toContain('--dport 9 -j ACCEPT');
    // What the kernel holds now is what a newcomer would write.
    const before = comparable(saved());
    iptables.distrust();
    await program(...many.slice(1), rule(backends(2), { id: 'd/new/tcp/80', clusterIp: '10.96.1.99' }));
    expect(comparable(saved())).toEqual(before);
  });

  test('clear() leaves nothing of ours', async () => {
    await program(rule(backends(0)));
    await iptables.clear();
    expect(saved()).not.toMatch(/coracle/i);
    expect(saved()).toContain('--dport 9 -j ACCEPT');
  });
});

function comparable(text: string): string[] {
  return text.split('\n').filter((line) => /^(-A|:)/.test(line)).map((line) => line.replace(/ \[\d+:\d+\]/, '')).sort();
}
