/** Encryption through a key management service: over a real socket, through changes of its key, and while it is not there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import * as loader from '@grpc/proto-loader';
import { systemClock, VirtualClock } from '../../../std/clock.ts';
import { Meter } from '../../../std/meter.ts';
import { systemRandom } from '../../../std/random.ts';
import { chain, identity } from '../encryption-ciphers.ts';
import { encryptStore } from '../encryption.ts';
import { openMemory } from '../memory.ts';
import { record } from '../store.conformance.ts';
import { dataKey } from './data-keys.ts';
import { decodeEnvelope, encodeEnvelope, KEY } from './envelope.ts';
import { checkAll, KmsProvider } from './provider.ts';
import { encryptionSeries } from './series.ts';
import { KMS_ENCODING, KMS_PROTOCOL, openKmsService, type KmsSealed, type KmsService } from './service.ts';

const SECRET = '/registry/secrets/default/a';

/** Seals by turning bytes over, and says what it was asked. */
class FakeService implements KmsService {
  key = 'one';
  healthz = 'ok';
  version = 'v2';
  isDown = false;
  /** What `encrypt` says its key is. */
  sealsWith: string | undefined;
  readonly asked: string[] = [];

  async status(): Promise<{ version: string; healthz: string; keyId: string }> {
    this.#note('status');
    return { version: this.version, healthz: this.healthz, keyId: this.key };
  }

  async encrypt(_uid: string, plaintext: Buffer): Promise<KmsSealed> {
    this.#note('encrypt');
    const keyId = this.sealsWith ?? this.key;
    return { ciphertext: Buffer.concat([Buffer.from(keyId), turned(plaintext)]), keyId, annotations: new Map([['region.example.com', Buffer.from([1, 0, 2])]]) };
  }

  async decrypt(_uid: string, { ciphertext, keyId, annotations }: KmsSealed): Promise<Buffer> {
    this.#note(`decrypt ${keyId}`);
    if (!annotations.get('region.example.com')?.equals(Buffer.from([1, 0, 2]))) throw new Error('annotations were lost');
    return turned(ciphertext.subarray(keyId.length));
  }

  close(): void {
    this.isDown = true;
  }

  #note(what: string): void {
    if (this.isDown) throw new Error('rpc error: code = Unavailable desc = nobody there');
    this.asked.push(what);
  }
}

function turned(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => byte ^ 0xff));
}

async function scene(service = new FakeService(), inner = openMemory({ clock: new VirtualClock() })) {
  const clock = new VirtualClock();
  const meter = new Meter();
  const provider = new KmsProvider({ name: 'mine', service, clock, random: systemRandom, series: encryptionSeries(meter, clock, 'apiserver-x') });
  await provider.start();
  const transformer = chain(() => [provider, identity]);
  const faults: Error[] = [];
  const store = encryptStore(inner, { transformerOf: (place) => (place === 'secrets' ? transformer : undefined) }, (error) => faults.push(error), { series: encryptionSeries(new Meter(), clock, ''), clock });
  return { clock, meter, provider, service, inner, store, faults };
}

test('values are sealed under a seed that only the service opens, which is asked once, not per value', async () => {
  const first = await scene();
  for (let i = 0; i < 5; i++) await first.store.write(`${SECRET}${i}`, 0, Buffer.from(`secret ${i}`));
  expect((await first.store.get(`${SECRET}1`))?.value.toString()).toBe('secret 1');
  const stored = (await first.inner.get(`${SECRET}1`))?.value as Buffer;
  expect(stored.toString('latin1')).toMatch(/^k8s:enc:kms:v2:mine:/);
  expect(stored.includes('secret 1')).toBe(false);
  expect(first.service.asked).toEqual(['status', 'encrypt']);
  first.provider.close();
  const again = await scene(new FakeService(), first.inner);
  const watched = record(again.store, '/registry/secrets/', 0);
  await watched.until(() => watched.changes.length === 5);
  expect(watched.changes.map(({ value }) => value?.toString())).toEqual([0, 1, 2, 3, 4].map((i) => `secret ${i}`));
  expect((await again.store.list('/registry/secrets/')).entries.map(({ value }) => value.toString())).toEqual([0, 1, 2, 3, 4].map((i) => `secret ${i}`));
  expect(again.service.asked).toEqual(['status', 'encrypt', 'decrypt one']);
  expect(again.meter.text()).toContain('apiserver_storage_envelope_transformation_cache_misses_total 1\n');
  expect(again.faults).toEqual([]);
});

