/** Coracle's API server under the name and with the flags by which test suites (controller-runtime's envtest) start kube-apiserver. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pluginsOff } from '../../apiserver/admission/switches.ts';
import { modesOf } from '../../apiserver/auth/authorization/config.ts';
import { EVERYBODY, NOBODY } from '../../apiserver/auth/jwt/config.ts';
import { openPki, type Pki } from '../../apiserver/pki/pki.ts';
import { createApiServer } from '../../apiserver/server.ts';
import { openMemory } from '../../apiserver/storage/memory.ts';
import type { Store } from '../../apiserver/storage/store.ts';
import { systemClock } from '../../std/clock.ts';
import { systemRandom } from '../../std/random.ts';
import { openLog } from '../log.ts';
import { machineAddress } from '../machine-address.ts';
import { list } from '../named-flags.ts';

const text = { type: 'string', multiple: true } as const;
const FLAGS = [
  'etcd-servers', 'cert-dir', 'tls-cert-file', 'tls-private-key-file', 'bind-address', 'secure-port', 'advertise-address', 'client-ca-file', 'authorization-mode', 'token-auth-file',
  'anonymous-auth', 'service-cluster-ip-range', 'service-account-issuer', 'service-account-key-file', 'service-account-signing-key-file', 'disable-admission-plugins',
  'enable-admission-plugins', 'allow-privileged', 'insecure-port',
] as const;
/** They change nothing that a test can see here. */
const IGNORED = ['v', 'vmodule', 'logtostderr', 'alsologtostderr', 'logging-format', 'feature-gates', 'runtime-config', 'max-requests-inflight', 'max-mutating-requests-inflight', 'watch-cache', 'storage-backend', 'profiling', 'enable-priority-and-fairness'] as const;

type Flag = (typeof FLAGS)[number];
type Flags = Readonly<Partial<Record<Flag, string>>>;

/** Both `--flag value` and `--flag=value`, and a flag alone for what is true. The last one counts. */
function flagsOf(args: readonly string[]): Flags {
  const { values, tokens } = parseArgs({ args: [...args], options: Object.fromEntries([...FLAGS, ...IGNORED].map((name) => [name, text])), strict: false, tokens: true });
  const known = new Set<string>([...FLAGS, ...IGNORED]);
  for (const token of tokens) if (token.kind === 'option' && !known.has(token.name)) refuse(`unknown flag: --${token.name}; kube-apiserver --help lists what there is`);
  for (const name of IGNORED) if (values[name] !== undefined) console.error(`kube-apiserver: --${name} changes nothing here`);
  const last = (value: unknown): string => String((Array.isArray(value) ? value : [value]).at(-1));
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, last(value)]));
}

async function main(): Promise<void> {
  const flags = flagsOf(process.argv.slice(2));
  if ((flags['insecure-port'] ?? '0') !== '0') refuse('--insecure-port: only 0 is possible');
  const log = openLog();
  const issuer = flags['service-account-issuer'];
  const port = Number(flags['secure-port'] ?? 6443);
  const modes = (flags['authorization-mode'] ?? 'AlwaysAllow').split(',');
  const { store, save } = await storeOf(flags);
  const server = createApiServer({
    store,
    pki: await pkiOf(flags),
    log: { info: (message) => log.info({}, message), error: (message, error) => log.error({ error: error instanceof Error ? error.stack : error }, message) },
    authorization: modesOf({ modes }),
    authentication: {
      issuers: [],
      anonymous: flags['anonymous-auth'] === 'false' || modes.includes('AlwaysAllow') ? NOBODY : EVERYBODY,
      ...(flags['client-ca-file'] !== undefined && { clientCaPem: read(flags, 'client-ca-file') }),
      ...(flags['token-auth-file'] !== undefined && { staticTokens: read(flags, 'token-auth-file') }),
    },
    disabledAdmission: pluginsOff({ enable: list(flags['enable-admission-plugins'] ?? ''), disable: list(flags['disable-admission-plugins'] ?? '') }),
    ...(issuer !== undefined && { serviceAccounts: { issuers: [issuer] } }),
    advertise: { address: flags['advertise-address'] ?? machineAddress(), port },
    ...(flags['service-cluster-ip-range'] !== undefined && { serviceRange: flags['service-cluster-ip-range'].split(',')[0] as string }),
  });
  await server.listen({ host: flags['bind-address'] ?? '0.0.0.0', port });
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) process.exit(0);
    stopping = true;
    await save();
    await Promise.race([server.close(), new Promise<void>((resolve) => void systemClock.after(STOP_MS, resolve))]);
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
}

