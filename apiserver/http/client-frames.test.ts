import { clientFrame } from '../test-websocket.ts';
import { ClientFrames } from './client-frames.ts';

const PING = clientFrame(9, 'still there');

/** What is heard of these frames, whole and byte by byte. */
function heard(...frames: Buffer[]): string[] {
  const bytes = Buffer.concat(frames);
  const [whole, pieces]: [string[], string[]] = [[], []];
  for (const [said, step] of [[whole, bytes.length], [pieces, 1]] as const) {
    const reader = new ClientFrames({ ping: (data) => said.push(data.toString()), over: (isBroken) => said.push(isBroken ? 'broken' : 'over') });
    for (let at = 0; at < bytes.length; at += step) reader.read(bytes.subarray(at, at + step));
  }
  expect(pieces).toEqual(whole);
  return whole;
}

test.each<[string, Buffer[], string[]]>([
  ['pings', [PING, clientFrame(9)], ['still there', '']],
  ['a ping that is longer than it may be', [clientFrame(9, 'x'.repeat(300)), PING], ['x'.repeat(125), 'still there']],
  ['messages of all lengths', [clientFrame(1, 'hello'), clientFrame(2, 'x'.repeat(200)), clientFrame(2, 'x'.repeat(70_000)), PING], ['still there']],
  ['pongs and kinds that nobody knows', [clientFrame(10, 'p'), clientFrame(3, 'q'), clientFrame(11), PING], ['still there']],
  ['a farewell', [clientFrame(8, Buffer.from([3, 232])), PING], ['over']],
  ['a frame without a mask', [clientFrame(1, 'hello', { masked: false }), PING], ['broken']],
  ['a message that is too large', [clientFrame(2, '', { sizeBytes: 32 * 1024 * 1024 + 1 }), PING], ['over']],
  ['the largest one', [clientFrame(2, PING, { sizeBytes: 32 * 1024 * 1024 })], []],
])('ClientFrames: %s', (_what, frames, expected) => {
  expect(heard(...frames)).toEqual(expected);
});
