import { seededRandom } from '../../std/random.ts';
import { decodeDelta, encodeDelta } from './delta.ts';

function there(text: string, like: string, room = 10_000): { readonly back: string; readonly size: number } | undefined {
  const out = Buffer.alloc(room);
  const size = encodeDelta(Buffer.from(text), Buffer.from(like), out.subarray(0, room));
  if (size < 0) return undefined;
  // Somewhere in a larger slab, and into the middle of a larger buffer.
  const slab = Buffer.concat([Buffer.from('before'), out.subarray(0, size), Buffer.from('after')]);
  const whole = Buffer.from(text);
  const from = (skip: number): Buffer => {
    const target = Buffer.alloc(whole.length - skip + 8, '.');
    decodeDelta({ slab, at: 6, end: 6 + size }, Buffer.from(like), target, { to: 4, from: skip });
    expect([String(target.subarray(0, 4)), String(target.subarray(-4))]).toEqual(['....', '....']);
    return target.subarray(4, -4);
  };
  const half = whole.length >> 1;
  expect(from(half).equals(whole.subarray(half))).toBe(true);
  return { back: String(from(0)), size };
}

const long = 'x'.repeat(20_000);

test.each([
  ['the same', '{"a":"b"}', '{"a":"b"}'],
  ['another value', '{"a":"b","c":"d"}', '{"a":"x","c":"d"}'],
  ['a longer value', '{"a":"bbbbbb","c":"d"}', '{"a":"x","c":"d"}'],
  ['a value that begins alike', '{"ip":"10.1.2.3","c":1}', '{"ip":"10.1.2.34","c":1}'],
  ['another number', '{"a":17,"c":"d"}', '{"a":4,"c":"d"}'],
  ['one field more', '{"a":"b","new":{"x":1},"c":"d"}', '{"a":"b","c":"d"}'],
  ['one field less', '{"a":"b"}', '{"a":"b","c":"d"}'],
  ['quotation marks within', '{"a":"\\"","c":"d"}', '{"a":"b\\"\\"","c":"d"}'],
  ['letters of several bytes', '{"a":"äöü","c":"€"}', '{"a":"äöx","c":"₤"}'],
  ['nothing in common', 'abc', '{}'],
  ['nothing', '', '{"a":1}'],
  ['something of nothing', '{"a":1}', ''],
  ['long stretches', `{"a":"${long}","b":"1"}`, `{"a":"${long}","b":"2"}`],
  ['long stretches of its own', `{"a":"${'y'.repeat(300)}","b":"1"}`, '{"a":"","b":"2"}'],
])('a text is had back from %s', (_what, text, like) => {
  expect(there(text, like)?.back).toBe(text);
});

test('texts of one make differ by what is their own', () => {
  const pod = (name: string, ip: string): string => JSON.stringify({ kind: 'Pod', metadata: { name, labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'registry.example/app:1' }] }, status: { podIP: ip, phase: 'Running' } });
  expect(there(pod('web-7d9f-abcde', '10.244.3.17'), pod('web-7d9f-xyzzy', '10.244.12.4'))?.size).toBeLessThan(30);
});

test('texts that are not alike take more room than there is', () => {
  expect(there('{"a":"bbbbbbbbbbbbbbbbbbbb"}', '{"x":1}', 20)).toBeUndefined();
});

test('any text is had back from any other', () => {
  const random = seededRandom(11);
  const text = (): string => Array.from({ length: Math.floor(random.next() * 60) }, () => 'ab":{}'[Math.floor(random.next() * 6)]).join('');
  for (let round = 0; round < 2_000; round++) {
    const [one, other] = [text(), text()];
    expect(there(one, other)?.back).toBe(one);
  }
});