/** Nothing of value is under way when a suite stops its server. */
const STOP_MS = 300;

/** Beside the stand-in for etcd: in memory, and between two servers in its folder. Beside a real etcd: in it. */
async function storeOf(flags: Flags): Promise<{ readonly store: Store; save(): Promise<void> }> {
  const endpoints = (flags['etcd-servers'] ?? '').split(',').filter(Boolean);
  const health = endpoints[0] === undefined ? undefined : await fetch(new URL('/health', endpoints[0])).then((answer) => answer.json(), () => undefined);
  const standIn = (health as { coracle?: { dataDir: string } } | undefined)?.coracle;
  if (standIn === undefined && endpoints.length > 0) {
    const { openEtcd } = await import('../../apiserver/storage/etcd.ts');
    return { store: await openEtcd({ endpoints }), save: async () => undefined };
  }
  const file = standIn?.dataDir ? join(standIn.dataDir, 'coracle-state') : undefined;
  const store = openMemory(file !== undefined && existsSync(file) ? { from: file } : {});
  return { store, save: async () => (file === undefined ? undefined : store.snapshot(file).catch(() => undefined)) };
}

async function pkiOf(flags: Flags): Promise<Pki> {
  const made = await openPki({ directory: undefined, clock: systemClock, random: systemRandom, addresses: [flags['bind-address'] ?? '127.0.0.1'], tokenKey: 'ec' });
  const [certFile, keyFile] = [flags['tls-cert-file'] ?? join(flags['cert-dir'] ?? '', 'apiserver.crt'), flags['tls-private-key-file'] ?? join(flags['cert-dir'] ?? '', 'apiserver.key')];
  const serving = existsSync(certFile) && existsSync(keyFile) ? { certPem: readFileSync(certFile, 'utf8'), keyPem: readFileSync(keyFile, 'utf8') } : made.serving;
  const signing = flags['service-account-signing-key-file'];
  const serviceAccountKey = signing === undefined ? made.serviceAccountKey : signingKey(read(flags, 'service-account-signing-key-file'), flags['service-account-key-file'] === undefined ? undefined : read(flags, 'service-account-key-file'));
  const { ca, caPem, kubeletClient, frontProxyCaPem, frontProxyClient } = made;
  return {
    ca, caPem, kubeletClient, frontProxyCaPem, frontProxyClient, serving, serviceAccountKey,
    clientCertificate: (options) => made.clientCertificate(options),
    servingCertificate: (options) => made.servingCertificate(options),
    renew: async () => false,
    onRenewed: () => ({ close() {} }),
    close: () => made.close(),
  };
}

/** The key to verify with may stand in a certificate. */
function signingKey(privateText: string, publicText: string | undefined): Pki['serviceAccountKey'] {
  const key = createPrivateKey(privateText);
  return {
    privatePem: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicPem: createPublicKey(publicText ?? (key.export({ type: 'pkcs8', format: 'pem' }) as string)).export({ type: 'spki', format: 'pem' }) as string,
  };
}

function read(flags: Flags, name: Flag): string {
  try {
    return readFileSync(flags[name] ?? '', 'utf8');
  } catch (error) {
    refuse(`--${name}: ${(error as Error).message}`);
  }
}

function refuse(why: string): never {
  console.error(`kube-apiserver: ${why}`);
  process.exit(1);
}

try {
  await main();
} catch (error) {
  refuse(error instanceof Error ? error.message : String(error));
}