test('a value opens only at its place and only as it was', async () => {
  const { provider } = await scene();
  const sealed = provider.seal(SECRET, Buffer.from('plain'));
  expect(provider.open(SECRET, sealed).toString()).toBe('plain');
  expect(() => provider.open(`${SECRET}2`, sealed)).toThrow();
  const { data, ...rest } = decodeEnvelope(sealed);
  for (const at of [0, 40, data.length - 1]) {
    const changed = Buffer.from(data);
    changed[at] = (changed[at] as number) ^ 1;
    expect(() => provider.open(SECRET, encodeEnvelope({ ...rest, data: changed }))).toThrow();
  }
});

test('another key of the service: a new seed within a minute, and what the old one sealed is due to be written anew', async () => {
  const { clock, service, store, inner } = await scene();
  await store.write(SECRET, 0, Buffer.from('old'));
  service.key = 'two';
  await clock.advance(60_000);
  expect(service.asked).toEqual(['status', 'encrypt', 'status', 'encrypt']);
  await store.write(`${SECRET}2`, 0, Buffer.from('new'));
  expect(await store.get(SECRET)).toMatchObject({ stale: true, value: Buffer.from('old') });
  expect((await store.get(`${SECRET}2`))?.stale).toBeUndefined();
  expect(await store.rewrite(['secrets'])).toBe(1);
  const keys = (await inner.list('/registry/secrets/')).entries.map(({ value }) => decodeEnvelope(value.subarray('k8s:enc:kms:v2:mine:'.length)).source.keyId);
  expect(keys).toEqual(['two', 'two']);
  expect(service.asked).not.toContain('decrypt one');
});

