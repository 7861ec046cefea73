/** Encryption at rest: what the file holds, changes of keys among writers, wrong keys. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../../std/random.ts';
import { aesCbc, aesGcm, chain, identity, keyOf, secretbox } from './encryption-ciphers.ts';
import { checkKeys, openLocalKeys, rotateKeys } from './encryption-keys.ts';
import { openBox, sealBox } from './encryption-secretbox.ts';
import { encryptStore, type EncryptedStore } from './encryption.ts';
import { openMemory } from './memory.ts';
import { openSqlite } from './sqlite.ts';
import { record } from './store.conformance.ts';
import { Conflict, type Store } from './store.ts';

let dir = '';
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'coracle-encryption-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const PLAIN = 'the plain text of a secret';
const SECRET = '/registry/secrets/default/a';

async function open(): Promise<{ inner: Store; store: EncryptedStore; keys: ReturnType<typeof openLocalKeys>; faults: Error[] }> {
  const faults: Error[] = [];
  const inner = await openSqlite({ path: join(dir, 'state.db') });
  const keys = openLocalKeys(join(dir, 'keys.json'), systemRandom);
  return { inner, keys, faults, store: encryptStore(inner, keys.policy, (error) => faults.push(error)) };
}

function onDisk(): string {
  return readdirSync(dir).map((name) => readFileSync(join(dir, name), 'latin1')).join('\n');
}

test('Secrets are nowhere in the files, others are; who reads through the layer sees plain text', async () => {
  const { inner, store, keys } = await open();
  const watched = record(store, '/registry/secrets/', 0);
  const revision = await store.write(SECRET, 0, Buffer.from(PLAIN));
  await store.write(SECRET, revision, Buffer.from(`${PLAIN} 2`));
  await store.write('/registry/configmaps/default/a', 0, Buffer.from('an open text'));
  await watched.until(() => watched.changes.length === 2);
  expect(watched.changes.map(({ value, previous }) => [value?.toString(), previous?.toString()])).toEqual([[PLAIN, undefined], [`${PLAIN} 2`, PLAIN]]);
  expect((await store.get(SECRET))?.value.toString()).toBe(`${PLAIN} 2`);
  expect((await store.list('/registry/')).entries.map(({ value }) => value.toString())).toEqual(['an open text', `${PLAIN} 2`]);
  expect(keyOf((await inner.get(SECRET))?.value as Buffer)).toBe(`aesgcm:v1:${keys.current}`);
  await expect(store.write(SECRET, revision, Buffer.from('late'))).rejects.toMatchObject({ current: { value: Buffer.from(`${PLAIN} 2`) } });
  expect(onDisk()).toContain('an open text');
  expect(onDisk()).not.toContain(PLAIN);
  await store.close();
  expect(onDisk()).not.toContain(PLAIN);
  expect(statSync(join(dir, 'keys.json')).mode & 0o777).toBe(0o600);
});

test('rotateKeys() leaves nothing under the old key, and loses no write of those who write meanwhile', async () => {
  const { inner, store, keys } = await open();
  const old = keys.current;
  const counters = Array.from({ length: 20 }, (_, i) => `/registry/secrets/default/s${i}`);
  for (const key of counters) await store.write(key, 0, Buffer.from('0'));
  const add = async (key: string): Promise<void> => {
    for (;;) {
      const now = await store.get(key);
      try {
        return void (await store.write(key, now?.revision ?? 0, Buffer.from(String(Number(now?.value) + 1))));
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
      }
    }
  };
  const writing = Promise.all(counters.map(async (key) => {
    for (let i = 0; i < 30; i++) await add(key);
  }));
  await rotateKeys(store, keys, { newKey: true });
  const compacted = await store.revision();
  await writing;
  expect(keys).toMatchObject({ count: 1 });
  expect(keys.current).not.toBe(old);
  for (const { key, value } of (await inner.list('/registry/secrets/')).entries) expect([key, keyOf(value)]).toEqual([key, `aesgcm:v1:${keys.current}`]);
  expect((await store.list('/registry/secrets/')).entries.map(({ value }) => value.toString())).toEqual(counters.map(() => '30'));
  expect(compacted).toBeGreaterThan(0);
  expect(readFileSync(join(dir, 'keys.json'), 'utf8')).not.toContain(old);
  await store.close();
  const again = await open();
  expect((await again.store.get(counters[0] as string))?.value.toString()).toBe('30');
  expect(again.faults).toEqual([]);
  await again.store.close();
});

test('what was plain text, or sealed under an old key, is nowhere in the files after a change of keys', async () => {
  const { inner, store, keys } = await open();
  // Small ones that share pages with others, and one that takes several; some are replaced and deleted before.
  const long = PLAIN.repeat(2_000);
  const each = (count: number, write: (i: number) => Promise<number>): Promise<number[]> => Promise.all(Array.from({ length: count }, (_, i) => write(i)));
  await each(60, (i) => inner.write(`/registry/secrets/default/s${i}`, 0, Buffer.from(`${i} ${PLAIN}`)));
  await inner.write('/registry/secrets/default/long', 0, Buffer.from(long));
  await each(60, (i) => inner.write(`/registry/configmaps/default/c${i}`, 0, Buffer.from('x'.repeat(100 * i))));
  await each(30, (i) => inner.write(`/registry/secrets/default/s${i}`, i + 1, i % 2 === 0 ? undefined : Buffer.from(`again ${PLAIN}`)));
  await inner.compact(await inner.revision());
  expect(onDisk()).toContain(PLAIN);
  const before = await store.list('/registry/');
  await rotateKeys(store, keys, { newKey: false });
  expect(onDisk()).not.toContain(PLAIN);
  const sealed = (await inner.list('/registry/secrets/')).entries.map(({ value }) => value.subarray(-40).toString('latin1'));
  await rotateKeys(store, keys, { newKey: true });
  const files = onDisk();
  expect(sealed.filter((end) => files.includes(end))).toEqual([]);
  const after = await store.list('/registry/');
  expect(after.entries.map(({ key, value }) => `${key} ${String(value)}`)).toEqual(before.entries.map(({ key, value }) => `${key} ${String(value)}`));
  // The next writes find their place.
  expect(await store.write('/registry/configmaps/default/next', 0, Buffer.from('x'))).toBe(after.revision + 1);
  await store.close();
  const again = await open();
  expect((await again.store.list('/registry/')).count).toBe(after.count + 1);
  await again.store.close();
});

test('a change of keys that was cut short is taken up by the next start: nothing is lost in between', async () => {
  const first = await open();
  for (const name of ['a', 'b', 'c']) await first.store.write(`/registry/secrets/default/${name}`, 0, Buffer.from(name));
  const old = first.keys.current;
  first.keys.add();
  const one = await first.store.get(SECRET);
  await first.store.write(SECRET, one?.revision ?? 0, Buffer.from('a2'));
  await first.store.close();
  const again = await open();
  expect(again.keys).toMatchObject({ count: 2 });
  await checkKeys(again.inner, again.keys.policy, 'keys.json');
  const read = async (): Promise<string[]> => (await again.store.list('/registry/secrets/')).entries.map(({ value }) => value.toString());
  expect(await read()).toEqual(['a2', 'b', 'c']);
  expect(await rotateKeys(again.store, again.keys, { newKey: false })).toEqual({ rewritten: 2 });
  expect([again.keys.count, await read()]).toEqual([1, ['a2', 'b', 'c']]);
  expect(readFileSync(join(dir, 'keys.json'), 'utf8')).not.toContain(old);
  await again.store.close();
});

test('plain text that was sealed, but not erased before the program ended, is erased by the next start', async () => {
  const { inner, store, keys } = await open();
  await inner.write(SECRET, 0, Buffer.from(PLAIN));
  const cut = new Error('the power is gone');
  await expect(rotateKeys({ ...unbound(store), compact: () => Promise.reject(cut) }, keys, { newKey: false })).rejects.toBe(cut);
  await store.close();
  expect(onDisk()).toContain(PLAIN);
  const again = await open();
  expect(await rotateKeys(again.store, again.keys, { newKey: false })).toEqual({ rewritten: 0 });
  expect(onDisk()).not.toContain(PLAIN);
  expect(again.keys.owesErasure).toBe(false);
  let erased = 0;
  await rotateKeys({ ...unbound(again.store), erase: async () => void erased++ }, again.keys, { newKey: false });
  expect(erased).toBe(0);
  expect((await again.store.get(SECRET))?.value.toString()).toBe(PLAIN);
  await again.store.close();
});

/** Its methods, to put others in their place. */
function unbound(store: EncryptedStore): EncryptedStore {
  return {
    revision: () => store.revision(), get: (...args) => store.get(...args), list: (...args) => store.list(...args), write: (...args) => store.write(...args), watch: (...args) => store.watch(...args),
    compact: (...args) => store.compact(...args), erase: async () => store.erase?.(), snapshot: (...args) => store.snapshot(...args), close: () => store.close(), rewrite: (...args) => store.rewrite(...args),
  };
}

