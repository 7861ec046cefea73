import type { CacheEvent, CachedObject } from '../cache/cache.ts';
import type { WatchItem } from '../exchange.ts';
import { PIECE_BYTES, Runs, type Frame, type Run } from './watch-run.ts';

const live = (): WatchItem => ({ type: 'ADDED', object: {} as CachedObject, event: {} as CacheEvent });
const initial = (): WatchItem => ({ type: 'ADDED', object: {} as CachedObject, event: undefined });

function runOf(runs: Runs, items: readonly WatchItem[], frame: Frame): Run {
  const [first, ...rest] = items as [WatchItem, ...WatchItem[]];
  return rest.reduce((run, item) => run.followedBy(item, frame), runs.begin(first, frame));
}

const text = (run: Run): string => run.whole().toString();

test('watches that were shown the same share the bytes; a frame is made once', () => {
  const runs = new Runs(false);
  const items = [live(), live()];
  let made = 0;
  const frame: Frame = (item) => {
    made++;
    return [Buffer.from(`<${items.indexOf(item)}`), Buffer.from('>')];
  };
  const one = runOf(runs, items, frame);
  const other = runOf(runs, items, frame);
  expect(text(one)).toBe('<0><1>');
  expect(other.whole()).toBe(one.whole());
  expect(made).toBe(2);
});

test('watches that were shown different things get each their own', () => {
  const runs = new Runs(false);
  const items = [live(), live(), live()];
  const [a, b, c] = items as [WatchItem, WatchItem, WatchItem];
  const frame: Frame = (item) => [Buffer.from('abc'[items.indexOf(item)] as string)];
  const first = runOf(runs, [a, b], frame);
  const second = runOf(runs, [a, c], frame);
  const third = runOf(runs, [b, c], frame);
  expect([text(first), text(second), text(third), text(runOf(runs, [a], frame))]).toEqual(['ab', 'ac', 'bc', 'a']);
});

test('in the framing of HTTP/1.1 a whole is one chunk', () => {
  const frame: Frame = () => [Buffer.from('12345678')];
  expect(text(runOf(new Runs(true), [live(), live()], frame))).toBe('10\r\n1234567812345678\r\n');
});

test('what watches begin with is kept for those who come later, past all that was written meanwhile', () => {
  const runs = new Runs(false);
  const items = [initial(), initial()];
  const frame: Frame = (item) => [Buffer.from(String(items.indexOf(item)))];
  const early = runOf(runs, items, frame).whole();
  runs.forget();
  runOf(runs, [live()], frame);
  expect(runOf(runs, items, frame).whole()).toBe(early);
});

test('what many watches begin with is cut into pieces once, and each piece has all its frames in order', () => {
  const runs = new Runs(false);
  const items = Array.from({ length: 10 }, initial);
  let made = 0;
  const frame: Frame = (item) => {
    made++;
    return [Buffer.alloc(PIECE_BYTES / 4, String(items.indexOf(item)))];
  };
  const all = (): Buffer[] => {
    const pieces: Buffer[] = [];
    for (let at = 0; at < items.length; ) {
      const { run, to, sizes } = runs.beginning(items).from(at, frame);
      expect(sizes).toEqual(Array(to - at).fill(PIECE_BYTES / 4));
      pieces.push(run.whole());
      at = to;
    }
    return pieces;
  };
  const first = all();
  const second = all();
  expect(first.map(({ length }) => length / PIECE_BYTES)).toEqual([1, 1, 0.5]);
  expect(Buffer.concat(first).toString().replaceAll(/(.)\1*/g, '$1')).toBe('0123456789');
  expect(second.every((piece, at) => piece === first[at])).toBe(true);
  expect(made).toBe(10);
});