test('what goes wrong is told, writes go on for three minutes, and reads for ever', async () => {
  const { clock, service, store, provider } = await scene();
  await store.write(SECRET, 0, Buffer.from('there'));
  await expect(checkAll([provider])).resolves.toBeUndefined();
  service.isDown = true;
  await clock.advance(60_000);
  await expect(checkAll([provider])).rejects.toThrow('kms-provider-0: failed to perform status section of the healthz check for KMS Provider mine, error: rpc error: code = Unavailable desc = nobody there');
  await store.write(`${SECRET}2`, 0, Buffer.from('still'));
  await clock.advance(120_001);
  await expect(store.write(`${SECRET}3`, 0, Buffer.from('late'))).rejects.toThrow(/encryptedDEKSource with keyID hash "sha256:7692c3ad.* expired at 2026-01-01T00:03:00Z/);
  expect((await store.get(SECRET))?.value.toString()).toBe('there');
  service.isDown = false;
  await clock.advance(10_000);
  await store.write(`${SECRET}3`, 0, Buffer.from('again'));
  expect(service.asked.filter((what) => what === 'encrypt')).toHaveLength(1);
});

test.each([
  ['health', (service: FakeService) => void (service.healthz = 'sick'), 'kmsv2 Provider mine is not healthy, error: got unexpected healthz status: sick'],
  ['version', (service: FakeService) => void (service.version = 'v2beta1'), 'KMSv2 API version should not change after the initial status response version v2, got v2beta1'],
  ['unknown version', (service: FakeService) => void (service.version = 'v3'), 'expected KMSv2 API version v2, got v3'],
  ['no key', (service: FakeService) => void (service.key = ''), 'got invalid KMSv2 KeyID hash "": keyID is empty'],
  ['a long key', (service: FakeService) => void (service.key = 'k'.repeat(1025)), 'keyID is 1025 bytes, which exceeds the max size of 1024'],
  ['two minds', (service: FakeService) => Object.assign(service, { key: 'two', sealsWith: 'three' }), /failed to rotate DEK uid=".*", useSeed=true, errState=<nil>, errGen=<nil>, statusKeyIDHash="sha256:/],
])('a service with a wrong answer is not well: %s', async (_what, break_, why) => {
  const { clock, service, provider, store } = await scene();
  break_(service);
  await clock.advance(60_000);
  await expect(provider.check()).rejects.toThrow(why);
  // What sealed before goes on.
  await store.write(SECRET, 0, Buffer.from('plain'));
});

test('while the key cannot be asked for, reads by name and lists fail and watches end; nothing unreadable is handed on', async () => {
  const first = await scene();
  await first.store.write(SECRET, 0, Buffer.from('there'));
  const service = new FakeService();
  service.isDown = true;
  const { store, clock } = await scene(service, first.inner);
  await expect(store.get(SECRET)).rejects.toThrow(`unable to transform key "${SECRET}": failed to decrypt DEK, error: rpc error: code = Unavailable`);
  await expect(store.list('/registry/secrets/')).rejects.toThrow('failed to decrypt DEK');
  await expect(store.write(`${SECRET}2`, 0, Buffer.from('x'))).rejects.toThrow('got unexpected nil transformer');
  const ended = await new Promise<Error>((resolve) => store.watch('/registry/', 0, { changes: () => resolve(new Error('changes')), progress: () => undefined, ended: resolve }));
  expect(ended.message).toContain('failed to decrypt DEK');
  service.isDown = false;
  await clock.advance(10_000);
  expect((await store.get(SECRET))?.value.toString()).toBe('there');
  await store.write(`${SECRET}2`, 0, Buffer.from('x'));
});

test('progress and the end of a watch wait for changes whose key is being asked for', async () => {
  const first = await scene();
  await first.store.write(SECRET, 0, Buffer.from('there'));
  const service = new FakeService();
  const gate = Promise.withResolvers<void>();
  service.decrypt = async (_uid, { ciphertext, keyId }) => {
    await gate.promise;
    return turned(ciphertext.subarray(keyId.length));
  };
  const inner = { ...openMemory({ clock: new VirtualClock() }), watch: (prefix: string, after: number, sink: Parameters<typeof first.inner.watch>[2]) => first.inner.watch(prefix, after, { ...sink, changes: (batch) => {
    sink.changes(batch);
    sink.progress(7);
    sink.ended(new Error('over'));
  } }) };
  const { store } = await scene(service, inner as never);
  const told: string[] = [];
  const over = new Promise<void>((resolve) => store.watch('/registry/secrets/', 0, { changes: (batch) => told.push(...batch.map(({ value }) => String(value))), progress: (revision) => told.push(String(revision)), ended: ({ message }) => (told.push(message), resolve()) }));
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([]);
  gate.resolve();
  await over;
  expect(told).toEqual(['there', '7', 'over']);
});

// Made by upstream's own code: what one writes the other reads.
const VECTOR = {
  path: '/registry/secrets/default/a',
  seed: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  stored: 'Ck+7jMzedq/uzNsnqV7eWBVuzy4bJt8+fhOIozEUmW6+Z+pOiG32PiVk7ZRILIFEjbURfGYD6WQIAU+hx74yMVAA+msUabTUK9AcM5UnPv7cEgVrZXktMRoGc2VhbGVkIhIKDWEuZXhhbXBsZS5jb20SAXgiEQoNYi5leGFtcGxlLmNvbRIAKAE=',
};

test('what upstream stored under a seed opens here', () => {
  const { data, source, sourceType } = decodeEnvelope(Buffer.from(VECTOR.stored, 'base64'));
  expect([source.keyId, source.ciphertext.toString(), [...source.annotations].map(([name, value]) => `${name}=${value}`)]).toEqual(['key-1', 'sealed', ['a.example.com=x', 'b.example.com=']]);
  expect(dataKey(sourceType, Buffer.from(VECTOR.seed, 'hex')).open(VECTOR.path, data).toString()).toBe('hello from upstream');
  expect(encodeEnvelope({ data, source, sourceType }).toString('base64')).toBe(VECTOR.stored);
});

test('what older writers sealed under the key itself opens too, and is due to be written anew', async () => {
  const { provider, service } = await scene();
  const { aesGcm } = await import('../encryption-ciphers.ts');
  const key = Buffer.alloc(32, 3);
  const sealed = encodeEnvelope({ data: aesGcm({ name: '', secret: key }, systemRandom).seal(SECRET, Buffer.from('plain')), source: await service.encrypt('', key), sourceType: KEY });
  await provider.prepare(SECRET, sealed);
  expect(provider.open(SECRET, sealed).toString()).toBe('plain');
  expect(provider.isOutdated(sealed)).toBe(true);
});

test('over a socket: questions and answers in the service\'s own protocol, and how it ends when nobody is there', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coracle-kms-'));
  const endpoint = `unix://${join(dir, 'kms.sock')}`;
  const definition = loader.fromJSON(KMS_PROTOCOL as never, KMS_ENCODING)['v2.KeyManagementService'] as grpc.ServiceDefinition;
  const fake = new FakeService();
  const server = new grpc.Server();
  server.addService(definition, {
    Status: (_call: unknown, done: (error: null, answer: object) => void) => done(null, { version: 'v2', healthz: 'ok', key_id: fake.key }),
    Encrypt: ({ request }: { request: { plaintext: Buffer; uid: string } }, done: (error: null, answer: object) => void) => void fake.encrypt(request.uid, request.plaintext).then(({ ciphertext, keyId, annotations }) => done(null, { ciphertext, key_id: keyId, annotations: Object.fromEntries(annotations) })),
    Decrypt: ({ request }: { request: { ciphertext: Buffer; key_id: string; annotations: Record<string, Buffer> } }, done: (error: object | null, answer?: object) => void) => {
      if (request.key_id === 'gone') return done({ code: grpc.status.PERMISSION_DENIED, details: 'the key is gone' });
      fake.decrypt('', { ciphertext: request.ciphertext, keyId: request.key_id, annotations: new Map(Object.entries(request.annotations)) }).then((plaintext) => done(null, { plaintext }), done);
    },
  });
  await new Promise<void>((resolve, reject) => server.bindAsync(endpoint.replace('unix://', 'unix:'), grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())));
  const calls: string[] = [];
  const service = openKmsService({ endpoint, timeoutMs: 2_000, clock: systemClock, onCall: (method, _seconds, code) => calls.push(`${method} ${code}`) });
  const nobody = openKmsService({ endpoint: `unix://${join(dir, 'other.sock')}`, timeoutMs: 50, clock: systemClock });
  try {
    expect(await service.status()).toEqual({ version: 'v2', healthz: 'ok', keyId: 'one' });
    const sealed = await service.encrypt('uid', Buffer.from('a secret'));
    expect((await service.decrypt('uid', sealed)).toString()).toBe('a secret');
    await expect(service.decrypt('uid', { ...sealed, keyId: 'gone' })).rejects.toThrow('rpc error: code = PermissionDenied desc = the key is gone');
    expect(calls).toEqual(['/v2.KeyManagementService/Status OK', '/v2.KeyManagementService/Encrypt OK', '/v2.KeyManagementService/Decrypt OK', '/v2.KeyManagementService/Decrypt PermissionDenied']);
    await expect(nobody.status()).rejects.toThrow('rpc error: code = DeadlineExceeded desc = context deadline exceeded');
  } finally {
    service.close();
    nobody.close();
    server.forceShutdown();
    rmSync(dir, { recursive: true });
  }
});