test('what an older program stored in plain text is sealed without a new key', async () => {
  const { inner, store, keys } = await open();
  await inner.write(SECRET, 0, Buffer.from(PLAIN));
  expect((await store.get(SECRET))?.value.toString()).toBe(PLAIN);
  expect(await store.get(SECRET)).toMatchObject({ stale: true });
  expect(await rotateKeys(store, keys, { newKey: false })).toEqual({ rewritten: 1 });
  expect((await store.get(SECRET))?.stale).toBeUndefined();
  expect(keyOf((await inner.get(SECRET))?.value as Buffer)).toBe(`aesgcm:v1:${keys.current}`);
  await store.close();
});

test('wrong keys are told by name, and nothing is lost: with the right file all is there again', async () => {
  const first = await open();
  await first.store.write(SECRET, 0, Buffer.from(PLAIN));
  await first.store.close();
  const right = readFileSync(join(dir, 'keys.json'));
  rmSync(join(dir, 'keys.json'));
  const wrong = await open();
  await expect(checkKeys(wrong.inner, wrong.keys.policy, 'keys.json')).rejects.toThrow(/\/registry\/secrets\/default\/a is encrypted under the key .* and the keys in keys.json do not open it/);
  await expect(wrong.store.get(SECRET)).rejects.toThrow(`unable to transform key "${SECRET}": no matching key was found`);
  await expect(wrong.store.write(SECRET, 0, Buffer.from('over it'))).rejects.toThrow('unable to transform key');
  await expect(rotateKeys(wrong.store, wrong.keys, { newKey: true })).rejects.toThrow('unable to transform key');
  await wrong.store.close();
  writeFileSync(join(dir, 'keys.json'), right);
  const again = await open();
  await checkKeys(again.inner, again.keys.policy, 'keys.json');
  expect((await again.store.get(SECRET))?.value.toString()).toBe(PLAIN);
  await again.store.close();
});

test('a value opens only where it was put, and only as it was', () => {
  const key = { name: 'k', secret: Buffer.alloc(32, 7) };
  const transformer = chain(() => [aesGcm(key, systemRandom), aesCbc(key, systemRandom), identity]);
  const sealed = transformer.seal('/registry/secrets/a/b', Buffer.from(PLAIN));
  expect(transformer.open('/registry/secrets/a/b', sealed)).toEqual({ plain: Buffer.from(PLAIN), stale: false });
  expect(() => transformer.open('/registry/secrets/a/c', sealed)).toThrow();
  const changed = Buffer.from(sealed);
  changed[sealed.length - 20] = (changed[sealed.length - 20] as number) ^ 1;
  expect(() => transformer.open('/registry/secrets/a/b', changed)).toThrow();
  const cbc = chain(() => [aesCbc(key, systemRandom)]).seal('/x', Buffer.from(PLAIN));
  expect(cbc.toString('latin1')).toMatch(/^k8s:enc:aescbc:v1:k:/);
  expect(transformer.open('/x', cbc)).toEqual({ plain: Buffer.from(PLAIN), stale: true });
  expect(transformer.open('/x', Buffer.from('{}'))).toEqual({ plain: Buffer.from('{}'), stale: true });
  expect(() => chain(() => [identity]).open('/x', sealed)).toThrow('identity transformer tried to read encrypted data');
});

test('secretbox is NaCl\'s', () => {
  const hex = (text: string): Buffer => Buffer.from(text, 'hex');
  const key = hex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389');
  const nonce = hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37');
  const plain = hex('be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705');
  const box = hex('f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5');
  expect(sealBox(plain, nonce, key).toString('hex')).toBe(box.toString('hex'));
  expect(openBox(box, nonce, key)?.equals(plain)).toBe(true);
  expect(openBox(Buffer.concat([box, Buffer.from('x')]), nonce, key)).toBeUndefined();
  const transformer = chain(() => [secretbox({ name: 'k', secret: key }, systemRandom)]);
  expect(transformer.open('/x', transformer.seal('/x', Buffer.from(PLAIN))).plain.toString()).toBe(PLAIN);
});

test('a store without such resources is left alone', async () => {
  const inner = openMemory();
  const store = encryptStore(inner, { transformerOf: () => undefined }, () => undefined);
  await store.write(SECRET, 0, Buffer.from(PLAIN));
  expect((await inner.get(SECRET))?.value.toString()).toBe(PLAIN);
  await store.close();
});
